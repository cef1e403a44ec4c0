package bugs

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"strings"
	"sync"
	"time"

	"github.com/gudtech/scamp-sim/conformance/calling"
)

// A seen is the files of a world with other ages and contents.
type seen struct {
	fs.FS
	edit func(name string, text []byte, at time.Time) ([]byte, time.Time)
}

// Open opens a file as the client sees it.
func (s *seen) Open(name string) (fs.File, error) {
	f, err := s.FS.Open(name)
	if err != nil {
		return f, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(f)
	if err != nil {
		return nil, err
	}
	text, at := s.edit(name, text, info.ModTime())
	return &keptFile{bytes.NewReader(text), dated{info, at}, int64(len(text))}, nil
}

// A dated is a file of another age.
type dated struct {
	fs.FileInfo
	at time.Time
}

func (d dated) ModTime() time.Time { return d.at }

// seeing makes a bug of how the files look.
func seeing(edit func(name string, text []byte, at time.Time) ([]byte, time.Time)) func(fs.FS) fs.FS {
	return func(files fs.FS) fs.FS { return &seen{files, edit} }
}

// once makes files of which one never changes.
func once(which string) func(fs.FS) fs.FS {
	return func(files fs.FS) fs.FS {
		var mu sync.Mutex
		var first []byte
		var written time.Time
		return &seen{files, func(name string, text []byte, at time.Time) ([]byte, time.Time) {
			if name != which {
				return text, at
			}
			mu.Lock()
			defer mu.Unlock()
			if first == nil {
				first, written = text, at
			}
			if which == calling.Cache {
				return first, at
			}
			return first, written
		}}
	}
}

// isStale reports whether a call has failed because of the cache file.
func isStale(o calling.Outcome) bool { return strings.Contains(o.Text, "cache is stale") }

var clientCache = []Client{
	{Name: "uses-stale-files", Rule: "DISC-CCH-08a", Title: "does not look at the age of the cache file",
		files: seeing(func(name string, text []byte, at time.Time) ([]byte, time.Time) {
			if name == calling.Cache {
				at = time.Now()
			}
			return text, at
		})},
	{Name: "calls-stale-unknown", Rule: "DISC-CCH-08b", Title: "reports a stale cache as an action that is not found",
		around: asking(func(ctx context.Context, next calling.Client, c calling.Call) calling.Outcome {
			o := next.Call(ctx, c)
			if isStale(o) || o.Code == "not_found" {
				o = calling.Outcome{Failed: true, Code: "not_found", Text: c.Action + " is not found"}
			}
			return o
		})},
	{Name: "stays-stale", Rule: "DISC-CCH-08c", Title: "does not use a cache file any more that was stale once",
		around: func(c calling.Client, _ calling.World) calling.Client {
			var mu sync.Mutex
			var last *calling.Outcome
			return &caller{c, func(ctx context.Context, next calling.Client, c calling.Call) calling.Outcome {
				mu.Lock()
				stale := last
				mu.Unlock()
				if stale != nil {
					return *stale
				}
				o := next.Call(ctx, c)
				if isStale(o) {
					mu.Lock()
					last = &o
					mu.Unlock()
				}
				return o
			}}
		}},
	{Name: "dies-of-a-stale-cache", Rule: "DISC-CCH-08d", Title: "ends when the cache file is stale",
		around: telling(func(o calling.Outcome) calling.Outcome {
			if isStale(o) {
				panic("the cache is stale")
			}
			return o
		})},
	{Name: "has-another-maximum-age", Rule: "DISC-CCH-08e", Title: "takes a cache file of an hour for fresh",
		files: seeing(func(name string, text []byte, at time.Time) ([]byte, time.Time) {
			if name == calling.Config {
				text = append(bytes.Clone(text), "discovery.cache_max_age = 3601\n"...)
			}
			return text, at
		})},
	{Name: "reads-the-cache-once", Rule: "DISC-CCH-09", Title: "reads the cache file when it starts, and never again", files: once(calling.Cache)},
	{Name: "dies-without-a-cache", Rule: "DISC-CCH-11", Title: "ends when there is no cache file",
		around: telling(func(o calling.Outcome) calling.Outcome {
			if isStale(o) && !strings.Contains(o.Text, " old, ") {
				panic("there is no cache")
			}
			return o
		})},
}

package scenario

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// Results is a file with the results of a shard: a header and a line for each seed.
// Whenever the program is killed, what is in it counts when it is opened again. When
// the machine stops, lines that were written last may be missing or damaged: what
// stands before the first of them counts.
type Results struct {
	// Damaged is the line of the file from which on it could not be read when it was
	// opened: what stood there is left out. 0 is that all could be.
	Damaged int

	w      io.WriteCloser
	before []*Record
}

// ErrBusy says that another process is writing a file of results.
var ErrBusy = errors.New("another process is writing it: wait for its end, or name another file")

// OpenResults opens a file of results, or makes it. One process at a time can have it
// open, where the system has locks on files: others get ErrBusy.
func OpenResults(name string, h Header) (*Results, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	if !lock(f) {
		f.Close()
		return nil, fmt.Errorf("%s: %w", name, ErrBusy)
	}
	r, err := resume(f, h)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return r, nil
}

func resume(f *os.File, h Header) (*Results, error) {
	text, err := io.ReadAll(f)
	if err != nil {
		return nil, err
	}
	out := &Results{w: f}
	whole := 0
	if bytes.IndexByte(text, '\n') >= 0 {
		before, n, err := ReadReport(text)
		if err == nil && n == 0 {
			err = errors.New("it is a whole report")
		}
		if err == nil {
			err = before.same(h)
		}
		if err == nil && (before.Shard != h.Shard || before.Shards != h.Shards) {
			err = fmt.Errorf("it is of shard %d/%d, not of %d/%d", before.Shard, before.Shards, h.Shard, h.Shards)
		}
		if err != nil {
			return nil, fmt.Errorf("the file has other results: %w; remove it, or name another file", err)
		}
		out.before, whole, out.Damaged = before.Runs, n, before.Damaged
	} else if len(text) > 0 && !bytes.HasPrefix(text, []byte(`{"format":`)) && !bytes.HasPrefix([]byte(`{"format":`), text) {
		return nil, fmt.Errorf("the file has something else than results; name another file")
	}
	if err := f.Truncate(int64(whole)); err != nil && whole != len(text) {
		return nil, err
	}
	if _, err := f.Seek(int64(whole), io.SeekStart); err != nil && whole > 0 {
		return nil, err
	}
	if whole == 0 {
		return out, out.line(h)
	}
	return out, nil
}

// NewResults writes results to w.
func NewResults(w io.WriteCloser, h Header) (*Results, error) {
	out := &Results{w: w}
	return out, out.line(h)
}

// line writes a line at once.
func (o *Results) line(x any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(x); err != nil {
		return err
	}
	_, err := o.w.Write(b.Bytes())
	return err
}

// Close closes the file. What it has is on the disk then.
func (o *Results) Close() error {
	if f, ok := o.w.(*os.File); ok {
		if err := f.Sync(); err != nil {
			f.Close()
			return err
		}
	}
	return o.w.Close()
}

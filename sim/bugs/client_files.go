package bugs

import (
	"bytes"
	"io/fs"

	"github.com/gudtech/scamp-sim/conformance/calling"
)

// partly is the files of a world with a cache in which some records are missing.
type partly struct {
	fs.FS
	reads func(record []byte) bool
}

// Open opens a file; the cache without the records that cannot be read.
func (p *partly) Open(name string) (fs.File, error) {
	f, err := p.FS.Open(name)
	if err != nil || name != calling.Cache {
		return f, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	text, err := fs.ReadFile(p.FS, name)
	if err != nil {
		return nil, err
	}
	const marker = "\n%%%\n"
	var kept []byte
	for _, record := range bytes.Split(text, []byte(marker)) {
		if len(record) > 0 && p.reads(record) {
			kept = append(append(kept, marker...), record...)
		}
	}
	return &keptFile{Reader: bytes.NewReader(kept), info: info, size: int64(len(kept))}, nil
}

// A keptFile is a file with other content.
type keptFile struct {
	*bytes.Reader
	info fs.FileInfo
	size int64
}

func (f *keptFile) Stat() (fs.FileInfo, error) { return keptInfo{f.info, f.size}, nil }
func (f *keptFile) Close() error               { return nil }

type keptInfo struct {
	fs.FileInfo
	size int64
}

func (i keptInfo) Size() int64 { return i.size }

package discovery

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"io"
)

// A recordReader cuts a cache file into records while it reads it, as Records does, and sums it up. It needs memory for
// one record.
type recordReader struct {
	r    io.Reader
	buf  []byte // what was read is buf[from:to]
	from int
	to   int
	seen int  // octets of it in which there is no marker
	in   bool // a marker stands before it
	line int  // in which it begins, from 1
	err  error
	size int64 // of what was read
	sum  maphash.Hash
}

// The buffer of a recordReader: at first, and what is kept of it.
const (
	leastBuffer = 128 << 10
	mostKept    = 1 << 20
)

// errTooLong is that of a file which was short enough when it was opened.
var errTooLong = fmt.Errorf("the file grows to more than %d octets while it is read", maxCache)

func newRecordReader(r io.Reader, seed maphash.Seed, buf []byte) *recordReader {
	if len(buf) == 0 {
		buf = make([]byte, leastBuffer)
	}
	rr := &recordReader{r: r, buf: buf, line: 1}
	rr.sum.SetSeed(seed)
	return rr
}

// next returns a record and the number of the line in which it begins. It is valid until the next call. Of one that has
// more than maxPacket octets, so many and at least one more are returned. The error is io.EOF behind the last one.
func (r *recordReader) next() (line int, record []byte, err error) {
	for {
		window := r.buf[r.from:r.to]
		end := findMarker(window, r.seen)
		line := r.line
		switch {
		case end >= 0:
			record, in := between(window[:end], false), r.in
			r.pass(end+len(markerLine), 0)
			r.in = true
			if in && !blank(record) {
				return line, record, nil
			}
		case r.err == io.EOF:
			in := r.in
			r.pass(len(window), 0)
			r.in = false
			if in && !blank(window) {
				return line, window, nil
			}
			return 0, nil, io.EOF
		case r.err != nil:
			return 0, nil, r.err
		case len(window) > maxPacket+len(marker):
			in := r.in
			r.skip()
			if in {
				return line, window, nil
			}
		default:
			r.seen = max(len(window)-len(markerLine)+1, r.seen)
			if !r.in {
				r.skip()
			}
			r.fill()
		}
	}
}

// pass goes on behind n octets. seen is what is known of those that follow.
func (r *recordReader) pass(n, seen int) {
	r.line += bytes.Count(r.buf[r.from:r.from+n], []byte("\n"))
	r.from += n
	r.seen = seen
}

// skip passes what cannot be a part of the next marker, and what follows is no record before that.
func (r *recordReader) skip() {
	r.in = false
	if n := r.to - r.from - len(marker); n > 0 {
		r.pass(n, 1) // the octet that is left may stand in the middle of a line
	}
}

// fill reads more.
func (r *recordReader) fill() {
	switch {
	case r.to < len(r.buf):
	case r.from > 0:
		r.to = copy(r.buf, r.buf[r.from:r.to])
		r.from = 0
	default:
		r.buf = append(r.buf, make([]byte, len(r.buf))...)
	}
	for range 100 {
		n, err := r.r.Read(r.buf[r.to:])
		r.sum.Write(r.buf[r.to : r.to+n])
		r.to += n
		r.size += int64(n)
		if r.size > maxCache {
			err = errTooLong
		}
		if r.err = err; n > 0 || err != nil {
			return
		}
	}
	r.err = io.ErrNoProgress
}

// content is what was read so far.
func (r *recordReader) content() content { return content{r.size, r.sum.Sum64()} }

// room is the buffer, for the next one.
func (r *recordReader) room() []byte {
	if len(r.buf) > mostKept {
		return nil
	}
	return r.buf
}

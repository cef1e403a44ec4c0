package sim

import (
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/gudtech/scamp-sim/sim/simnet"
)

// A Transcript is the record of a run: one line for each thing that happens, in the
// order of time, and of their texts where they happen at the same instant. Two runs
// of one seed have the same.
//
// Nobody holds a lock while it is written. Who adds to it when much of it waits to be
// written writes that, or waits until it is written.
type Transcript struct {
	w io.Writer

	mu      sync.Mutex
	written sync.Cond
	at      time.Duration
	lines   []string // of the instant at
	full    []byte   // of earlier instants
	spare   []byte   // the buffer that was written before
	writing bool
	over    bool
	err     error
}

// How many octets of a transcript are worth a write, and how many may wait for one.
const (
	worthWriting = 32 << 10
	mostWaiting  = 1 << 20
)

// NewTranscript writes to w. Close must be called in the end.
func NewTranscript(w io.Writer) *Transcript {
	t := &Transcript{w: w}
	t.written.L = &t.mu
	return t
}

// add adds a line.
func (t *Transcript) add(at time.Duration, line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over {
		return
	}
	if at != t.at {
		t.close()
		t.at = at
	}
	t.lines = append(t.lines, line)
	for t.writing && len(t.full) > mostWaiting {
		t.written.Wait()
	}
	if len(t.full) >= worthWriting {
		t.write()
	}
}

// end ends the transcript. What follows is that everybody is closed, at once and in
// any order.
func (t *Transcript) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = true
}

// close ends an instant. t.mu is held.
func (t *Transcript) close() {
	slices.Sort(t.lines)
	for _, l := range t.lines {
		t.full = fmt.Appendf(t.full, "%.9f %s\n", t.at.Seconds(), l)
	}
	t.lines = t.lines[:0]
}

// write writes what is full, unless somebody does. t.mu is held, but not meanwhile.
func (t *Transcript) write() {
	if t.writing {
		return
	}
	b := t.full
	t.writing, t.full = true, t.spare[:0]
	failed := t.err != nil
	t.mu.Unlock()
	var err error
	if !failed {
		_, err = t.w.Write(b)
	}
	t.mu.Lock()
	t.writing, t.spare = false, b
	if t.err == nil {
		t.err = err
	}
	t.written.Broadcast()
}

// Close writes what is left. It returns what went wrong when writing.
func (t *Transcript) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.close()
	for t.writing {
		t.written.Wait()
	}
	t.write()
	return t.err
}

// Record lets the world write a transcript: what happens, and what leaves the hosts;
// of that how much, and without TLS a checksum of what, too. It must come first.
func (w *World) Record(t *Transcript) {
	w.transcript = t
	w.Net.Observe(func(s simnet.Segment) {
		line := fmt.Sprintf("%s > %s #%d", s.From.Name(), s.To.Name(), s.Stream)
		switch {
		case s.Octets == nil:
			line += " end"
		case w.TLS:
			line = fmt.Sprintf("%s %d octets", line, len(s.Octets))
		default:
			line = fmt.Sprintf("%s %d octets %08x", line, len(s.Octets), crc32.ChecksumIEEE(s.Octets))
		}
		t.add(s.At.Sub(w.start), line)
	})
}

// Note adds something that happens to the transcript.
func (w *World) Note(format string, args ...any) {
	w.record(format, args...)
	if w.Noted != nil {
		w.Noted(w.Elapsed(), fmt.Sprintf(format, args...))
	}
}

// record adds a line to the transcript.
func (w *World) record(format string, args ...any) {
	if w.transcript != nil {
		w.transcript.add(w.Elapsed(), fmt.Sprintf(format, args...))
	}
}

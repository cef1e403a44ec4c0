package sim

import (
	"bufio"
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
type Transcript struct {
	w *bufio.Writer

	mu    sync.Mutex
	at    time.Duration
	lines []string // of the instant at
	over  bool
	err   error
}

// NewTranscript writes to w. Close must be called in the end.
func NewTranscript(w io.Writer) *Transcript { return &Transcript{w: bufio.NewWriter(w)} }

// add adds a line.
func (t *Transcript) add(at time.Duration, line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over {
		return
	}
	if at != t.at {
		t.flush()
		t.at = at
	}
	t.lines = append(t.lines, line)
}

// end ends the transcript. What follows is that everybody is closed, at once and in
// any order.
func (t *Transcript) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = true
}

// flush writes the lines of an instant. t.mu is held.
func (t *Transcript) flush() {
	slices.Sort(t.lines)
	for _, l := range t.lines {
		if _, err := fmt.Fprintf(t.w, "%.9f %s\n", t.at.Seconds(), l); err != nil && t.err == nil {
			t.err = err
		}
	}
	t.lines = t.lines[:0]
}

// Close writes what is left. It returns what went wrong when writing.
func (t *Transcript) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.flush()
	if err := t.w.Flush(); err != nil && t.err == nil {
		t.err = err
	}
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

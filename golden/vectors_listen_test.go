package golden_test

import (
	"bytes"
	"context"
	"io/fs"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gudtech/scamp-sim/scamp/discovery"
)

// A wire is a socket whose datagrams the test gives it.
type wire struct {
	datagrams chan []byte
	closed    chan struct{}
}

func newWire() *wire { return &wire{make(chan []byte), make(chan struct{})} }

func (w *wire) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case d := <-w.datagrams:
		return copy(b, d), &net.UDPAddr{}, nil
	case <-w.closed:
		return 0, nil, net.ErrClosed
	}
}

func (w *wire) Close() error {
	select {
	case <-w.closed:
	default:
		close(w.closed)
	}
	return nil
}

func (w *wire) WriteTo([]byte, net.Addr) (int, error) { return 0, os.ErrInvalid }
func (w *wire) LocalAddr() net.Addr                   { return &net.UDPAddr{} }
func (w *wire) SetDeadline(time.Time) error           { return nil }
func (w *wire) SetReadDeadline(time.Time) error       { return nil }
func (w *wire) SetWriteDeadline(time.Time) error      { return nil }

// A step is something that arrives at a time, or nothing, and the instances that are live afterwards.
type step struct {
	At     float64 `json:"at"`
	Packet octets  `json:"packet"`
	expected
}

func playListener(t *testing.T, v *vector) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		o := &discovery.Observer{Conn: w}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		ended := make(chan error)
		go func() { ended <- o.Run(ctx) }()
		start := time.Now()
		for _, s := range v.Steps {
			time.Sleep(time.Duration(s.At*float64(time.Second)) - time.Since(start))
			if s.Packet != nil {
				w.datagrams <- s.Packet
			}
			synctest.Wait()
			live := []instance{}
			for _, a := range o.Directory.Instances() {
				live = append(live, instance{Fingerprint: a.Fingerprint, Ident: a.Ident, URI: a.URI, Timestamp: a.Timestamp})
			}
			s.sorted().check(t, v.Title, live)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// A store is a cache file in memory.
type store struct{ content []byte }

func (s *store) ModTime() (time.Time, error)  { return time.Time{}, fs.ErrNotExist }
func (s *store) Replace(content []byte) error { s.content = content; return nil }
func (s *store) Touch(time.Time) error        { return nil }

func playManager(t *testing.T, v *vector) {
	synctest.Test(t, func(t *testing.T) {
		w, s := newWire(), new(store)
		m := &discovery.Manager{Observer: discovery.Observer{Conn: w}, Store: s}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		ended := make(chan error)
		go func() { ended <- m.Run(ctx) }()
		for _, d := range v.Datagrams {
			w.datagrams <- d
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		written := []int{}
		if len(s.content) > 0 && !bytes.HasPrefix(s.content, []byte("\n%%%\n")) {
			t.Errorf("DISC-CMG-02c: the file begins with %.20q", s.content)
		}
		packets := records(s.content)
		for i, d := range v.Datagrams {
			if has(packets, d) {
				written = append(written, i)
			}
		}
		v.check(t, v.Title, written)
		if len(packets) != len(written) {
			t.Errorf("the file has %d records; %d are packets that were sent", len(packets), len(written))
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// records cuts a file at its markers. It does not use the library's own reader.
func records(file []byte) [][]byte {
	found := bytes.Split(file, []byte("\n%%%\n"))
	return found[1:]
}

// has reports whether one of the records is the packet of a datagram: its three sections, octet for octet.
func has(records [][]byte, datagram []byte) bool {
	packet, _, err := new(discovery.Inflater).Inflate(datagram)
	if err != nil {
		return false
	}
	for _, r := range records {
		if r = bytes.TrimRight(r, "\n"); bytes.HasPrefix(packet, r) && len(r) > 0 {
			return true
		}
	}
	return false
}

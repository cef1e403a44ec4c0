package scamp

import (
	"crypto/tls"
	"net"
	"sync"
)

// A secured transport is TLS over a connection that takes several records with
// one system call: crypto/tls reads and writes one record of 16 KiB at a time.
type secured struct {
	*tls.Conn
	records *records
}

// secure puts TLS on nc. make is tls.Client or tls.Server.
func secure(nc net.Conn, cfg *tls.Config, make func(net.Conn, *tls.Config) *tls.Conn) *secured {
	r := &records{Conn: nc}
	return &secured{Conn: make(r, cfg), records: r}
}

// Write writes b, all its records at once. If it fails and returns 0, nothing of
// b has left.
func (s *secured) Write(b []byte) (int, error) {
	s.records.begin()
	n, err := s.Conn.Write(b)
	left, failed := s.records.flush()
	if err == nil {
		err = failed
	}
	if err != nil && !left {
		n = 0
	}
	return n, err
}

// records gathers the records of one write, and reads several at once.
type records struct {
	net.Conn

	in   []byte // arrived; what is left of it
	room []byte // where in lies

	mu   sync.Mutex
	hold bool   // writes are gathered
	out  []byte // gathered
	free []byte // written, to be used again
}

const (
	firstRead = 4 << 10 // octets; a connection that carries little keeps little
	mostRead  = 64 << 10
	keepWrite = 128 << 10 // a larger buffer is not kept
)

// Read reads what is there of several records. crypto/tls reads from one
// goroutine at a time.
func (r *records) Read(p []byte) (int, error) {
	if len(r.in) == 0 {
		if len(p) >= mostRead {
			return r.Conn.Read(p)
		}
		if r.room == nil {
			r.room = make([]byte, firstRead)
		}
		n, err := r.Conn.Read(r.room)
		r.in = r.room[:n]
		if n == len(r.room) && n < mostRead {
			r.room = make([]byte, mostRead)
		}
		if n == 0 {
			return 0, err
		}
	}
	n := copy(p, r.in)
	r.in = r.in[n:]
	return n, nil
}

func (r *records) Write(p []byte) (int, error) {
	r.mu.Lock()
	if r.hold {
		r.out = append(r.out, p...)
		r.mu.Unlock()
		return len(p), nil
	}
	r.mu.Unlock()
	return r.Conn.Write(p)
}

// begin gathers what is written until flush.
func (r *records) begin() {
	r.mu.Lock()
	r.hold = true
	r.out, r.free = r.free[:0], nil
	r.mu.Unlock()
}

// flush writes what was gathered. What crypto/tls writes of itself meanwhile
// comes behind it. It reports whether anything has left.
func (r *records) flush() (left bool, err error) {
	for {
		r.mu.Lock()
		b := r.out
		if len(b) == 0 {
			r.hold = false
			if cap(b) <= keepWrite {
				r.free = b
			}
			r.mu.Unlock()
			return left, nil
		}
		r.out = nil
		r.mu.Unlock()
		n, err := r.Conn.Write(b)
		left = left || n > 0
		r.mu.Lock()
		if r.out == nil {
			r.out = b[:0]
		}
		if err != nil {
			r.hold, r.out = false, nil
			r.mu.Unlock()
			return left, err
		}
		r.mu.Unlock()
	}
}

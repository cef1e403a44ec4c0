package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"net/rpc"
	"sync"

	"github.com/gudtech/scamp-sim/scamp"
	"github.com/gudtech/scamp-sim/sim/reference"
)

// A peer is one way to reach an echo over TLS: SCAMP, and what it is compared with.
type peer struct {
	name   string
	call   func(body []byte) error // one echo, from any goroutine
	upload func(size int64) error  // size octets one way
	echo   func(size int64) error  // size octets there and back
	close  func()
}

// The settings of both ends are the same for all peers: TLS 1.3 with the same
// key and full records.
func serverConfig(cert tls.Certificate) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{cert}, DynamicRecordSizingDisabled: true, SessionTicketsDisabled: true}
}

func clientConfig() *tls.Config {
	return &tls.Config{InsecureSkipVerify: true, DynamicRecordSizingDisabled: true}
}

// serve accepts TLS connections on loopback and gives each to f.
func serve(cert tls.Certificate, f func(net.Conn)) (address string, stop func(), err error) {
	ln, err := tls.Listen("tcp", "127.0.0.1:0", serverConfig(cert))
	if err != nil {
		return "", nil, err
	}
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go f(c)
		}
	}()
	return ln.Addr().String(), func() { ln.Close() }, nil
}

func scampPeer(cert tls.Certificate) (*peer, error) {
	mux := reference.NewMux()
	mux.Handle(scamp.Action{Name: "Bench.sink", NoAuth: true, Stream: true},
		scamp.HandlerFunc(func(_ context.Context, w *scamp.ReplyWriter, r *scamp.Request) error {
			_, err := io.Copy(io.Discard, r.Body)
			return err
		}))
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	svc := &scamp.Service{Mux: mux, Certificate: cert}
	go svc.Serve(ln)
	ctx := context.Background()
	c, err := scamp.Dial(ctx, ln.Addr().String(), scamp.Config{Fingerprint: scamp.Fingerprint(cert.Certificate[0])})
	if err != nil {
		return nil, err
	}
	stream := func(action string, size int64) error {
		r := scamp.NewRequest(action, nil)
		r.Body = io.LimitReader(zeros{}, size)
		reply, err := c.Call(ctx, r)
		if err != nil {
			return err
		}
		defer reply.Body.Close()
		_, err = io.CopyBuffer(struct{ io.Writer }{io.Discard}, reply.Body, make([]byte, 64<<10))
		return err
	}
	return &peer{
		name: "scamp",
		call: func(body []byte) error {
			reply, err := c.Call(ctx, scamp.NewRequest(reference.Echo, body))
			if err != nil {
				return err
			}
			_, err = reply.ReadAll(0)
			return err
		},
		upload: func(size int64) error { return stream("Bench.sink", size) },
		echo:   func(size int64) error { return stream(reference.Echo, size) },
		close:  func() { c.Close(); svc.Close() },
	}, nil
}

// rawPeer is TLS and nothing else. One connection serves one exchange at a
// time; many in flight are many frames of a length and a body, in order.
func rawPeer(cert tls.Certificate) (*peer, error) {
	address, stop, err := serve(cert, func(c net.Conn) {
		defer c.Close()
		mode := make([]byte, 1)
		if _, err := io.ReadFull(c, mode); err != nil {
			return
		}
		switch mode[0] {
		case 'c':
			var head [4]byte
			buf := make([]byte, 64<<10)
			for {
				if _, err := io.ReadFull(c, head[:]); err != nil {
					return
				}
				n := binary.BigEndian.Uint32(head[:])
				if _, err := io.ReadFull(c, buf[4:4+n]); err != nil {
					return
				}
				copy(buf, head[:])
				if _, err := c.Write(buf[:4+n]); err != nil {
					return
				}
			}
		case 'u':
			var size [8]byte
			if _, err := io.ReadFull(c, size[:]); err != nil {
				return
			}
			io.CopyBuffer(struct{ io.Writer }{io.Discard}, io.LimitReader(c, int64(binary.BigEndian.Uint64(size[:]))), make([]byte, 64<<10))
			c.Write(mode)
		case 'e':
			io.CopyBuffer(struct{ io.Writer }{c}, struct{ io.Reader }{c}, make([]byte, 64<<10))
		}
	})
	if err != nil {
		return nil, err
	}
	dial := func(mode byte) (*tls.Conn, error) {
		c, err := tls.Dial("tcp", address, clientConfig())
		if err != nil {
			return nil, err
		}
		_, err = c.Write([]byte{mode})
		return c, err
	}
	conn, err := dial('c')
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	frame := make([]byte, 64<<10)
	return &peer{
		name: "raw TLS",
		call: func(body []byte) error {
			mu.Lock()
			defer mu.Unlock()
			binary.BigEndian.PutUint32(frame, uint32(len(body)))
			n := 4 + copy(frame[4:], body)
			if _, err := conn.Write(frame[:n]); err != nil {
				return err
			}
			_, err := io.ReadFull(conn, frame[:n])
			return err
		},
		upload: func(size int64) error {
			c, err := dial('u')
			if err != nil {
				return err
			}
			defer c.Close()
			c.Write(binary.BigEndian.AppendUint64(nil, uint64(size)))
			if _, err := io.CopyBuffer(struct{ io.Writer }{c}, io.LimitReader(zeros{}, size), make([]byte, 64<<10)); err != nil {
				return err
			}
			_, err = io.ReadFull(c, make([]byte, 1))
			return err
		},
		echo: func(size int64) error {
			c, err := dial('e')
			if err != nil {
				return err
			}
			defer c.Close()
			go io.CopyBuffer(struct{ io.Writer }{c}, io.LimitReader(zeros{}, size), make([]byte, 64<<10))
			_, err = io.CopyBuffer(struct{ io.Writer }{io.Discard}, io.LimitReader(c, size), make([]byte, 64<<10))
			return err
		},
		close: func() { conn.Close(); stop() },
	}, nil
}

// Echoer is the service of net/rpc.
type Echoer struct{}

// Echo returns what it is given.
func (Echoer) Echo(in []byte, out *[]byte) error { *out = in; return nil }

// Sink drops what it is given.
func (Echoer) Sink(in []byte, out *bool) error { *out = true; return nil }

func rpcPeer(cert tls.Certificate) (*peer, error) {
	server := rpc.NewServer()
	if err := server.Register(Echoer{}); err != nil {
		return nil, err
	}
	address, stop, err := serve(cert, func(c net.Conn) { server.ServeConn(c) })
	if err != nil {
		return nil, err
	}
	conn, err := tls.Dial("tcp", address, clientConfig())
	if err != nil {
		return nil, err
	}
	client := rpc.NewClient(conn)
	// net/rpc has no streams: bodies go in pieces of 64 KiB, four at a time.
	pieces := func(method string, size int64, reply func() any) error {
		piece := make([]byte, 64<<10)
		done := make(chan *rpc.Call, 4)
		open := 0
		for rest := size; rest > 0; rest -= int64(len(piece)) {
			if open == cap(done) {
				if k := <-done; k.Error != nil {
					return k.Error
				}
				open--
			}
			client.Go(method, piece[:min(rest, int64(len(piece)))], reply(), done)
			open++
		}
		for ; open > 0; open-- {
			if k := <-done; k.Error != nil {
				return k.Error
			}
		}
		return nil
	}
	return &peer{
		name: "net/rpc",
		call: func(body []byte) error {
			var out []byte
			if err := client.Call("Echoer.Echo", body, &out); err != nil {
				return err
			}
			if !bytes.Equal(out, body) {
				return io.ErrUnexpectedEOF
			}
			return nil
		},
		upload: func(size int64) error { return pieces("Echoer.Sink", size, func() any { return new(bool) }) },
		echo:   func(size int64) error { return pieces("Echoer.Echo", size, func() any { return new([]byte) }) },
		close:  func() { client.Close(); stop() },
	}, nil
}

// zeros is an endless body.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

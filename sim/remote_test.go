package sim

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gudtech/scamp-sim/fixtures"
	"github.com/gudtech/scamp-sim/scamp"
)

// inFront plays a world with one instance that leads to a TLS server, and its address.
func inFront(t *testing.T, serve func(*tls.Conn), f func(w *World, in *Instance, address string)) {
	t.Helper()
	target, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{fixtures.Certificate("server")}})
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	go func() {
		for {
			nc, err := target.Accept()
			if err != nil {
				return
			}
			go serve(nc.(*tls.Conn))
		}
	}()
	Live(1, func(w *World) {
		address := ""
		w.Border.Listen = func(string) (net.Listener, error) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err == nil {
				address = ln.Addr().String()
			}
			return ln, err
		}
		in := w.Service(ServiceSpec{Name: "real", Remote: true}).Instance(1)
		if in.Running() {
			t.Error("it runs and leads nowhere")
		}
		in.Lead(&Remote{Address: target.Addr().String(), Fingerprint: fixtures.Fingerprint("server"), Certificate: fixtures.Certificate("other")})
		f(w, in, address)
	})
}

func through(t *testing.T, address string) *tls.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	settings, err := scamp.ClientTLS(scamp.Config{Fingerprint: fixtures.Fingerprint("other")})
	if err != nil {
		t.Fatal(err)
	}
	nc, err := (&tls.Dialer{Config: settings}).DialContext(ctx, "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	nc.SetDeadline(time.Now().Add(10 * time.Second))
	return nc.(*tls.Conn)
}

// What each side writes, and its end, come to the other; who has ended still hears.
func TestRemoteCarriesEnds(t *testing.T) {
	inFront(t, func(nc *tls.Conn) {
		defer nc.Close()
		b, _ := io.ReadAll(nc)
		io.WriteString(nc, strings.ToUpper(string(b)))
	}, func(w *World, in *Instance, address string) {
		nc := through(t, address)
		io.WriteString(nc, "PING 1 0\r\nEND\r\nany other octets")
		nc.CloseWrite()
		if got, err := io.ReadAll(nc); err != nil || string(got) != "PING 1 0\r\nEND\r\nANY OTHER OCTETS" {
			t.Errorf("%q, %v", got, err)
		}
		nc.Close()
		in.ln.Close()
		w.serving.Wait() // for connections that have been taken
		if open, ever := in.Relayed(); open != 0 || ever != 1 {
			t.Errorf("%d connections of %d are still there", open, ever)
		}
	})
}

// What is no whole packet comes, too, when its sender has ended.
func TestRemoteCarriesFragments(t *testing.T) {
	inFront(t, func(nc *tls.Conn) {
		io.WriteString(nc, "DATA 0 5\r\nha")
		nc.Close()
	}, func(_ *World, _ *Instance, address string) {
		if got, err := io.ReadAll(through(t, address)); err != nil || string(got) != "DATA 0 5\r\nha" {
			t.Errorf("%q, %v", got, err)
		}
	})
}

// Who is killed resets both sides, and listens only when it is started again.
func TestRemoteIsKilled(t *testing.T) {
	ended := make(chan error, 1)
	inFront(t, func(nc *tls.Conn) {
		_, err := io.Copy(io.Discard, nc)
		ended <- err
	}, func(_ *World, in *Instance, address string) {
		nc := through(t, address)
		in.Kill()
		if _, err := nc.Read(make([]byte, 1)); err == nil || err == io.EOF {
			t.Error(err)
		}
		if err := next(t, "the program hears of it", ended); err == nil {
			t.Error("the program hears of a good end")
		}
		in.Lead(in.Leads())
		if in.Running() {
			t.Error("who leads elsewhere is started")
		}
		in.Start()
		if !in.Running() {
			t.Error("it is not started")
		}
	})
}

// Who is killed while it starts does not start.
func TestRemoteIsKilledWhileItStarts(t *testing.T) {
	Live(1, func(w *World) {
		in := w.Service(ServiceSpec{Name: "real", Remote: true}).Instance(1)
		address := ""
		w.Border.Listen = func(string) (net.Listener, error) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err == nil && address == "" {
				address = ln.Addr().String()
				in.Kill()
			}
			return ln, err
		}
		in.Lead(&Remote{Address: "127.0.0.1:1", Fingerprint: fixtures.Fingerprint("server"), Certificate: fixtures.Certificate("other")})
		if in.Running() {
			t.Error("who is killed runs")
		}
		if nc, err := net.Dial("tcp", address); err == nil {
			nc.Close()
			t.Error("who is killed takes connections")
		}
		in.Start()
		if !in.Running() {
			t.Error("it is not started")
		}
	})
}

// An accepting counts connections.
type accepting struct {
	net.Listener
	connections *atomic.Int64
}

func (a accepting) Accept() (net.Conn, error) {
	nc, err := a.Listener.Accept()
	if err == nil {
		a.connections.Add(1)
	}
	return nc, err
}

// An address that leads back here is of somebody who is not there any more: nobody goes round in a circle.
func TestRemoteLeadsBack(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "localhost", "0.0.0.0", "[::ffff:127.0.0.1]"} {
		var connections atomic.Int64
		Live(1, func(w *World) {
			address := ""
			w.Border.Listen = func(string) (net.Listener, error) {
				ln, err := net.Listen("tcp", "127.0.0.1:0")
				if err == nil {
					address = ln.Addr().String()
				}
				return accepting{ln, &connections}, err
			}
			notes, note := told[string]()
			w.Noted = func(_ time.Duration, what string) {
				if strings.Contains(what, "cannot be reached") {
					note(what)
				}
			}
			in := w.Service(ServiceSpec{Name: "real", Remote: true}).Instance(1)
			to := Remote{Address: "127.0.0.1:1", Fingerprint: fixtures.Fingerprint("server"), Certificate: fixtures.Certificate("other")}
			in.Lead(&to)
			_, port, _ := net.SplitHostPort(address)
			to.Address = host + ":" + port
			in.Lead(&to)
			nc, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			defer nc.Close()
			if what := next(t, "it is told", notes); !strings.Contains(what, "leads back") {
				t.Errorf("%s: %s", host, what)
			}
		})
		if n := connections.Load(); n != 1 {
			t.Errorf("%s: %d connections", host, n)
		}
	}
}

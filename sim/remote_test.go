package sim

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"strings"
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

package sim

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
	"time"

	"github.com/gudtech/scamp-sim/fixtures"
)

// acceptAll gives every connection to answer until the listener is closed, and
// waits for all of them.
func acceptAll(ln net.Listener, answer func(net.Conn)) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		nc, err := ln.Accept()
		if err != nil {
			return err
		}
		wg.Go(func() { answer(nc) })
	}
}

// overTLS lets answer have a connection when its handshake is done. Answer closes it.
func overTLS(identity string, answer func(net.Conn)) func(net.Conn) {
	settings := &tls.Config{Certificates: []tls.Certificate{fixtures.Certificate(identity)}, MinVersion: tls.VersionTLS12}
	return func(nc net.Conn) {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		conn := tls.Server(nc, settings)
		if conn.HandshakeContext(ctx) != nil {
			nc.Close()
			return
		}
		answer(conn)
	}
}

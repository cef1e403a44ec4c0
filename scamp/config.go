package scamp

import (
	"log/slog"
	"time"
)

// Config is what a connection is made with. The zero value of a field stands
// for its default; a negative duration or number switches the thing off.
// A Config may be shared; nothing changes it.
type Config struct {
	// Fingerprint of the certificate that Dial expects of the server, as in
	// announcements: SHA-1, 20 upper-case hexadecimal octets joined with ':'.
	Fingerprint string
	// Unverified makes Dial accept any certificate. It is meant for tools that
	// are pointed at an address; without it and without a Fingerprint, Dial
	// refuses (WIRE-TLS-02d).
	Unverified bool

	// Window is the largest number of octets of one message that are sent
	// without being acknowledged: flow.max_inflight, 65536.
	Window int

	// ConnectTimeout bounds connecting and the TLS handshake together: 10 s
	// for Dial, the same for a Service's handshakes (WIRE-TIME-06, WIRE-TLS-06).
	ConnectTimeout time.Duration
	// IdleTimeout closes a connection that is not busy after this time without
	// a packet: 90 s for a dialled connection, 120 s for a served one (WIRE-TIME-01, 02).
	IdleTimeout time.Duration
	// CallTimeout is the time of a call whose context has no deadline:
	// rpc.timeout, 75 s (WIRE-TIME-04a).
	CallTimeout time.Duration
	// MessageTimeout bounds how long an incoming message may stay incomplete:
	// 150 s (WIRE-TIME-11). An outgoing message whose window does not move for
	// this time is given up (WIRE-FLOW-11b).
	MessageTimeout time.Duration
	// HandlerTimeout bounds how long a handler may run: worker.timeout, 60 s
	// (WIRE-TIME-07). An Action may have its own.
	HandlerTimeout time.Duration
	// WriteTimeout bounds how long the transport may take for one write, of
	// about 64 KiB, before the connection is given up: 30 s.
	WriteTimeout time.Duration
	// Heartbeat is the interval of PINGs; 0 sends none. Set it only for peers
	// that are known to have the heartbeat profile (WIRE-TIME-08c).
	// PINGs of the peer are always answered.
	Heartbeat time.Duration

	// MaxMessages bounds the incoming messages that are open, those that wait
	// for Accept, and the requests that are in progress, on one connection: 2048.
	// More messages end the connection, more requests are refused (WIRE-CONN-08).
	// A peer that leaves 32768 refusals unread is cut off, too.
	MaxMessages int
	// MaxBuffered bounds the octets of one incoming message that wait for
	// their reader: 4 MiB. A message that passes the bound fails. On one
	// connection 16 times as much may wait, collected requests included until
	// their handlers return; beyond that, messages fail. Headers of messages in
	// progress may take 4 times as much; beyond that, the connection ends.
	MaxBuffered int
	// MaxRequest bounds the body of a request that is collected before its
	// handler runs: 16 MiB. An Action may have its own.
	MaxRequest int

	// Accept makes incoming messages that are neither replies to calls nor
	// requests for a Handler wait for Connection.Accept. Otherwise requests
	// are refused and everything else is read to its end and dropped.
	Accept bool

	// Logger takes what happens; nil is silent.
	Logger *slog.Logger
	// Trace is told of every packet and call; nil is nobody.
	Trace *Trace
}

// The fixed sizes of a connection, in octets.
const (
	defaultWindow = 65536 // WIRE-FLOW-05a
	maxChunk      = 16384 // WIRE-FLOW-09b
	maxBatch      = 65536 // most octets made for one write
	ackEvery      = 16384 // consumed octets that are worth an acknowledgement (WIRE-FLOW-07a)
	maxErrorText  = 4096  // longest text of a TXERR or error reply
)

// filled returns the configuration with its defaults in place.
func (c Config) filled(idle time.Duration) Config {
	number := func(n *int, value int) {
		if *n == 0 {
			*n = value
		} else if *n < 0 {
			*n = int(^uint(0) >> 1)
		}
	}
	duration := func(d *time.Duration, value time.Duration) {
		if *d == 0 {
			*d = value
		} else if *d < 0 {
			*d = never
		}
	}
	number(&c.Window, defaultWindow)
	number(&c.MaxMessages, 2048)
	number(&c.MaxBuffered, 4<<20)
	number(&c.MaxRequest, 16<<20)
	duration(&c.ConnectTimeout, 10*time.Second)
	duration(&c.IdleTimeout, idle)
	duration(&c.CallTimeout, defaultCallTimeout)
	duration(&c.MessageTimeout, 150*time.Second)
	duration(&c.HandlerTimeout, 60*time.Second)
	duration(&c.WriteTimeout, 30*time.Second)
	c.Logger = c.logger()
	return c
}

// never is a time-out that does not come.
const never = 100 * 365 * 24 * time.Hour

const (
	defaultCallTimeout = 75 * time.Second

	clientIdle = 90 * time.Second
	serverIdle = 120 * time.Second
)

func (c *Config) logger() *slog.Logger {
	if c.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return c.Logger
}

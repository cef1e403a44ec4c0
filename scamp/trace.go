package scamp

import (
	"context"
	"time"

	"github.com/gudtech/scamp-sim/scamp/discovery"
	"github.com/gudtech/scamp-sim/scamp/wire"
)

// A Trace is a set of hooks that are told what happens on a connection: for
// metrics, transcripts and debugging. Any of them may be nil. They are called
// without a lock held, from the connection's own goroutines and from callers;
// those of one direction come in the order of the wire. A hook that takes long
// holds up its connection. A hook must not call Connection.Close, which waits for
// the goroutine that the hook runs in, and must not panic.
type Trace struct {
	// PacketSent is told of a packet before it is written, PacketReceived of
	// one after it was applied. The body is valid until the hook returns;
	// Packet.Clone keeps it.
	PacketSent     func(c *Connection, p wire.Packet)
	PacketReceived func(c *Connection, p wire.Packet)
	// Closed is told once why a connection ended.
	Closed func(c *Connection, err error)
	// Dialed is told of every connection that a Requester has made, or could not
	// make.
	Dialed func(address, fingerprint string, err error, took time.Duration)
	// Attempt is told of every attempt of a Requester's that has a connection to
	// the instance that was chosen, before anything is sent.
	Attempt func(ctx context.Context, c *Connection, to *discovery.Announcement)
	// CallDone is told of every call that Connection.Call has ended, with the
	// context of the caller and the time from its start to the header of its reply;
	// and of every attempt of a Requester's. c is nil where there was no connection.
	CallDone func(ctx context.Context, c *Connection, r *Request, err error, took time.Duration)
	// Served is told of every request that a Service has answered, with the context
	// of its handler, which is over.
	Served func(ctx context.Context, c *Connection, r *Request, err error, took time.Duration)
}

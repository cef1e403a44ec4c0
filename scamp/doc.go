// Package scamp speaks SCAMP, an RPC protocol over TLS: the client side, the
// service side, and the connection between them. The rules it cites, such as
// WIRE-FLOW-05a, are those of the wire specification in docs/spec.
//
// # Roles
//
// A requester calls actions by name. It finds who offers them in the discovery
// cache of its host:
//
//	q, err := scamp.Open(ctx, "") // what soa.conf says
//	defer q.Close(ctx)
//	sku, err := scamp.CallJSON[Sku](ctx, q, "Product.Sku.fetch", Query{7})
//
// A service offers actions, and announces them:
//
//	svc, err := scamp.OpenService("", "product")
//	svc.Mux.Handle(scamp.Action{Name: "Product.Sku.fetch", NoAuth: true}, scamp.JSON(fetch))
//	err = svc.Run(ctx)
//
// Underneath are parts that can be had alone. [Dial] connects to an address, and
// [Connection.Call] calls there. A [Service] with a Certificate serves any
// listener. [NewConnection] and [Service.ServeConn] take any net.Conn that is
// ready for packets, for tests and tunnels. A [Requester] is a struct of a
// directory, the authorised services, and a way to dial: all of them can be
// replaced.
//
// # Choosing an instance
//
// A call goes to an instance that announces the action in the sector, version and
// envelope that are asked for, with a certificate that is authorised for it: one
// with few calls of ours outstanding, chosen at random. An instance to which no
// connection can be made, or that refuses a request unexecuted, is left alone for
// n minutes after its n-th failure, as long as there are others. A request that has
// certainly not been executed is sent to another instance, once; no other is ever
// sent again.
//
// There is one connection for each address and certificate, made when a call needs
// it. After failures the next attempt waits, 50 ms at first and 10 s at most; calls
// that come meanwhile go elsewhere. A connection on which a call has timed out takes
// no more calls.
//
// # Authorisation
//
// An action runs only for a ticket that [Service.Authority] accepts, with the
// privileges of the authorisation table, unless it is NoAuth. Without a key and a
// table, nothing but NoAuth actions runs. [TicketFrom] has the ticket for the
// handler.
//
// # Messages
//
// A connection carries many messages at once, each way. A message is a [Header],
// a body of any length, and an end: it is complete, or it was given up. A request
// is one message and its reply another; the request_id ties them together, and
// replies come in any order.
//
// Bodies are streams. A sender keeps at most a window of 64 KiB on the way that
// its peer has not acknowledged, and a receiver acknowledges what has been read;
// so a slow reader slows down its own sender and nobody else. A Request's Body is
// any io.Reader, a Reply's Body an io.ReadCloser that must be read to its end or
// closed: until then it counts against Config.MaxBuffered.
//
// Unless its [Action] says Stream, a handler runs on complete requests only, and
// a request that was given up is never executed. A handler that streams begins
// with the header, and must not act before it has read io.EOF: any other error
// means that the request is not whole.
//
// What octets came before an error are no result. Read returns io.EOF for a
// complete body only.
//
// # Envelopes
//
// The envelope says how a body is to be read. In the envelope json, [CallJSON] and
// [JSON] make calls and handlers of Go values. Package jsonstore is for records.
// Package events is for messages that are neither requests nor replies.
//
// # Errors
//
// Four things go wrong, and each has its types:
//
//   - the action failed: *[ReplyError], with a code, a text and data;
//   - the peer gave a message up: *[AbortError];
//   - the connection ended, or the peer broke the protocol: *[ConnectionError]
//     around a *[ProtocolError], a *[LimitError] or what the transport says;
//   - this side gave up: *[TimeoutError], *[CanceledError].
//
// A Requester has two more: *[NoServiceError] where nobody may be called, and
// discovery.ErrStale where the cache is too old to tell.
//
// ConnectionError, TimeoutError and CanceledError say with Sent whether any of the
// request may have reached the peer. Where it is false, and where
// [ReplyError.NotExecuted] is true, the request has not been executed and may be
// sent again. [Failure] makes a code, a text and data of any of them.
//
// # Cancellation
//
// A call ends with its context, or after Config.CallTimeout. The time runs from
// the start of Call until the reply has been received, so the context must live
// until the body has been read. What was half sent ends with TXERR, so that the
// service does not execute it; a reply that still comes is dropped.
//
// An action that announces a time of its own has that, and 5 s more, in the calls of
// a Requester.
//
// A handler's context ends with its connection, with its time, and when the
// service is closed. A handler that runs too long has its request answered with an
// error; it should return soon after its context has ended.
//
// # Closing
//
// [Connection.Close] and [Service.Close] end everything at once: what is
// outstanding fails, and they return when the goroutines they have started are
// gone, a service's handlers included. A connection that is not used closes itself
// after Config.IdleTimeout. [Connection.Done] and [Connection.Err] tell when and
// why a connection has ended.
//
// [Service.Shutdown] stops in good order: it says so on the bus, serves on for a
// while, finishes what runs, and refuses what comes later as not executed.
// [Requester.Close] waits for its calls. A rolling restart fails none.
//
// # Concurrency
//
// Requester, Connection, Service and Mux may be used from any goroutine. A MessageReader, a
// MessageWriter and a ReplyWriter are for one goroutine at a time; their Close and
// Abort may come from another. A Config may be shared by connections, and neither
// it nor the fields of a Service or a Requester may change while they are in use.
//
// Each connection has two goroutines, and each request in progress has one. No
// lock is held while a handler, a hook of a [Trace], a logger, a body or a
// transport is called.
//
// # Limits
//
// What a peer can make a connection hold is bounded, whatever it sends and whether
// it reads or not; see [Config]. A peer that breaks the protocol or passes a bound
// loses its own connection and harms nobody else.
package scamp

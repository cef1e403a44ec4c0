// Package simnet has networks in memory and virtual time. It knows nothing of
// SCAMP.
//
// [Bubble] runs a function whose clock stands still while anything can go on,
// and [Settle] waits until all has come to rest. [Pipe] makes the two ends of a
// stream that may be used in it. A [Network] has hosts that listen and dial, and
// send datagrams, over links with latency, loss and limits of bandwidth, which
// can be cut.
//
// A run in a bubble can be repeated when the code that it runs keeps some rules:
//
//   - Nobody holds a mutex while waiting for anything else. A goroutine that
//     waits for a mutex keeps the clock from going on.
//   - No sockets, files that block, or channels and contexts from outside.
//     Waiting for them is no rest.
//   - What is sent is made of the state when it is written, and in an order that
//     is that of the protocol, never that of a map or of goroutines waking up.
//   - Who writes to a stream sets its write deadline first, at the same instant: that
//     lets all others come to rest. [Host.Hasty] counts who does not.
//   - Whatever is waiting to be read is taken in at once.
//   - Who acts by himself acts at an instant of his own: timers that end at the
//     same instant go off in any order.
//
// The clock of a bubble begins on 2000-01-01. Certificates must be valid then.
package simnet

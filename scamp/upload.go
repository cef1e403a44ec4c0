package scamp

import (
	"io"
	"sync/atomic"
)

// upload sends a body that is not in memory. A body that fails aborts the
// request and with it the call.
func (k *call) upload(body io.Reader) {
	c, m := k.c, k.m
	closeBody := func() {}
	if closer, ok := body.(io.Closer); ok {
		var closed atomic.Bool
		closeBody = func() { // once; nobody waits for who does it
			if !closed.Swap(true) {
				closer.Close()
			}
		}
	}
	defer closeBody()
	c.mu.Lock()
	if m.state == sendDone {
		c.mu.Unlock()
		return
	}
	m.done = func() { go closeBody() } // Read may be waiting for what never comes
	c.mu.Unlock()

	_, err := io.Copy(m, body)
	e, text := error(nil), ""
	if err != nil {
		e = &CanceledError{Action: m.header.Action, Err: err}
		text = e.Error() // of an error that is not ours: with the mutex free
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	m.done = nil
	switch {
	case err == nil:
		m.complete()
	case m.err == nil: // it is the body that failed
		e.(*CanceledError).Sent = k.sent()
		k.giveUp(e, text)
	}
}

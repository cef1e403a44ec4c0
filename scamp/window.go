package scamp

// A sendWindow counts the octets of one message that the peer has yet to
// acknowledge.
type sendWindow struct {
	size        int // most octets outstanding (WIRE-FLOW-05a)
	sent, acked uint64
}

// available returns how many octets may be sent now.
func (w *sendWindow) available() int { return max(0, w.size-int(w.sent-w.acked)) }

// take notes that n octets are being sent. It comes before the octets can reach
// the peer (WIRE-FLOW-04c).
func (w *sendWindow) take(n int) { w.sent += uint64(n) }

// acknowledge applies a total. It returns the rule that the total breaks, if any.
func (w *sendWindow) acknowledge(total uint64) (rule string) {
	switch {
	case total <= w.acked:
		return "WIRE-FLOW-04b"
	case total > w.sent:
		return "WIRE-FLOW-04c"
	}
	w.acked = total
	return ""
}

// A receiveWindow counts the octets of one message that have been consumed.
type receiveWindow struct {
	consumed, acked uint64
}

// due reports whether an acknowledgement is worth sending: drained says that
// everything that has arrived is consumed (WIRE-FLOW-07a).
func (w *receiveWindow) due(drained bool) bool {
	return w.consumed > w.acked && (drained || w.consumed-w.acked >= ackEvery)
}

// acknowledge returns the total to send, and false if there is nothing new to
// say (WIRE-FLOW-02a).
func (w *receiveWindow) acknowledge() (total uint64, ok bool) {
	if w.consumed == w.acked {
		return 0, false
	}
	w.acked = w.consumed
	return w.acked, true
}

package scamp

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/gudtech/scamp-sim/scamp/wire"
)

// receive applies one packet to the state. An error is fatal to the connection.
// The packet's body is valid during the call only. c.mu is held.
func (c *Connection) receive(p wire.Packet) error {
	switch p.Type {
	case wire.TypeHeader:
		return c.receiveHeader(p)
	case wire.TypeData:
		m := c.in[p.Number]
		if m == nil {
			return violation(p, "WIRE-MSG-03", "no such message is open")
		}
		m.data(p.Body)
	case wire.TypeEOF:
		if len(p.Body) != 0 {
			return violation(p, "WIRE-MSG-05b", "EOF has a body")
		}
		return c.receiveEnd(p, nil)
	case wire.TypeTXErr:
		return c.receiveEnd(p, &AbortError{Text: abortText(string(p.Body))}) // WIRE-MSG-09, WIRE-MSG-10
	case wire.TypeAck:
		return c.receiveAck(p)
	case wire.TypePing:
		if len(c.pongs) == maxPongs {
			return &LimitError{What: "PONGs waiting to be read", Limit: maxPongs}
		}
		c.pongs = append(c.pongs, p.Number)
		c.wake()
	case wire.TypePong:
		c.unponged = false
	}
	return nil
}

func violation(p wire.Packet, rule, reason string) error {
	return &ProtocolError{Packet: fmt.Sprintf("%v %d", p.Type, p.Number), Rule: rule, Reason: reason}
}

func (c *Connection) receiveHeader(p wire.Packet) error {
	if p.Number != c.nextIn {
		return violation(p, "WIRE-MSG-01b", fmt.Sprintf("the next message is %d", c.nextIn))
	}
	h, err := ParseHeader(p.Body)
	if err != nil {
		err.(*ProtocolError).Packet = fmt.Sprintf("HEADER %d", p.Number)
		return err
	}
	if err := c.admitMessage(len(p.Body)); err != nil {
		return err
	}
	c.nextIn++
	m := &MessageReader{Header: h, c: c, number: p.Number, limit: c.cfg.MaxBuffered, since: c.active}
	m.ready.L = &c.mu
	c.in[p.Number] = m
	m.hold(len(p.Body))
	c.arm(c.active.Add(c.cfg.MessageTimeout))
	c.route(m)
	return nil
}

// route decides who gets a message: the call it answers, the service, Accept,
// or nobody. c.mu is held.
func (c *Connection) route(m *MessageReader) {
	h := &m.Header
	switch {
	case h.wrong&wrongType != 0:
		c.discard(m, "its type is no string") // WIRE-HDR-08c
	case h.Type == TypeReply || h.Type == "" && c.server == nil: // WIRE-HDR-09a
		if k := c.callOf(h.RequestID); k != nil {
			delete(c.calls, k.id)
			m.call = k
			m.since = k.deadline
			if k.m.window.sent <= maxChunk {
				c.proof = max(c.proof, k.m.seq)
			}
			k.finish(m, nil)
			return
		}
		c.discard(m, "no call waits for it") // WIRE-RPC-07
	case h.Type == TypeRequest && c.server != nil:
		c.request(m)
	case c.server != nil && c.server.Messages != nil && h.Type != "":
		c.deliver(m)
	case c.cfg.Accept && h.Type != "":
		c.queueMessage(m)
	case h.Type == TypeRequest: // WIRE-RPC-09b
		c.request(m)
	default:
		c.discard(m, "nobody takes messages of its type") // WIRE-HDR-08a, 08b, 09b
	}
}

// callOf finds the call with this id; "1" is the same as 1, "01" is not
// (WIRE-RPC-03).
func (c *Connection) callOf(id ID) *call {
	text := id.String()
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || text[0] == '0' {
		return nil
	}
	return c.calls[n]
}

// discard lets a message be read to its end, acknowledged and dropped. c.mu is held.
func (c *Connection) discard(m *MessageReader, why string) {
	if len(c.notes) < maxNotes {
		h := &m.Header
		c.notes = append(c.notes, note{why, abbreviate(h.Type), abbreviate(h.RequestID.String()), abbreviate(h.Action)})
	}
	m.drop()
	m.Header = Header{}
	m.hold(0)
}

// A note is something to log once the mutex is free.
type note struct{ why, kind, id, action string }

const maxNotes = 16 // of one hold of the mutex

func (n note) log(c *Connection) {
	c.cfg.Logger.Info("message dropped", "peer", c.nc.RemoteAddr(), "reason", n.why,
		"type", n.kind, "request_id", n.id, "action", n.action)
}

// data takes the body of a DATA packet. An empty one means nothing (WIRE-MSG-06).
func (m *MessageReader) data(body []byte) {
	c := m.c
	if len(body) == 0 {
		return
	}
	if m.mode != modeDrop {
		if err := m.room(len(body)); err != nil {
			m.overflow(err)
		}
	}
	switch m.mode {
	case modeStream:
		if m.call == nil {
			m.since = c.active
		}
		m.take(body)
	case modeCollect:
		m.take(body)
		m.consume(len(body))
	case modeDrop:
		m.consume(len(body))
	}
}

// overflow fails a message that is longer than this side takes. c.mu is held.
func (m *MessageReader) overflow(err error) {
	if m.mode == modeCollect && m.call == nil {
		m.refuse(&ReplyError{Code: CodeBadRequest, Message: "request refused: " + err.Error(), Data: notExecuted})
		return
	}
	m.fail(err)
}

// receiveEnd applies EOF or TXERR.
func (c *Connection) receiveEnd(p wire.Packet, abort *AbortError) error {
	m := c.in[p.Number]
	if m == nil {
		return violation(p, "WIRE-MSG-04", "no such message is open")
	}
	delete(c.in, p.Number)
	if m.expired {
		c.expired--
	}
	if abort != nil {
		m.end(abort)
	} else {
		m.end(io.EOF)
	}
	err := c.ended(m, abort)
	m.settle()
	return err
}

// receiveAck applies an acknowledgement of one of our messages.
func (c *Connection) receiveAck(p wire.Packet) error {
	m := c.out[p.Number]
	if m == nil {
		return nil // the message may have ended while the packet was on its way (WIRE-FLOW-03)
	}
	total, err := wire.ParseTotal(p.Body)
	if err != nil {
		return violation(p, "WIRE-FLOW-04a", err.Error())
	}
	if rule := m.window.acknowledge(total); rule != "" {
		return violation(p, rule, fmt.Sprintf("acknowledges %d octets of %d sent, %d acknowledged before",
			total, m.window.sent, m.window.acked))
	}
	m.moved = c.active
	if m.sendable() {
		m.enqueue()
	}
	return nil
}

// abbreviate returns a copy of s, or of its beginning.
func abbreviate(s string) string {
	if len(s) > 64 {
		return s[:64] + "…"
	}
	return strings.Clone(s)
}

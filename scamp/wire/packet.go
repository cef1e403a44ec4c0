package wire

import (
	"bytes"
	"fmt"
	"strconv"
)

// The bounds of a packet, in octets (WIRE-FRAME-05, WIRE-FRAME-08).
const (
	MaxBody = 131072 // a packet's body
	MaxLine = 80     // a request line, CR LF included
)

// Type is the type of a packet.
type Type uint8

// The seven types of packets (WIRE-FRAME-13a).
const (
	TypeHeader Type = iota + 1
	TypeData
	TypeEOF
	TypeTXErr
	TypeAck
	TypePing
	TypePong
)

var typeNames = [...]string{
	TypeHeader: "HEADER", TypeData: "DATA", TypeEOF: "EOF", TypeTXErr: "TXERR",
	TypeAck: "ACK", TypePing: "PING", TypePong: "PONG",
}

// String returns the name that stands in the request line.
func (t Type) String() string {
	if t == 0 || int(t) >= len(typeNames) {
		return fmt.Sprintf("Type(%d)", uint8(t))
	}
	return typeNames[t]
}

// A Packet is the unit of framing. In HEADER, DATA, EOF and TXERR, Number is the
// sender's message number; in ACK it is the number that the other side gave to
// the message; in PING and PONG it means nothing.
type Packet struct {
	Type   Type
	Number uint64
	Body   []byte
}

// Clone returns a copy that shares nothing with p.
func (p Packet) Clone() Packet {
	p.Body = bytes.Clone(p.Body)
	return p
}

// String describes the packet for logs: its line, and its body where it is short.
func (p Packet) String() string {
	const most = 200
	s := fmt.Sprintf("%v %d %d", p.Type, p.Number, len(p.Body))
	switch {
	case len(p.Body) == 0:
		return s
	case len(p.Body) > most:
		return fmt.Sprintf("%s %q…", s, p.Body[:most])
	}
	return fmt.Sprintf("%s %q", s, p.Body)
}

// Append appends the encoding of p to b. It allocates nothing but what b needs to
// grow. It does not check p: a Reader takes what it writes if p has one of the
// seven types and a body of MaxBody octets at most.
func Append(b []byte, p Packet) []byte {
	b = appendLine(b, p.Type, p.Number, len(p.Body))
	b = append(b, p.Body...)
	return append(b, trailer...)
}

func appendLine(b []byte, t Type, number uint64, length int) []byte {
	b = append(append(b, t.String()...), ' ')
	b = append(strconv.AppendUint(b, number, 10), ' ')
	b = strconv.AppendInt(b, int64(length), 10)
	return append(b, '\r', '\n')
}

const trailer = "END\r\n"

// A Part is what a packet of one type says: Header, Data, EOF, TXErr, Ack, Ping
// or Pong. Each keeps its own kind of body.
type Part interface {
	Type() Type
	Size() int                  // of the body, in octets
	AppendBody(b []byte) []byte // appends the body
}

type (
	// Header is the JSON text of a HEADER.
	Header []byte
	// Data is a piece of a message's body.
	Data []byte
	// EOF completes a message.
	EOF struct{}
	// TXErr is the text with which a message is given up.
	TXErr string
	// Ack is the total of octets accepted of a message.
	Ack uint64
	// Ping is the body of a PING.
	Ping []byte
	// Pong answers a PING.
	Pong struct{}
)

// AppendPart appends a packet with this part to b. Like Append it does not
// allocate: being generic, it boxes nothing.
func AppendPart[P Part](b []byte, number uint64, part P) []byte {
	b = appendLine(b, part.Type(), number, part.Size())
	b = part.AppendBody(b)
	return append(b, trailer...)
}

// Part returns what the packet says, as a value of its own type. It fails for
// an ACK that has no total, and for EOF and PONG with a body.
func (p Packet) Part() (Part, error) {
	switch p.Type {
	case TypeHeader:
		return Header(p.Body), nil
	case TypeData:
		return Data(p.Body), nil
	case TypeTXErr:
		return TXErr(p.Body), nil
	case TypePing:
		return Ping(p.Body), nil
	case TypeAck:
		total, err := ParseTotal(p.Body)
		if err != nil {
			return nil, err
		}
		return Ack(total), nil
	case TypeEOF, TypePong:
		if len(p.Body) > 0 {
			return nil, fmt.Errorf("%v with a body of %d octets", p.Type, len(p.Body))
		}
		if p.Type == TypeEOF {
			return EOF{}, nil
		}
		return Pong{}, nil
	}
	return nil, fmt.Errorf("packet of %v", p.Type)
}

// ParseTotal reads the body of an ACK: a digit from 1 to 9 followed by digits,
// and nothing else (WIRE-FLOW-01b).
func ParseTotal(body []byte) (uint64, error) {
	if len(body) == 0 || body[0] == '0' {
		return 0, fmt.Errorf("%.24q is no total of octets", body)
	}
	n, ok := parseDigits(body)
	if !ok {
		return 0, fmt.Errorf("%.24q is no total of octets", body)
	}
	return n, nil
}

// parseDigits reads a number without sign. It fails for anything but digits and
// for what does not fit.
func parseDigits(s []byte) (n uint64, ok bool) {
	if len(s) == 0 {
		return 0, false
	}
	for _, c := range s {
		d := uint64(c - '0')
		if d > 9 || n > (1<<64-1-d)/10 {
			return 0, false
		}
		n = 10*n + d
	}
	return n, true
}

func (Header) Type() Type { return TypeHeader }
func (Data) Type() Type   { return TypeData }
func (EOF) Type() Type    { return TypeEOF }
func (TXErr) Type() Type  { return TypeTXErr }
func (Ack) Type() Type    { return TypeAck }
func (Ping) Type() Type   { return TypePing }
func (Pong) Type() Type   { return TypePong }

func (h Header) Size() int { return len(h) }
func (d Data) Size() int   { return len(d) }
func (EOF) Size() int      { return 0 }
func (t TXErr) Size() int  { return len(t) }
func (p Ping) Size() int   { return len(p) }
func (Pong) Size() int     { return 0 }

// Size returns the number of digits.
func (a Ack) Size() int {
	n := 1
	for ; a >= 10; a /= 10 {
		n++
	}
	return n
}

func (h Header) AppendBody(b []byte) []byte { return append(b, h...) }
func (d Data) AppendBody(b []byte) []byte   { return append(b, d...) }
func (EOF) AppendBody(b []byte) []byte      { return b }
func (t TXErr) AppendBody(b []byte) []byte  { return append(b, t...) }
func (a Ack) AppendBody(b []byte) []byte    { return strconv.AppendUint(b, uint64(a), 10) }
func (p Ping) AppendBody(b []byte) []byte   { return append(b, p...) }
func (Pong) AppendBody(b []byte) []byte     { return b }

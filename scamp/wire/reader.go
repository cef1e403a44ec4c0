package wire

import (
	"bytes"
	"fmt"
	"io"
)

// A SyntaxError says why octets are not packets. It is fatal to the connection
// that they came on.
type SyntaxError struct {
	Rule   string // the id of the specification's rule
	Line   string // the request line, abbreviated
	Reason string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("malformed packet %q: %s (%s)", e.Line, e.Reason, e.Rule)
}

// A Reader reads packets from a stream. It sets memory aside for octets that
// have come, never for a length that was announced (WIRE-SAFE-06a), and at most
// for about two of the largest packets.
//
// A Reader is for one goroutine at a time.
type Reader struct {
	src  io.Reader
	buf  []byte
	from int // buf[from:to] has come and has not been read
	to   int
	err  error // final: what Read returns when the packets before it are read

	next Packet // the first packet of buf[from:to], if size is not 0
	size int
}

// NewReader returns a Reader of the stream src.
func NewReader(src io.Reader) *Reader {
	return &Reader{src: src, buf: make([]byte, 4<<10)}
}

const (
	overhead = MaxLine + len(trailer)
	maxBuf   = 2 * (MaxBody + overhead)
)

// Read returns the next packet. Its body is valid until the next call.
//
// A malformed packet is a *SyntaxError, at the first octet that proves it; the
// end of the stream is io.EOF between packets and io.ErrUnexpectedEOF inside
// one. After an error Read returns the same error for ever.
func (r *Reader) Read() (Packet, error) {
	for {
		if err := r.look(); err != nil {
			r.err, r.to = err, r.from
			return Packet{}, err
		}
		if r.size > 0 {
			r.from += r.size
			r.size = 0
			return r.next, nil
		}
		if r.err != nil {
			if r.err == io.EOF && r.to > r.from {
				r.err = io.ErrUnexpectedEOF
			}
			r.to = r.from
			return Packet{}, r.err
		}
		r.fill()
	}
}

// Buffered reports whether the next Read returns without reading from the
// stream: a whole packet has come, or octets that cannot become one.
func (r *Reader) Buffered() bool {
	err := r.look()
	return r.size > 0 || err != nil || r.err != nil
}

// look parses what has come, unless it has been parsed.
func (r *Reader) look() (err error) {
	if r.size == 0 && r.to > r.from {
		r.next, r.size, err = parse(r.buf[r.from:r.to])
	}
	return err
}

// fill reads once from the stream. What has come is moved to the front where
// there is little room behind it.
func (r *Reader) fill() {
	if r.from > 0 && (r.from == r.to || len(r.buf)-r.to < len(r.buf)/2) {
		r.to = copy(r.buf, r.buf[r.from:r.to])
		r.from = 0
	}
	if r.to == len(r.buf) {
		if len(r.buf) >= maxBuf {
			panic("wire: a packet is longer than the buffer") // parse bounds packets by MaxBody
		}
		grown := make([]byte, min(4*len(r.buf), maxBuf))
		r.to = copy(grown, r.buf[r.from:r.to])
		r.from = 0
		r.buf = grown
	}
	const patience = 100 // reads in a row that bring nothing
	for range patience {
		n, err := r.src.Read(r.buf[r.to:])
		r.to += n
		if err != nil {
			r.err = err
			return
		}
		if n > 0 {
			return
		}
	}
	r.err = io.ErrNoProgress
}

// parse looks at the first packet of b. It returns the number of octets that
// the packet takes, 0 when it is not complete.
func parse(b []byte) (p Packet, n int, err error) {
	end := bytes.IndexByte(b[:min(len(b), MaxLine)], '\n')
	if end < 0 {
		return p, 0, incomplete(b)
	}
	p, length, err := parseLine(b[:end+1])
	if err != nil {
		return p, 0, err
	}
	rest := b[end+1:]
	if len(rest) < length+len(trailer) {
		return p, 0, nil
	}
	if string(rest[length:length+len(trailer)]) != trailer {
		return p, 0, &SyntaxError{"WIRE-FRAME-09", line(b[:end+1]), fmt.Sprintf("%q stands where the trailer should", rest[length:length+len(trailer)])}
	}
	p.Body = rest[:length:length]
	return p, end + 1 + length + len(trailer), nil
}

// incomplete looks at a request line whose LF is not there yet.
func incomplete(b []byte) error {
	if len(b) >= MaxLine {
		return &SyntaxError{"WIRE-FRAME-05c", line(b[:MaxLine]), fmt.Sprintf("no line end within %d octets", MaxLine)}
	}
	if len(b) > 1 {
		if i := bytes.IndexByte(b[:len(b)-1], '\r'); i >= 0 {
			return &SyntaxError{"WIRE-FRAME-04a", line(b), "a CR is not followed by LF"}
		}
	}
	return nil
}

// parseLine reads a request line, LF included.
func parseLine(b []byte) (p Packet, length int, err error) {
	bad := func(rule, reason string) (Packet, int, error) {
		return Packet{}, 0, &SyntaxError{rule, line(b), reason}
	}
	if len(b) < 2 || b[len(b)-2] != '\r' {
		return bad("WIRE-FRAME-04a", "the line ends in LF alone")
	}
	text := b[:len(b)-2]
	if bytes.IndexByte(text, '\r') >= 0 {
		return bad("WIRE-FRAME-04a", "a CR is not followed by LF")
	}
	first := bytes.IndexByte(text, ' ')
	if first < 0 {
		return bad("WIRE-FRAME-03b", "there are fewer than three fields")
	}
	second := bytes.IndexByte(text[first+1:], ' ')
	if second < 0 {
		return bad("WIRE-FRAME-03b", "there are fewer than three fields")
	}
	name, number, size := text[:first], text[first+1:first+1+second], text[first+2+second:]
	if p.Type = typeOf(name); p.Type == 0 {
		if len(bytes.TrimLeft(name, "\t\v\f ")) < len(name) || len(name) == 0 && len(number) > 0 {
			return bad("WIRE-FRAME-03a", "the line does not begin with a packet type")
		}
		return bad("WIRE-FRAME-13b", fmt.Sprintf("there is no packet type %.20q", name))
	}
	var ok bool
	if p.Number, ok = parseNumber(number); !ok {
		return bad(numberRule(number), fmt.Sprintf("%.24q is no message number", number))
	}
	n, ok := parseNumber(size)
	if !ok {
		if bytes.IndexByte(size, ' ') >= 0 {
			return bad("WIRE-FRAME-03b", "something stands behind the length")
		}
		return bad(numberRule(size), fmt.Sprintf("%.24q is no length", size))
	}
	if n > MaxBody {
		return bad("WIRE-FRAME-08d", fmt.Sprintf("the length is over %d", MaxBody))
	}
	return p, int(n), nil
}

func typeOf(name []byte) Type {
	switch string(name) {
	case "HEADER":
		return TypeHeader
	case "DATA":
		return TypeData
	case "EOF":
		return TypeEOF
	case "TXERR":
		return TypeTXErr
	case "ACK":
		return TypeAck
	case "PING":
		return TypePing
	case "PONG":
		return TypePong
	}
	return 0
}

// parseNumber reads a number as a sender writes it: without leading zeros
// (WIRE-FRAME-06, WIRE-FRAME-07).
func parseNumber(s []byte) (uint64, bool) {
	if len(s) > 1 && s[0] == '0' {
		return 0, false
	}
	return parseDigits(s)
}

// numberRule is the rule that a field breaks which is no number.
func numberRule(s []byte) string {
	for _, c := range s {
		if c < '0' || c > '9' {
			return "WIRE-FRAME-07a"
		}
	}
	switch {
	case len(s) == 0:
		return "WIRE-FRAME-07a"
	case s[0] == '0':
		return "WIRE-FRAME-07b"
	}
	return "WIRE-FRAME-08d" // too large for any number
}

// line is a request line for an error.
func line(b []byte) string { return string(bytes.TrimRight(b, "\r\n")) }

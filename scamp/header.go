package scamp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/gudtech/scamp-sim/scamp/internal/jsontext"
	"github.com/gudtech/scamp-sim/scamp/wire"
)

// The types of messages (WIRE-HDR-07 to WIRE-HDR-09; the last four belong to
// the events profile).
const (
	TypeRequest       = "request"
	TypeReply         = "reply"
	TypeSubscribe     = "subscribe"
	TypeSubscribeDone = "subscribe_done"
	TypeEvent         = "event"
	TypeNotify        = "notify"
)

// A Header is the JSON of a HEADER packet: what a message is and what it is for.
// The zero value of a field means that the member is absent.
type Header struct {
	Type      string // "request", "reply", …
	RequestID ID     // ties a reply to its request

	// Requests.
	Action           string // Namespace.sub.name
	Version          int    // from 1
	Envelope         string // how the body is to be read; "json" is what everybody has
	Ticket           string
	IdentifyingToken string // a second ticket, which names the real user
	Terminal         string
	Sector           string // advisory
	ClientID         int64

	// Replies. A reply is a failure when either of the first two is not empty
	// (WIRE-ERR-02a).
	ErrorCode string
	Error     string
	ErrorData json.RawMessage // an object

	// Extra are further members as they came, or as they are to be sent: those
	// of the web envelope and of gateways (WIRE-HDR-17c, WIRE-ENV-03a).
	Extra map[string]json.RawMessage

	wrong wrongMembers
}

// wrongMembers marks the members that came with a type or value that cannot be used.
type wrongMembers uint8

const (
	wrongType wrongMembers = 1 << iota
	wrongAction
	wrongVersion
	wrongEnvelope
	wrongID
	wrongErrorCode
	wrongError
)

// An ID is a request_id: an opaque JSON number or string. The zero ID is no id.
// IDs are comparable; equal IDs are spelled equally.
type ID struct{ raw string }

// NumberID is the id that this library's own requests carry.
func NumberID(n uint64) ID { return ID{strconv.FormatUint(n, 10)} }

// IsZero reports whether there is no id.
func (id ID) IsZero() bool { return id.raw == "" }

// String returns the id as text: "7" for 7 and for "7" (WIRE-RPC-03).
func (id ID) String() string {
	if strings.HasPrefix(id.raw, `"`) {
		return jsontext.Unquote([]byte(id.raw))
	}
	return id.raw
}

// MarshalJSON returns the id as it came (WIRE-HDR-13a).
func (id ID) MarshalJSON() ([]byte, error) {
	if id.raw == "" {
		return []byte("null"), nil
	}
	return []byte(id.raw), nil
}

// extras are the members that a Header keeps in Extra although nothing in this
// package looks at them.
var extras = map[string]bool{
	"cgi_headers": true, "psgi_scheme": true, "new_session": true,
	"new_terminal": true, "http_status": true, "http_headers": true,
}

// ParseHeader reads the body of a HEADER packet.
//
// It is tolerant where the specification asks for it: unknown members are
// ignored, the last of several equal names counts, null means absent, odd values
// are remembered and fail the one request that needs them (WIRE-HDR-03 to 06,
// 11, 15, 18). What it refuses is fatal to a connection: a body that is not one
// well-formed JSON object in UTF-8, or one nested more than 64 levels deep
// (WIRE-HDR-01, 02, 19). The error is then a *ProtocolError.
func ParseHeader(body []byte) (Header, error) {
	var h Header
	err := jsontext.Members(body, func(name, value []byte) { h.set(name, value) })
	if err != nil {
		return Header{}, headerError(err)
	}
	return h, nil
}

func headerError(err error) error {
	rule := "WIRE-HDR-01b"
	switch {
	case errors.Is(err, jsontext.ErrNoObject):
		rule = "WIRE-HDR-01c"
	case errors.Is(err, jsontext.ErrUTF8):
		rule = "WIRE-HDR-02"
	case errors.Is(err, jsontext.ErrDepth):
		rule = "WIRE-HDR-19"
	}
	return &ProtocolError{Packet: "HEADER", Rule: rule, Reason: "the header is " + err.Error()}
}

// set takes over one member. Names are compared exactly (WIRE-HDR-05).
func (h *Header) set(name, value []byte) {
	switch string(name) {
	case `"type"`:
		h.setString(&h.Type, value, wrongType)
	case `"action"`:
		h.setString(&h.Action, value, wrongAction)
	case `"version"`:
		h.setVersion(value)
	case `"envelope"`:
		h.setString(&h.Envelope, value, wrongEnvelope)
	case `"request_id"`:
		h.setID(value)
	case `"ticket"`:
		h.setString(&h.Ticket, value, 0)
	case `"identifying_token"`:
		h.setString(&h.IdentifyingToken, value, 0)
	case `"terminal"`:
		h.setString(&h.Terminal, value, 0)
	case `"sector"`:
		h.setString(&h.Sector, value, 0)
	case `"client_id"`:
		h.ClientID = clientID(value)
	case `"error_code"`:
		h.setString(&h.ErrorCode, value, wrongErrorCode)
	case `"error"`:
		h.setString(&h.Error, value, wrongError)
	case `"error_data"`:
		h.ErrorData = nil
		if value[0] == '{' {
			h.ErrorData = append(json.RawMessage(nil), value...)
		}
	default:
		h.setExtra(name, value)
	}
}

func (h *Header) setExtra(name, value []byte) {
	if escaped := string(name); strings.Contains(escaped, `\`) {
		// The same name may be spelled with escapes.
		if plain := jsontext.AppendQuoted(nil, jsontext.Unquote(name)); string(plain) != escaped && !strings.Contains(string(plain), `\`) {
			h.set(plain, value)
			return
		}
	}
	key := string(name[1 : len(name)-1])
	if !extras[key] {
		return
	}
	if h.Extra == nil {
		h.Extra = map[string]json.RawMessage{}
	}
	if value[0] == 'n' {
		if delete(h.Extra, key); len(h.Extra) == 0 {
			h.Extra = nil
		}
		return
	}
	h.Extra[key] = append(json.RawMessage(nil), value...)
}

// failed reports whether this is the header of a failed reply (WIRE-ERR-02a). An
// error member that is no string is not empty either.
func (h *Header) failed() bool {
	return h.ErrorCode != "" || h.Error != "" || h.wrong&(wrongErrorCode|wrongError) != 0
}

func (h *Header) setString(field *string, value []byte, flag wrongMembers) {
	*field = ""
	h.wrong &^= flag
	switch value[0] {
	case '"':
		*field = jsontext.Unquote(value)
	case 'n': // null is absence
	default:
		h.wrong |= flag
	}
}

// setVersion accepts integers from 1, the same as decimal strings, and 1.0 and
// the like (WIRE-HDR-11b, 11c).
func (h *Header) setVersion(value []byte) {
	h.Version = 0
	h.wrong &^= wrongVersion
	text := string(value)
	switch value[0] {
	case 'n':
		return
	case '"':
		text = jsontext.Unquote(value)
	default:
		if whole, frac, ok := strings.Cut(text, "."); ok && strings.Trim(frac, "0") == "" {
			text = whole
		}
	}
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil || n < 1 {
		h.wrong |= wrongVersion
		return
	}
	h.Version = int(n)
}

func (h *Header) setID(value []byte) {
	h.RequestID = ID{}
	h.wrong &^= wrongID
	switch c := value[0]; {
	case c == 'n':
	case c == '"' || c == '-' || '0' <= c && c <= '9':
		h.RequestID = ID{string(value)}
	default:
		h.wrong |= wrongID
	}
}

// clientID reads an integer or a string of digits; everything else is 0
// (WIRE-HDR-15).
func clientID(value []byte) int64 {
	text := string(value)
	if value[0] == '"' {
		if text = jsontext.Unquote(value); text == "" || text[0] < '0' { // a sign
			return 0
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// Append appends the JSON of the header: members that have no value are left
// out (WIRE-HDR-06c), none comes twice.
func (h *Header) Append(b []byte) []byte {
	b = append(b, '{')
	b = appendMember(b, `"type":`, h.Type)
	b = appendMember(b, `"action":`, h.Action)
	if h.Version != 0 {
		b = strconv.AppendInt(append(b, `"version":`...), int64(h.Version), 10)
		b = append(b, ',')
	}
	b = appendMember(b, `"envelope":`, h.Envelope)
	if !h.RequestID.IsZero() {
		b = append(append(b, `"request_id":`...), h.RequestID.raw...)
		b = append(b, ',')
	}
	b = appendMember(b, `"ticket":`, h.Ticket)
	b = appendMember(b, `"identifying_token":`, h.IdentifyingToken)
	b = appendMember(b, `"terminal":`, h.Terminal)
	b = appendMember(b, `"sector":`, h.Sector)
	if h.ClientID != 0 {
		b = strconv.AppendInt(append(b, `"client_id":`...), h.ClientID, 10)
		b = append(b, ',')
	}
	b = appendMember(b, `"error_code":`, h.ErrorCode)
	b = appendMember(b, `"error":`, h.Error)
	if len(h.ErrorData) > 0 {
		b = append(append(append(b, `"error_data":`...), h.ErrorData...), ',')
	}
	for _, name := range sortedKeys(h.Extra) {
		if bytes.Equal(bytes.TrimSpace(h.Extra[name]), null) {
			continue // the same as absence
		}
		b = append(jsontext.AppendQuoted(b, name), ':')
		b = append(append(b, h.Extra[name]...), ',')
	}
	if b[len(b)-1] == ',' {
		b = b[:len(b)-1]
	}
	return append(b, '}')
}

var null = []byte("null")

func appendMember(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	return append(jsontext.AppendQuoted(append(b, name...), value), ',')
}

// check says whether the header can be sent.
func (h *Header) check() error {
	if h.Version < 0 {
		return fmt.Errorf("scamp: version %d is below 1", h.Version)
	}
	if len(h.ErrorData) > 0 || len(h.Extra) > 0 {
		if err := h.checkMembers(); err != nil {
			return err
		}
	}
	if 6*h.textSize()+256 <= wire.MaxBody { // no need to look closer
		return nil
	}
	if n := len(h.Append(nil)) + 32; n > wire.MaxBody { // 32: an id to come
		return fmt.Errorf("scamp: a header of %d octets is longer than %d", n, wire.MaxBody)
	}
	return nil
}

// checkMembers looks at the members that are JSON of somebody else. It is apart
// from check, whose callers have small stacks that need not grow for it.
func (h *Header) checkMembers() error {
	if len(h.ErrorData) > 0 {
		if err := jsontext.Check(h.ErrorData, jsontext.MaxDepth-1); err != nil {
			return fmt.Errorf("scamp: error data is %w", err)
		}
		if !bytes.HasPrefix(bytes.TrimLeft(h.ErrorData, " \t\r\n"), []byte("{")) {
			return fmt.Errorf("scamp: error data is %w", jsontext.ErrNoObject)
		}
	}
	for name, value := range h.Extra {
		if !extras[name] {
			return fmt.Errorf("scamp: %q is no further member of a header", name)
		}
		if err := jsontext.Check(value, jsontext.MaxDepth-1); err != nil {
			return fmt.Errorf("scamp: header member %q is %w", name, err)
		}
	}
	return nil
}

// textSize is the length of everything in the header that has no fixed bound.
func (h *Header) textSize() int {
	n := len(h.Type) + len(h.RequestID.raw) + len(h.Action) + len(h.Envelope) + len(h.Ticket) +
		len(h.IdentifyingToken) + len(h.Terminal) + len(h.Sector) + len(h.ErrorCode) + len(h.Error) + len(h.ErrorData)
	if len(h.Extra) > 0 {
		n += extraSize(h.Extra)
	}
	return n
}

func extraSize(extra map[string]json.RawMessage) (n int) {
	for name, value := range extra {
		n += len(name) + len(value) + 4
	}
	return n
}

func sortedKeys(m map[string]json.RawMessage) []string {
	if len(m) == 0 {
		return nil
	}
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

package scamp

import (
	"encoding/json"
	"errors"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gudtech/scamp-sim/scamp/internal/jsontext"

	fuzz "github.com/google/gofuzz"
)

func TestParseHeaderTakesTheLastOfEqualNames(t *testing.T) { // WIRE-HDR-04b
	h, err := ParseHeader([]byte(`{"action":"x","version":3,"action":"y","version":null}`))
	if err != nil || h.Action != "y" || h.Version != 0 {
		t.Fatalf("%+v, %v", h, err)
	}
}

func TestParseHeaderComparesNamesExactly(t *testing.T) { // WIRE-HDR-05
	h, err := ParseHeader([]byte(`{"action":"x","ACTION":"y","Action":"z","\u0061ction":"escaped"}`))
	if err != nil || h.Action != "escaped" {
		t.Fatalf("%+v, %v", h, err)
	}
}

func TestParseHeaderTakesNullForAbsence(t *testing.T) { // WIRE-HDR-06a
	h, err := ParseHeader([]byte(`{"type":null,"action":null,"version":null,"envelope":null,"request_id":null,"ticket":null,
		"identifying_token":null,"terminal":null,"sector":null,"client_id":null,"error_code":null,"error":null,"error_data":null,"http_status":null}`))
	if err != nil || h.wrong != 0 || string(h.Append(nil)) != "{}" {
		t.Fatalf("%+v, %v", h, err)
	}
}

// A ticket comes and goes in its own field; other fields carry none (DISC-TKT-09a).
func TestTicketsHaveTheirField(t *testing.T) {
	h, err := ParseHeader([]byte(`{"ticket":"1,2,3","station":"4,5,6"}`))
	if err != nil || h.Ticket != "1,2,3" || string(h.Append(nil)) != `{"ticket":"1,2,3"}` {
		t.Errorf("%+v, %v", h, err)
	}
	for _, name := range []string{"station", "Ticket", "identifying_token", "terminal", "client_id", "tickets"} {
		if h, err := ParseHeader([]byte(`{"` + name + `":"1,2,3"}`)); err != nil || h.Ticket != "" {
			t.Errorf("%s: %+v, %v", name, h, err)
		}
	}
}

func TestParseHeaderVersions(t *testing.T) { // WIRE-HDR-11
	for text, want := range map[string]int{
		`1`: 1, `"1"`: 1, `"12"`: 12, `1.0`: 1, `0`: -1, `-1`: -1, `"x"`: -1, `1.5`: -1, `true`: -1, `[1]`: -1, `{}`: -1, `""`: -1,
		`"1.0"`: -1, `99999999999999999999`: -1,
	} {
		h, err := ParseHeader([]byte(`{"version":` + text + `}`))
		if wrong := h.wrong&wrongVersion != 0; err != nil || wrong != (want < 0) || !wrong && h.Version != want {
			t.Errorf("version %s: %d, wrong %v, %v; want %d", text, h.Version, wrong, err, want)
		}
	}
}

func TestParseHeaderClientIDs(t *testing.T) { // WIRE-HDR-15
	for text, want := range map[string]int64{`7`: 7, `"7"`: 7, `""`: 0, `null`: 0, `"abc"`: 0, `1.5`: 0, `true`: 0, `[]`: 0, `1e999`: 0, `-7`: -7, `"-7"`: 0, `"+7"`: 0} {
		h, err := ParseHeader([]byte(`{"client_id":` + text + `}`))
		if err != nil || h.ClientID != want {
			t.Errorf("client_id %s: %d, %v; want %d", text, h.ClientID, err, want)
		}
	}
}

func TestIDsComeBackAsTheyWere(t *testing.T) { // WIRE-HDR-13a
	for _, text := range []string{`1`, `42`, `"7"`, `"0042"`, `"abc"`, `9007199254740993`, `1.50`, `-0`, `1e400`, `"\u00e9\ud83d"`, `""`} {
		h, err := ParseHeader([]byte(`{"request_id":` + text + `}`))
		if err != nil {
			t.Fatal(err)
		}
		if got := string(h.Append(nil)); got != `{"request_id":`+text+`}` {
			t.Errorf("%s came back as %s", text, got)
		}
	}
	for _, text := range []string{"true", "[]", "{}", "null"} {
		if h, err := ParseHeader([]byte(`{"request_id":` + text + `}`)); err != nil || !h.RequestID.IsZero() {
			t.Errorf("request_id %s: %v, %v", text, h.RequestID, err)
		}
	}
}

func TestParseHeaderNamesTheRule(t *testing.T) {
	for body, rule := range map[string]string{
		"":                        "WIRE-HDR-01b",
		"{}{}":                    "WIRE-HDR-01b",
		"null":                    "WIRE-HDR-01c",
		"{\"x\":\"\xff\"}":        "WIRE-HDR-02",
		strings.Repeat("[", 1000): "WIRE-HDR-19",
	} {
		_, err := ParseHeader([]byte(body))
		e := new(ProtocolError)
		if !errors.As(err, &e) || e.Rule != rule {
			t.Errorf("ParseHeader(%.20q): %v, want %s", body, err, rule)
		}
	}
}

// randomHeaders makes headers with everything that can be sent.
func randomHeaders(seed int64) *fuzz.Fuzzer {
	return fuzz.NewWithSeed(seed).NilChance(0.5).Funcs(
		func(id *ID, c fuzz.Continue) {
			switch c.Intn(4) {
			case 0:
			case 1:
				*id = ID{string(jsontext.AppendQuoted(nil, c.RandString()))}
			case 2:
				*id = ID{strconv.FormatFloat(c.NormFloat64(), 'g', -1, 64)}
			default:
				*id = NumberID(c.Uint64())
			}
		},
		func(m *json.RawMessage, c fuzz.Continue) {
			if c.RandBool() {
				*m, _ = json.Marshal(map[string]any{c.RandString(): c.Int(), "x": []any{nil, c.RandString()}})
			}
		},
		func(m *map[string]json.RawMessage, c fuzz.Continue) {
			for name := range extras {
				if c.Intn(4) == 0 {
					if *m == nil {
						*m = map[string]json.RawMessage{}
					}
					(*m)[name], _ = json.Marshal([]any{c.RandString(), c.Float64(), c.RandBool()}[c.Intn(3)])
				}
			}
		},
		func(h *Header, c fuzz.Continue) {
			c.FuzzNoCustom(h)
			h.wrong = 0
			h.Version = int(c.Int31())
			for _, s := range []*string{&h.Ticket, &h.Terminal, &h.Sector, &h.IdentifyingToken, &h.ErrorCode} {
				if c.RandBool() {
					*s = ""
				}
			}
		},
	)
}

// TestHeaderRoundTrip: what is sent is what arrives.
func TestHeaderRoundTrip(t *testing.T) {
	f := randomHeaders(1)
	for range 2000 {
		var h Header
		f.Fuzz(&h)
		if err := h.check(); err != nil {
			t.Fatal(err)
		}
		b := h.Append(nil)
		if !json.Valid(b) {
			t.Fatalf("not JSON: %s", b)
		}
		back, err := ParseHeader(b)
		if err != nil {
			t.Fatalf("%s: %v", b, err)
		}
		if !reflect.DeepEqual(back, h) {
			t.Fatalf("%#v\nis sent as %s\nand arrives as %#v", h, b, back)
		}
	}
}

func TestWhatCannotBeSent(t *testing.T) {
	nested := func(n int) json.RawMessage {
		return json.RawMessage(`{"a":` + strings.Repeat("[", n) + strings.Repeat("]", n) + "}")
	}
	for name, test := range map[string]struct {
		h    Header
		want string
	}{
		"nothing":           {Header{}, ""},
		"data":              {Header{ErrorData: []byte(" {} ")}, ""},
		"data no object":    {Header{ErrorData: []byte("[]")}, "not a JSON object"},
		"data no JSON":      {Header{ErrorData: []byte("{")}, "not well-formed JSON"},
		"data and more":     {Header{ErrorData: []byte("{}{}")}, "not well-formed JSON"},
		"data not UTF-8":    {Header{ErrorData: []byte("{\"a\":\"\xff\"}")}, "not valid UTF-8"},
		"deep data":         {Header{ErrorData: nested(62)}, ""},
		"deeper data":       {Header{ErrorData: nested(63)}, "nested too deeply"},
		"extra":             {Header{Extra: map[string]json.RawMessage{"http_status": []byte("404")}}, ""},
		"null extra":        {Header{Extra: map[string]json.RawMessage{"http_status": []byte(" null ")}}, ""},
		"unknown extra":     {Header{Extra: map[string]json.RawMessage{"type": []byte("1")}}, "no further member"},
		"extra no JSON":     {Header{Extra: map[string]json.RawMessage{"http_status": []byte("")}}, "not well-formed JSON"},
		"negative version":  {Header{Version: -1}, "below 1"},
		"as long as it can": {Header{Ticket: strings.Repeat("x", 131000)}, ""},
		"too long":          {Header{Ticket: strings.Repeat("x", 131072)}, "longer than 131072"},
		"too long in JSON":  {Header{Ticket: strings.Repeat("\x00", 30000)}, "longer than 131072"},
		"long extra":        {Header{Extra: map[string]json.RawMessage{"http_headers": json.RawMessage(`"` + strings.Repeat("x", 131072) + `"`)}}, "longer than 131072"},
	} {
		err := test.h.check()
		if err == nil && test.want != "" || err != nil && (test.want == "" || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
		if err != nil {
			continue
		}
		if b := test.h.Append(nil); strings.Contains(string(b), "null") { // WIRE-HDR-06c
			t.Errorf("%s: %s", name, b)
		} else if _, err := ParseHeader(b); err != nil {
			t.Errorf("%s: sent, and refused: %v", name, err)
		}
	}
}

func TestExtraMembers(t *testing.T) { // WIRE-HDR-03, WIRE-HDR-17c, WIRE-ENV-03a
	h, err := ParseHeader([]byte(`{"http_status":404,"cgi_headers":{"a":[1]},"unknown":1,"psgi_scheme":"x","psgi_scheme":null,"a\\b":1,"http_\u0068eaders":[]}`))
	if err != nil || len(h.Extra) != 3 || string(h.Extra["http_status"]) != "404" || string(h.Extra["cgi_headers"]) != `{"a":[1]}` || string(h.Extra["http_headers"]) != "[]" {
		t.Fatal(h.Extra, err)
	}
	if h, _ := ParseHeader([]byte(`{"http_status":404,"http_status":null}`)); h.Extra != nil {
		t.Error(h.Extra)
	}
}

func TestIDsAsJSON(t *testing.T) {
	h, _ := ParseHeader([]byte(`{"request_id":"\u0037"}`))
	b, err := json.Marshal([]ID{h.RequestID, NumberID(7), {}})
	if string(b) != `["\u0037",7,null]` || err != nil || h.RequestID.String() != "7" || h.RequestID == NumberID(7) {
		t.Error(string(b), err)
	}
}

// FuzzParseHeader: any octets are a header or an error. A header is well-formed
// for encoding/json, too, and the other way round, apart from invalid UTF-8 and
// deep nesting, which only this package minds; and it is the same header when it
// is written and read again (WIRE-SAFE-02, 03).
func FuzzParseHeader(f *testing.F) {
	for _, s := range []string{
		`{"type":"request","action":"Conformance.echo","version":1,"envelope":"json","request_id":1}`,
		`{"type":"reply","request_id":"x","error_code":"a","error":"b","error_data":{"dispatch_failure":true}}`,
		` {"version":"1","version":1.0,"client_id":"7","\u0074ype":null,"http_status":404,"http_status":null}` + "\r\n",
		`{"action":5,"envelope":[],"type":{},"request_id":true,"ticket":"\ud83d","sector":"\ud83d\ude00","error_data":[]}`,
		`{"a":[[[[{"b":{}}]]]],"request_id":-0.50E+7}`, `null`, `[]`, `{}x`, "{\"a\":\"\xff\"}", "", "{\"a\":1,}",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := ParseHeader(b)
		if err != nil {
			e := err.(*ProtocolError)
			var object map[string]json.RawMessage
			if json.Unmarshal(b, &object) == nil && object != nil && e.Rule != "WIRE-HDR-02" && e.Rule != "WIRE-HDR-19" {
				t.Fatalf("%q: %v, but encoding/json takes it", b, err)
			}
			return
		}
		if !json.Valid(b) || !utf8.Valid(b) {
			t.Fatalf("%q is taken and is not JSON in UTF-8", b)
		}
		h.wrong = 0
		if h.check() != nil {
			return // escapes can make it longer than a packet
		}
		out := h.Append(nil)
		again, err := ParseHeader(out)
		if err != nil || !reflect.DeepEqual(again, h) {
			t.Fatalf("%q is %#v, sent as %q, and arrives as %#v, %v", b, h, out, again, err)
		}
	})
}

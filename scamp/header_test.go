package scamp

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

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
	for text, want := range map[string]int64{`7`: 7, `"7"`: 7, `""`: 0, `null`: 0, `"abc"`: 0, `1.5`: 0, `true`: 0, `[]`: 0, `1e999`: 0} {
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

// TestHeaderRoundTrip sends random headers through Append and ParseHeader.
func TestHeaderRoundTrip(t *testing.T) {
	f := fuzz.NewWithSeed(1).NilChance(0.5).Funcs(
		func(id *ID, c fuzz.Continue) { *id = NumberID(c.Uint64()) },
		func(m *json.RawMessage, c fuzz.Continue) {
			if c.RandBool() {
				*m, _ = json.Marshal(map[string]any{c.RandString(): c.Int(), "x": []any{nil, c.RandString()}})
			}
		},
		func(m *map[string]json.RawMessage, c fuzz.Continue) {
			if c.RandBool() {
				*m = map[string]json.RawMessage{"http_status": json.RawMessage("404"), "cgi_headers": json.RawMessage(`{"a":[]}`)}
			}
		},
		func(h *Header, c fuzz.Continue) {
			c.FuzzNoCustom(h)
			h.wrong = 0
			h.Version = int(c.Int31())
		},
	)
	for range 1000 {
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
		if again := back.Append(nil); string(again) != string(b) {
			t.Fatalf("%s came back as %s", b, again)
		}
	}
}

func FuzzParseHeader(f *testing.F) {
	f.Add([]byte(`{"type":"request","action":"Conformance.echo","version":1,"envelope":"json","request_id":1}`))
	f.Add([]byte(`{"type":"reply","request_id":"x","error_code":"a","error":"b","error_data":{"dispatch_failure":true}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := ParseHeader(b)
		if err != nil {
			return
		}
		out := h.Append(nil)
		again, err := ParseHeader(out)
		if err != nil {
			t.Fatalf("%q became %q: %v", b, out, err)
		}
		if third := again.Append(nil); string(third) != string(out) {
			t.Fatalf("%q became %q, then %q", b, out, third)
		}
	})
}

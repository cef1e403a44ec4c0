// Package reference is the built-in subject of the conformance suite: a
// scamp.Service that offers the fixture actions of the specification's section
// 1.5, all of them, and one that needs a ticket.
//
// `scamp-sim serve` runs it on a port, the suite's own tests run it in virtual
// time, and the wrong servers of package bugs are made of it.
package reference

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/gudtech/scamp-sim/fixtures"
	"github.com/gudtech/scamp-sim/scamp"
	"github.com/gudtech/scamp-sim/scamp/ticket"
)

// The names of the fixture actions, all version 1, envelope json. All but Secured
// run without a ticket.
const (
	Echo  = "Conformance.echo"  // the reply's body is the request's
	Blob  = "Conformance.blob"  // {"bytes":n}: a JSON string of n times x
	Slow  = "Conformance.slow"  // {"ms":n}: answers after n milliseconds
	Fail  = "Conformance.fail"  // {"code":c,"text":t,"data":d}: that error
	Count = "Conformance.count" // adds one to a counter and returns it

	Secured = "Conformance.secured" // the same, with the same counter, for tickets with Privilege
)

// Privilege is what a ticket needs for Secured, by Table.
const Privilege = 7

// Table is the authorisation table of the test bus, as Auth.getAuthzTable would return it.
const Table = `{"conformance.secured":["7"],"_NAMES":[null,null,null,null,null,null,null,"conformance"]}`

// The bounds of what the fixture actions do on demand.
const (
	MaxBlob = 64 << 20 // octets
	MaxSlow = 10 * time.Minute
)

// NewMux returns the fixture actions. Each Mux has a counter of its own.
func NewMux() *scamp.Mux {
	mux := new(scamp.Mux)
	mux.Handle(scamp.Action{Name: Echo, NoAuth: true, Stream: true}, scamp.HandlerFunc(echo))
	mux.Handle(scamp.Action{Name: Blob, NoAuth: true}, scamp.HandlerFunc(blob))
	mux.Handle(scamp.Action{Name: Slow, NoAuth: true, Timeout: MaxSlow + time.Minute}, scamp.HandlerFunc(slow))
	mux.Handle(scamp.Action{Name: Fail, NoAuth: true}, scamp.HandlerFunc(fail))
	var n atomic.Int64
	count := func(_ context.Context, w *scamp.ReplyWriter, _ *scamp.Request) error {
		_, err := fmt.Fprint(w, n.Add(1))
		return err
	}
	mux.HandleFunc(scamp.Action{Name: Count, NoAuth: true}, count)
	mux.HandleFunc(scamp.Action{Name: Secured}, count)
	return mux
}

// NewAuthority decides by Table, on tickets of the fixture ticket key.
func NewAuthority() *ticket.Authority {
	text, err := fixtures.FS.ReadFile("ticket.pub.pem")
	if err != nil {
		panic(err) // it is part of the binary
	}
	key, err := ticket.ParsePublicKey(text)
	if err != nil {
		panic(err)
	}
	return &ticket.Authority{
		Key:   key,
		Fetch: func(context.Context) ([]byte, error) { return []byte(Table), nil },
	}
}

// echo streams: the reply begins with the first octets of the request, and is
// given up when the request is.
func echo(_ context.Context, w *scamp.ReplyWriter, r *scamp.Request) error {
	_, err := io.Copy(w, r.Body)
	return err
}

// exes is what blobs are made of. All of them share it, so that thousands of them
// that nobody reads cost little.
var exes = bytes.Repeat([]byte("x"), 32<<10)

func blob(_ context.Context, w *scamp.ReplyWriter, r *scamp.Request) error {
	var ask struct {
		Bytes int `json:"bytes"`
	}
	if err := decode(r, &ask); err != nil {
		return err
	}
	if ask.Bytes < 0 || ask.Bytes > MaxBlob {
		return badRequest("bytes is not from 0 to %d", MaxBlob)
	}
	if _, err := io.WriteString(w, `"`); err != nil {
		return err
	}
	for rest := ask.Bytes; rest > 0; {
		n := min(rest, len(exes))
		if _, err := w.Write(exes[:n]); err != nil {
			return err
		}
		rest -= n
	}
	_, err := io.WriteString(w, `"`)
	return err
}

func slow(ctx context.Context, w *scamp.ReplyWriter, r *scamp.Request) error {
	var ask struct {
		MS int64 `json:"ms"`
	}
	if err := decode(r, &ask); err != nil {
		return err
	}
	if ask.MS < 0 || ask.MS > MaxSlow.Milliseconds() {
		return badRequest("ms is not from 0 to %d", MaxSlow.Milliseconds())
	}
	t := time.NewTimer(time.Duration(ask.MS) * time.Millisecond)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	_, err := fmt.Fprintf(w, `{"ms":%d}`, ask.MS)
	return err
}

func fail(_ context.Context, _ *scamp.ReplyWriter, r *scamp.Request) error {
	var ask struct {
		Code string          `json:"code"`
		Text string          `json:"text"`
		Data json.RawMessage `json:"data"`
	}
	if err := decode(r, &ask); err != nil {
		return err
	}
	if string(ask.Data) == "null" {
		ask.Data = nil
	}
	return &scamp.ReplyError{Code: ask.Code, Message: ask.Text, Data: ask.Data}
}

func decode(r *scamp.Request, into any) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, into); err != nil {
		return badRequest("the body is not what %s takes", r.Action)
	}
	return nil
}

func badRequest(format string, args ...any) error {
	return &scamp.ReplyError{Code: scamp.CodeBadRequest, Message: fmt.Sprintf(format, args...)}
}

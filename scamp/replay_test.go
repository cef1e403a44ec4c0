package scamp

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gudtech/scamp-sim/scamp/discovery"
)

// observed is a body that notes what is done with it.
type observed struct {
	io.Reader
	reads, closes atomic.Int32
}

func (b *observed) Read(p []byte) (int, error) {
	b.reads.Add(1)
	return b.Reader.Read(p)
}

func (b *observed) Close() error {
	b.closes.Add(1)
	return nil
}

// seekable is one that can be read again.
type seekable struct{ observed }

func (b *seekable) Seek(offset int64, whence int) (int64, error) {
	return b.Reader.(io.Seeker).Seek(offset, whence)
}

// twoHouses are one that refuses every request before it is executed, and one
// that echoes.
func twoHouses(w *town) (refuses, echoes *house) {
	refuses, echoes = w.build(discovery.Action{Name: "Test.act"}), w.build(discovery.Action{Name: "Test.act"})
	refuses.offer(discovery.Action{Name: "Test.act"}, refusing(notExecuted))
	echoes.offer(discovery.Action{Name: "Test.act"}, func(_ context.Context, w *ReplyWriter, r *Request) error {
		_, err := io.Copy(w, r.Body)
		return err
	})
	return refuses, echoes
}

func TestBodiesThatCanBeSentAgain(t *testing.T) {
	text := `"` + strings.Repeat("x", 100000) + `"`
	for name, test := range map[string]struct {
		body  func() io.Reader
		again bool
	}{
		"in memory": {func() io.Reader { return NewRequest("", []byte(text)).Body }, true},
		"a buffer":  {func() io.Reader { return bytes.NewBufferString(text) }, true},
		"a file": {func() io.Reader {
			b := &seekable{observed{Reader: strings.NewReader("before" + text)}}
			b.Seek(6, io.SeekStart)
			return b
		}, true},
		"a stream": {func() io.Reader { return &observed{Reader: strings.NewReader(text)} }, false},
	} {
		bubble(t, func(t *testing.T) {
			w := newTown(t, Config{})
			refuses, _ := twoHouses(w)
			for refuses.times("Test.act") == 0 {
				body := test.body()
				got, err := w.send(t.Context(), &Request{Header: Header{Action: "Test.act"}, Body: body})
				if met := refuses.times("Test.act") > 0; err == nil != (test.again || !met) || err == nil && got != text {
					t.Errorf("%s: %v, %d octets", name, err, len(got))
				}
				synctest.Wait()
				var closes int32
				switch b := body.(type) {
				case *seekable:
					closes = b.closes.Load()
				case *observed:
					closes = b.closes.Load()
				default:
					continue
				}
				if closes != 1 {
					t.Errorf("%s: closed %d times", name, closes)
				}
			}
		})
	}
}

// TestAStreamOfWhichNothingWasReadIsSentElsewhere: no connection, no octet.
func TestAStreamOfWhichNothingWasReadIsSentElsewhere(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, Config{})
		refuses, _ := twoHouses(w)
		refuses.close()
		for refuses.dialled() == 0 {
			body := &observed{Reader: strings.NewReader("{}")}
			if got, err := w.send(t.Context(), &Request{Header: Header{Action: "Test.act"}, Body: body}); err != nil || got != "{}" {
				t.Errorf("%s, %v", got, err)
			}
			synctest.Wait()
			if n := body.closes.Load(); n != 1 {
				t.Errorf("closed %d times", n)
			}
		}
	})
}

// TestABodyIsLeftAloneByWhatIsNotSent: as with Connection.Call.
func TestABodyIsLeftAloneByWhatIsNotSent(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, Config{})
		h := w.build()
		h.close()
		body := &observed{Reader: strings.NewReader("{}")}
		for _, action := range []string{"Test.nothing", "Test.echo"} {
			if _, err := w.send(t.Context(), &Request{Header: Header{Action: action}, Body: body}); err == nil {
				t.Error("no error")
			}
		}
		synctest.Wait()
		if body.reads.Load()+body.closes.Load() != 0 {
			t.Error("the body is touched")
		}
	})
}

// TestATurnEndsBeforeTheNext: an attempt that was given up, and still reads, takes
// nothing from the next one.
func TestATurnEndsBeforeTheNext(t *testing.T) {
	body := &seekable{observed{Reader: strings.NewReader("0123456789")}}
	p := replay{body: body}
	first := p.next()
	io.ReadFull(first, make([]byte, 4))
	if !p.again(t.Context(), time.Now().Add(time.Second)) {
		t.Fatal("a file cannot be sent again")
	}
	second := p.next()
	if n, err := first.Read(make([]byte, 4)); n != 0 || !errors.Is(err, errTurn) {
		t.Errorf("the first attempt reads on: %d, %v", n, err)
	}
	first.(io.Closer).Close()
	p.settle()
	if body.closes.Load() != 0 {
		t.Error("the first attempt closes the body of the second")
	}
	if b, err := io.ReadAll(second); string(b) != "0123456789" || err != nil {
		t.Errorf("the second attempt reads %q, %v", b, err)
	}
	second.(io.Closer).Close()
	if body.closes.Load() != 1 {
		t.Error("nobody closes the body")
	}
	if p := (replay{body: &observed{Reader: strings.NewReader("x")}}); true {
		io.ReadAll(p.next())
		if p.again(t.Context(), time.Now().Add(time.Second)) {
			t.Error("a stream is sent again")
		}
	}
}

// TestABodyIsNotClosedWhileItIsSent: a reply may come long before.
func TestABodyIsNotClosedWhileItIsSent(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, Config{})
		w.build()
		out, in := io.Pipe()
		body := &observed{Reader: out}
		go in.Write(make([]byte, 100000))
		reply, err := w.q.Call(t.Context(), &Request{Header: Header{Action: "Test.echo"}, Body: body})
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			in.Write(make([]byte, 100000))
			synctest.Wait()
			if body.closes.Load() != 0 {
				t.Error("closed while it is sent")
			}
			in.Close()
		}()
		if b, err := reply.ReadAll(0); len(b) != 200000 || err != nil {
			t.Errorf("%d octets came back: %v", len(b), err)
		}
		synctest.Wait()
		if n := body.closes.Load(); n != 1 {
			t.Errorf("closed %d times", n)
		}
	})
}

// TestThereIsNoTimeForAnotherAttempt: WIRE-TIME-04c.
func TestThereIsNoTimeForAnotherAttempt(t *testing.T) {
	bubble(t, func(t *testing.T) {
		over, cancel := context.WithCancel(t.Context())
		cancel()
		for _, body := range []io.Reader{nil, strings.NewReader("x"), &observed{Reader: strings.NewReader("x")}} {
			p := replay{body: body}
			p.next()
			if p.again(over, time.Now().Add(time.Second)) || p.again(t.Context(), time.Now()) {
				t.Errorf("%T is sent again", body)
			}
			if !p.again(t.Context(), time.Now().Add(time.Second)) {
				t.Errorf("%T is not sent again", body)
			}
		}
	})
}

// unseekable says that it can be read again, and cannot.
type unseekable struct {
	observed
	from bool // it can tell where it is
}

func (b *unseekable) Seek(_ int64, whence int) (int64, error) {
	if b.from && whence == io.SeekCurrent {
		return 0, nil
	}
	return 0, errors.New("a pipe")
}

func TestABodyThatOnlySaysItCanSeek(t *testing.T) {
	for _, from := range []bool{false, true} {
		p := replay{body: &unseekable{observed{Reader: strings.NewReader("xy")}, from}}
		p.next().Read(make([]byte, 1))
		if p.again(t.Context(), time.Now().Add(time.Minute)) {
			t.Errorf("sent again, from=%v", from)
		}
	}
}

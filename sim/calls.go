package sim

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/gudtech/scamp-sim/scamp"
	"github.com/gudtech/scamp-sim/scamp/discovery"
)

// A callRecord is what is known of one call. It is guarded by w.mu.
type callRecord struct {
	id        uint64
	requester string
	action    string
	began     time.Duration
	executed  int
	refused   int
	ended     int
	asked     body   // its own
	foreign   bool   // an attempt went to who is not of the world
	reply     body   // that its execution has made
	watch     *watch // over the connection of its last attempt; nil: it had none
}

// A body is what is known of one without keeping it.
type body struct {
	octets int
	sum    uint32
}

func bodyOf(b []byte) body { return body{len(b), crc32.ChecksumIEEE(b)} }

// A Call is a call that has ended.
type Call struct {
	Number      uint64
	Requester   string
	Action      string // as the requester names it
	Began, Took time.Duration
	Kind        Kind
	Octets      int // of the reply
	Err         error
}

// newCall begins a call.
func (w *World) newCall(requester, action string) *callRecord {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.callID++
	r := &callRecord{id: w.callID, requester: requester, action: action, began: w.Elapsed()}
	w.calls[r.id] = r
	return r
}

// executed notes that an instance executes a request.
func (w *World) executed(id uint64, host string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := w.calls[id]
	if r == nil {
		if len(w.old) == mostOld {
			return // it may have been forgotten
		}
		w.violated("%s executes a request that has ended, or that nobody has made: %d", host, id)
		return
	}
	if r.executed++; r.executed > 1 && !w.foul(r.requester) {
		w.stats.Duplicates++
		w.violatedBy(r, "call %d of %s is executed %d times, now by %s", id, r.requester, r.executed, host)
	}
}

// replies notes what the execution of a request replies.
func (w *World) replies(id uint64, b body) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if r := w.calls[id]; r != nil {
		r.reply = b
	}
}

// attempted notes over which connection a call is made.
func (w *World) attempted(r *callRecord, k *watch) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r.watch = k
}

// violatedBy is violated, with the last packets of the connection of a call.
func (w *World) violatedBy(r *callRecord, format string, args ...any) {
	v := Violation{What: fmt.Sprintf(format, args...)}
	if k := r.watch; k != nil {
		k.mu.Lock()
		v.Connection, v.Packets = k.id, k.trail.packets()
		k.mu.Unlock()
	}
	w.broke(v)
}

// refused notes that an instance refuses a request unexecuted.
func (w *World) refused(id uint64, host string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if r := w.calls[id]; r != nil {
		r.refused++
		w.stats.Refusals++
	}
}

// Kind is how a call ended.
type Kind string

// The ways in which calls end.
const (
	OK        Kind = "ok"
	NotFound  Kind = "not found"  // nobody offers the action
	Stale     Kind = "stale"      // the cache is too old
	Unsent    Kind = "unsent"     // it has certainly not been executed
	Lost      Kind = "lost"       // the connection ended under it
	TimedOut  Kind = "timed out"  // no reply in time
	Cancelled Kind = "cancelled"  // the caller gave up
	GivenUp   Kind = "given up"   // by the service, in the middle of the reply
	Refused   Kind = "refused"    // by the service, unexecuted
	Failed    Kind = "failed"     // an error reply
	Poisoned  Kind = "poisoned"   // a packet fault has changed the reply
	Other     Kind = "unexpected" // anything else
)

// Kinds returns the ways in which calls end, OK first.
func Kinds() []Kind {
	return []Kind{OK, NotFound, Stale, Unsent, Lost, TimedOut, Cancelled, GivenUp, Refused, Failed, Poisoned, Other}
}

// kindOf says how a call with this error has ended.
func kindOf(err error) Kind {
	if err == nil {
		return OK
	}
	return kindOfFailure(err)
}

func kindOfFailure(err error) Kind {
	var (
		nobody  *scamp.NoServiceError
		lost    *scamp.ConnectionError
		late    *scamp.TimeoutError
		given   *scamp.CanceledError
		aborted *scamp.AbortError
		reply   *scamp.ReplyError
	)
	switch {
	case errors.Is(err, errPoisoned):
		return Poisoned
	case errors.As(err, &nobody):
		return NotFound
	case errors.Is(err, discovery.ErrStale):
		return Stale
	case errors.As(err, &late):
		return TimedOut
	case errors.As(err, &given), errors.Is(err, context.Canceled):
		return Cancelled
	case errors.As(err, &aborted):
		return GivenUp
	case errors.As(err, &reply) && reply.NotExecuted():
		return Refused
	case errors.As(err, &reply):
		return Failed
	case errors.As(err, &lost) && !lost.Sent:
		return Unsent
	case lost != nil:
		return Lost
	}
	return Other
}

// errPoisoned is what a call ends with whose reply was changed on purpose.
var errPoisoned = errors.New("the reply was altered on its way")

// done ends a call, and looks at what must hold of it. id is that of the reply, own
// says that the reply is to this very request, and wrong what its judge has found.
func (w *World) done(r *callRecord, err error, id string, reply []byte, own bool, wrong error) {
	octets, got := len(reply), bodyOf(reply)
	w.mu.Lock()
	damaged := err == nil && (wrong != nil || (!own || r.executed > 0 && got != r.reply) && !r.foreign)
	if damaged && w.poisoned(r, id) {
		damaged, err = false, errPoisoned
	}
	kind := kindOf(err)
	took := w.Elapsed() - r.began
	if r.ended++; r.ended > 1 {
		w.violatedBy(r, "call %d of %s has ended %d times", r.id, r.requester, r.ended)
	}
	if err == nil && r.executed != 1 && !r.foreign && !w.foul(r.requester) {
		w.violatedBy(r, "call %d of %s succeeded, and was executed %d times", r.id, r.requester, r.executed)
	}
	switch {
	case damaged && wrong != nil:
		w.violatedBy(r, "call %d of %s to %s got a wrong reply: %v", r.id, r.requester, r.action, wrong)
	case damaged:
		w.violatedBy(r, "call %d of %s got a reply that is not its own, or damaged: %.80q", r.id, r.requester, reply)
	}
	if f := scamp.Failure(err); f != nil && f.NotExecuted() && r.executed > 0 && !w.foul(r.requester) {
		w.violatedBy(r, "call %d of %s was executed, although: %v", r.id, r.requester, err)
	}
	w.stats.add(r, kind, took, octets)
	if r.executed+r.refused > 1 {
		w.stats.Retries++
	}
	if kind == OK { // nothing more can become of it
		delete(w.calls, r.id)
	} else if w.real {
		w.age(r.id)
	}
	w.mu.Unlock()
	w.record("call %d of %s to %s %s after %v, %d octets", r.id, r.requester, r.action, kind, took, octets)
	if w.Ended != nil {
		w.Ended(Call{Number: r.id, Requester: r.requester, Action: r.action, Began: r.began, Took: took, Kind: kind, Octets: octets, Err: err})
	}
}

// mostOld is how many calls that failed are remembered in real time, which may go on
// for ever: one of them may still be executed.
const mostOld = 100_000

// age remembers a call that failed, and forgets the one that has been remembered the
// longest. w.mu is held.
func (w *World) age(id uint64) {
	if len(w.old) == mostOld {
		delete(w.calls, w.old[0])
		w.old = w.old[1:]
	}
	w.old = append(w.old, id)
}

// judgeCalls looks at what is left at the end. w.mu is held.
func (w *World) judgeCalls() {
	for _, r := range w.calls {
		if r.ended == 0 {
			w.violatedBy(r, "call %d of %s has not ended", r.id, r.requester)
		}
	}
}

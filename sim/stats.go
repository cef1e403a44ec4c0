package sim

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
	"time"
)

// Stats are the numbers of a run.
type Stats struct {
	Actions     []ActionStats // sorted by name; complete when the run has ended
	Calls       int
	Refusals    int // requests that services refused unexecuted
	Retries     int // calls that more than one instance has seen
	Duplicates  int // executions of a request that had been executed before
	Connections int // that requesters have made
	Dials       int // attempts to make them

	// Outside are the requests that others have made than the world's requesters: the
	// Programs, and programs of the operating system. They are sorted by instance,
	// action and kind.
	Outside []OutsideStats

	byAction map[string]*ActionStats
	outside  map[outsideKey]int
}

// OutsideStats are how many requests of others an instance has answered in one way: OK, Failed, Refused, GivenUp; or Cancelled, when the caller
// went away first.
type OutsideStats struct {
	Instance, Action string
	Kind             Kind
	Requests         int
}

type outsideKey struct {
	instance, action string
	kind             Kind
}

// ActionStats are those of the calls of one action.
type ActionStats struct {
	Action  string
	Calls   int
	Kinds   map[Kind]int
	Octets  int // of replies
	Latency Histogram
}

func (s *Stats) init() { s.byAction, s.outside = map[string]*ActionStats{}, map[outsideKey]int{} }

func (s *Stats) add(r *callRecord, kind Kind, took time.Duration, octets int) {
	a := s.byAction[r.action]
	if a == nil {
		a = &ActionStats{Action: r.action, Kinds: map[Kind]int{}}
		s.byAction[r.action] = a
	}
	s.Calls++
	a.Calls++
	a.Kinds[kind]++
	a.Octets += octets
	if kind == OK {
		a.Latency.Add(took)
	}
}

// complete makes the lists.
func (s *Stats) complete() {
	s.Actions, s.Outside = nil, nil
	for k, n := range s.outside {
		s.Outside = append(s.Outside, OutsideStats{k.instance, k.action, k.kind, n})
	}
	slices.SortFunc(s.Outside, func(a, b OutsideStats) int {
		return cmp.Or(cmp.Compare(a.Instance, b.Instance), cmp.Compare(a.Action, b.Action), cmp.Compare(a.Kind, b.Kind))
	})
	for _, a := range s.byAction {
		s.Actions = append(s.Actions, *a)
	}
	slices.SortFunc(s.Actions, func(a, b ActionStats) int { return cmp.Compare(a.Action, b.Action) })
}

// Action returns the numbers of one action.
func (s *Stats) Action(name string) ActionStats {
	if a := s.byAction[name]; a != nil {
		return *a
	}
	return ActionStats{Action: name}
}

// Success is the share of calls that succeeded, from 0 to 1; without calls 1.
func (a *ActionStats) Success() float64 {
	if a.Calls == 0 {
		return 1
	}
	return float64(a.Kinds[OK]) / float64(a.Calls)
}

// A Histogram counts durations. What it tells of them is at most a sixteenth too long.
type Histogram struct {
	counts []int // by octave and sixteenth of it
	total  int
	most   time.Duration
	sum    time.Duration
}

const perOctave = 16

// Add counts a duration.
func (h *Histogram) Add(d time.Duration) {
	h.total++
	h.sum += d
	h.most = max(h.most, d)
	i := bucket(d)
	for len(h.counts) <= i {
		h.counts = append(h.counts, 0)
	}
	h.counts[i]++
}

// Merge counts what another one has counted, too.
func (h *Histogram) Merge(o *Histogram) {
	h.total += o.total
	h.sum += o.sum
	h.most = max(h.most, o.most)
	for len(h.counts) < len(o.counts) {
		h.counts = append(h.counts, 0)
	}
	for i, n := range o.counts {
		h.counts[i] += n
	}
}

// bucket is the place of a duration: in units of a microsecond, each octave in
// sixteen parts.
func bucket(d time.Duration) int {
	us := uint64(max(d/time.Microsecond, 0))
	if us < perOctave {
		return int(us)
	}
	octave := bits.Len64(us) - 5 // the sixteen values from 16<<octave on
	return perOctave*(octave+1) + int(us>>octave) - perOctave
}

// top is the largest duration of a bucket.
func top(i int) time.Duration {
	if i < perOctave {
		return time.Duration(i+1) * time.Microsecond
	}
	octave := i/perOctave - 1
	return time.Duration(uint64(i%perOctave+perOctave+1)<<octave) * time.Microsecond
}

// AtMost is how many durations were not longer than d, as far as the histogram can
// tell.
func (h *Histogram) AtMost(d time.Duration) (n int) {
	for i, count := range h.counts {
		if top(i) > d {
			break
		}
		n += count
	}
	return n
}

// Sum is all durations together.
func (h *Histogram) Sum() time.Duration { return h.sum }

// Count is how many durations there are.
func (h *Histogram) Count() int { return h.total }

// Max is the longest.
func (h *Histogram) Max() time.Duration { return h.most }

// Mean is the average.
func (h *Histogram) Mean() time.Duration {
	if h.total == 0 {
		return 0
	}
	return h.sum / time.Duration(h.total)
}

// Quantile is the duration that a share q, from 0 to 1, does not exceed.
func (h *Histogram) Quantile(q float64) time.Duration {
	rest := int(math.Ceil(q * float64(h.total)))
	for i, n := range h.counts {
		if rest -= n; rest <= 0 && n > 0 {
			return min(top(i), h.most)
		}
	}
	return h.most
}

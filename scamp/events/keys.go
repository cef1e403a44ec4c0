package events

import (
	"cmp"
	"slices"
)

// keys are the keys that are set as far as a subscriber knows, each with the subscription in which it was heard of last: so
// that keys that have gone between two subscriptions are noticed.
type keys struct {
	at     map[place]int
	round  int
	octets int // of the names
}

// A place is where a value is.
type place struct{ code, key string }

// begin begins a subscription.
func (k *keys) begin() {
	k.round++
	if k.at == nil {
		k.at = map[place]int{}
	}
}

// put takes note of an event.
func (k *keys) put(e Event) {
	p := place{e.Code, e.Key}
	if e.Value == nil {
		k.remove(p)
		return
	}
	if _, ok := k.at[p]; !ok {
		k.octets += len(p.code) + len(p.key)
	}
	k.at[p] = k.round
}

func (k *keys) remove(p place) {
	if _, ok := k.at[p]; ok {
		k.octets -= len(p.code) + len(p.key)
		delete(k.at, p)
	}
}

// gone forgets the keys that this subscription has not told of, and returns them in order.
func (k *keys) gone() (gone []Event) {
	for p, round := range k.at {
		if round != k.round {
			gone = append(gone, Event{Code: p.code, Key: p.key})
			k.remove(p)
		}
	}
	slices.SortFunc(gone, func(a, b Event) int { return cmp.Or(cmp.Compare(a.Code, b.Code), cmp.Compare(a.Key, b.Key)) })
	return gone
}

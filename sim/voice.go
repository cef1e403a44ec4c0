package sim

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/gudtech/scamp-sim/fixtures"
	"github.com/gudtech/scamp-sim/scamp/discovery"
	"github.com/gudtech/scamp-sim/sim/simnet"
)

// A voice is somebody of a program who announces himself. It is guarded by w.mu.
type voice struct {
	host    string
	clock   discovery.Clock
	changes []change
	silent  time.Duration // since when; 0: he is not
}

// Announce announces a service of the host that serves where a.URI says, until quiet
// is called; caches forget it some time later. Of a its Ident, its URI and its Actions
// are needed; a Weight of 0 is 1, and a negative one takes no calls. It is signed with
// the key of the world's services, and has their fingerprint.
func (p *Program) Announce(announcement *discovery.Announcement) (quiet func(), err error) {
	own := *announcement
	a := &own
	if a.Ident == "" || a.URI == "" || len(a.Actions) == 0 {
		return nil, errors.New("sim: an announcement needs an Ident, a URI and Actions")
	}
	w := p.w
	a.Fingerprint, a.Sector = fixtures.Fingerprint("server"), cmp.Or(a.Sector, "main")
	a.Weight, a.Interval = max(cmp.Or(a.Weight, 1), 0), cmp.Or(a.Interval, 5000)
	if len(a.Envelopes) == 0 {
		a.Envelopes = []string{"json"}
	}
	now := p.host.Now()
	w.mu.Lock()
	v := w.voices[identity(a)]
	if v == nil {
		v = &voice{host: p.host.Name()}
	}
	if v.host != p.host.Name() {
		w.mu.Unlock()
		return nil, fmt.Errorf("sim: %s is announced by %s already", a.Ident, v.host)
	}
	a.Timestamp = v.clock.Next(now)
	w.mu.Unlock()
	packet, err := signers()["server"].Sign(a, discovery.FormAuto)
	if err != nil {
		return nil, fmt.Errorf("sim: %s cannot be announced: %w", a.Ident, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.voices == nil {
		w.voices = map[string]*voice{}
	}
	w.voices[identity(a)] = v
	v.changes = append(v.changes, change{at: w.Elapsed(), packet: packet})
	v.silent = 0
	w.cacheState.version++
	said := len(v.changes)
	return func() { w.silence(v, said) }, nil
}

// silence lets a voice announce nothing any more, unless it has said something else
// since.
func (w *World) silence(v *voice, said int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if v.silent != 0 || len(v.changes) != said {
		return
	}
	v.silent = max(w.Elapsed(), 1)
	go func() { // then healthy caches forget it
		if simnet.Pause(w.stop, expiry+1) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.cacheState.version++
		}
	}()
}

// saying returns the packets of programs that a cache file of a moment has. w.mu is
// held.
func (w *World) saying(at time.Duration) (packets [][]byte) {
	for _, id := range slices.Sorted(maps.Keys(w.voices)) {
		v := w.voices[id]
		var packet []byte
		for _, c := range v.changes {
			if c.at <= at {
				packet = c.packet
			}
		}
		if packet != nil && (v.silent == 0 || at-v.silent <= expiry) {
			packets = append(packets, packet)
		}
	}
	return packets
}

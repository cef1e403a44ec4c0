package scenario

import (
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/gudtech/scamp-sim/sim"
)

// breakCaches breaks the caches of the fault's requesters.
func (p *play) breakCaches(f *fault) (begin, end func()) {
	begin = func() {
		for _, host := range f.hosts {
			p.setCache(host, p.cacheFault(f, host))
		}
	}
	return begin, func() {
		for _, host := range f.hosts {
			p.setCache(host, sim.CacheFault{})
		}
	}
}

func (p *play) setCache(host string, f sim.CacheFault) {
	if host == sim.Outside {
		p.w.SetOutsideCache(f)
	} else {
		p.requesters[host].SetCache(f)
	}
}

func (p *play) cacheFault(f *fault, host string) sim.CacheFault {
	c := sim.CacheFault{Name: f.name}
	random := rand.New(rand.NewPCG(p.o.Seed, hash(f.name+" "+host)))
	switch f.kind {
	case "missing":
		c.Missing = true
	case "stale":
		c.Stopped = true
	case "frozen":
		c.Frozen = true
	case "lag":
		c.Lag = f.by
	case "torn": // the writer has not come to its end
		c.Damage = func(b []byte) []byte { return b[:random.IntN(len(b)+1)] }
	case "corrupt":
		c.Damage = func(b []byte) []byte {
			for range 1 + len(b)/1000 {
				if len(b) > 0 {
					b[random.IntN(len(b))] ^= byte(1 << random.IntN(8))
				}
			}
			return b
		}
	case "forged": // somebody else's addresses, under the old signatures
		c.Damage = func(b []byte) []byte {
			return []byte(strings.NewReplacer("10.0.", "10.9.", "127.0.", "127.9.").Replace(string(b)))
		}
	case "split":
		c.Only = func(in *sim.Instance) bool { return slices.Contains(f.known, in.Host()) }
	}
	return c
}

// hash makes a number of a name.
func hash(name string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(name) {
		h = (h ^ uint64(name[i])) * 1099511628211
	}
	return h
}

package scenario

import (
	"slices"

	"github.com/gudtech/scamp-sim/sim"
	"github.com/gudtech/scamp-sim/sim/simnet"
)

// held is how much has been held on the links of a fault.
func (p *play) held(f *fault) (n int) {
	p.each(f.from, f.to, f.oneWay, func(l *simnet.Link, from *simnet.Host) {
		n += p.counts(l, from, func(c simnet.Counts) int { return c.Held })
	})
	return n
}

// counts adds up something of a direction of a link, or of both.
func (p *play) counts(l *simnet.Link, from *simnet.Host, what func(simnet.Counts) int) int {
	if from != nil {
		return what(l.Counts(from))
	}
	a, b := l.Ends()
	return what(l.Counts(a)) + what(l.Counts(b))
}

func (p *play) partition(f *fault, counted *sim.Fault) (begin, end func()) {
	var heal []func()
	begin = func() {
		before := p.held(f)
		p.w.Measure(counted, func() int { return p.held(f) - before })
		p.each(f.from, f.to, f.oneWay, func(l *simnet.Link, from *simnet.Host) {
			if from == nil {
				heal = append(heal, l.Partition())
			} else {
				heal = append(heal, l.PartitionFrom(from))
			}
		})
		p.note(f, "begins")
	}
	return begin, func() {
		if heal == nil {
			return
		}
		p.w.Measured(counted)
		for _, h := range heal {
			h()
		}
		p.note(f, "is over")
	}
}

func (p *play) reprofile(f *fault, counted *sim.Fault) (begin, end func()) {
	passed := func() (n int) {
		p.each(f.from, f.to, f.oneWay, func(l *simnet.Link, from *simnet.Host) {
			n += p.counts(l, from, func(c simnet.Counts) int { return c.Segments + c.Datagrams })
		})
		return n
	}
	begun := false
	begin = func() {
		begun = true
		before := passed()
		p.w.Measure(counted, func() int { return passed() - before })
		p.each(f.from, f.to, f.oneWay, func(l *simnet.Link, from *simnet.Host) { setProfile(l, from, f.profile.Profile) })
		p.note(f, "begins")
	}
	return begin, func() {
		if !begun {
			return
		}
		p.w.Measured(counted)
		p.each(f.from, f.to, f.oneWay, func(l *simnet.Link, from *simnet.Host) { p.restore(l, from) })
		p.note(f, "is over")
	}
}

// restore gives a link the profile that the file says.
func (p *play) restore(l *simnet.Link, from *simnet.Host) {
	a, b := l.Ends()
	for _, way := range [][2]*simnet.Host{{a, b}, {b, a}} {
		if from != nil && from != way[0] {
			continue
		}
		profile := p.s.link.Profile
		for i := range p.s.links {
			r := &p.s.links[i]
			there := slices.Contains(r.from, way[0].Name()) && slices.Contains(r.to, way[1].Name())
			back := slices.Contains(r.from, way[1].Name()) && slices.Contains(r.to, way[0].Name())
			if there || back && !r.oneWay {
				profile = r.profile.Profile
			}
		}
		l.SetProfileFrom(way[0], profile)
	}
}

package simnet

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// A Profile says how one direction of a link treats what passes. The zero
// Profile passes everything at once.
type Profile struct {
	// Latency is how long an octet takes.
	Latency time.Duration
	// Jitter is added to it: at random, in the way that Spread says.
	Jitter time.Duration
	// Spread is how Jitter is distributed.
	Spread Spread
	// Bandwidth is how many octets pass in a second, for all streams together; 0 is
	// no limit.
	Bandwidth int
	// Buffer is how many octets of a stream may be on their way or unread: 0 is
	// 256 KiB. A writer waits beyond it.
	Buffer int
	// Segment is the largest piece in which octets of a stream arrive, down to 1;
	// 0 is as they were written.
	Segment int
	// Loss is the probability, from 0 to 1, that a segment of a stream is lost. It
	// arrives later: streams lose nothing. A datagram is gone.
	Loss float64
	// Retransmit is how much later a lost segment arrives at first; it doubles while
	// the segment is lost again. 0 is 200 ms.
	Retransmit time.Duration
	// Duplicate is the probability that a datagram arrives twice.
	Duplicate float64
	// Reorder is the probability that a datagram is overtaken: it takes up to four
	// times its latency and jitter longer.
	Reorder float64
}

// Spread is a distribution of delays.
type Spread string

// The distributions of a delay with the parameter d.
const (
	Uniform     Spread = ""            // from 0 to d
	Normal      Spread = "normal"      // around d with a deviation of d/4, from 0 to 2d
	Exponential Spread = "exponential" // d on average, at most 10d
	Pareto      Spread = "pareto"      // mostly far below d, sometimes far above; at most 100d
)

// presets are well-known links.
var presets = map[string]Profile{
	"lan":       {Latency: 200 * time.Microsecond, Jitter: 50 * time.Microsecond, Bandwidth: 125 << 20},
	"wan":       {Latency: 40 * time.Millisecond, Jitter: 5 * time.Millisecond, Spread: Exponential, Bandwidth: 12 << 20, Loss: 0.0005},
	"3g":        {Latency: 100 * time.Millisecond, Jitter: 60 * time.Millisecond, Spread: Exponential, Bandwidth: 96 << 10, Buffer: 64 << 10, Loss: 0.01, Retransmit: 400 * time.Millisecond},
	"satellite": {Latency: 300 * time.Millisecond, Jitter: 20 * time.Millisecond, Spread: Normal, Bandwidth: 512 << 10, Loss: 0.002, Retransmit: time.Second},
	"awful": {
		Latency: 150 * time.Millisecond, Jitter: 300 * time.Millisecond, Spread: Pareto, Bandwidth: 32 << 10, Buffer: 16 << 10, Segment: 536,
		Loss: 0.05, Retransmit: 500 * time.Millisecond, Duplicate: 0.02, Reorder: 0.05,
	},
}

// Preset returns a well-known profile: lan, wan, 3g, satellite or awful.
func Preset(name string) (Profile, error) {
	p, ok := presets[name]
	if !ok {
		return p, fmt.Errorf("simnet: no preset %q; there are %s", name, strings.Join(PresetNames(), ", "))
	}
	return p, nil
}

// PresetNames returns the names that Preset takes, sorted.
func PresetNames() []string {
	names := make([]string, 0, len(presets))
	for name := range presets {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Check says what is wrong with the profile.
func (p *Profile) Check() error {
	probability := func(name string, f float64) error {
		if math.IsNaN(f) || f < 0 || f > 1 {
			return fmt.Errorf("simnet: %s is %v, not a probability from 0 to 1", name, f)
		}
		return nil
	}
	for _, c := range []struct {
		name string
		n    int64
	}{
		{"latency", int64(p.Latency)}, {"jitter", int64(p.Jitter)}, {"bandwidth", int64(p.Bandwidth)},
		{"buffer", int64(p.Buffer)}, {"segment", int64(p.Segment)}, {"retransmit", int64(p.Retransmit)},
	} {
		if c.n < 0 {
			return fmt.Errorf("simnet: %s is negative", c.name)
		}
	}
	switch p.Spread {
	case Uniform, Normal, Exponential, Pareto:
	default:
		return fmt.Errorf("simnet: no distribution %q; there are normal, exponential and pareto", p.Spread)
	}
	if p.Loss == 1 {
		return fmt.Errorf("simnet: a loss of 1 lets nothing pass; that is a partition")
	}
	for name, f := range map[string]float64{"loss": p.Loss, "duplicate": p.Duplicate, "reorder": p.Reorder} {
		if err := probability(name, f); err != nil {
			return err
		}
	}
	return nil
}

// jitter draws a delay.
func (p *Profile) jitter(r *rand.Rand) time.Duration {
	d := float64(p.Jitter)
	if d == 0 {
		return 0
	}
	switch p.Spread {
	case Normal:
		d = min(max(d+r.NormFloat64()*d/4, 0), 2*d)
	case Exponential:
		d = min(r.ExpFloat64()*d, 10*d)
	case Pareto:
		d = min(d*0.25*(math.Pow(1-r.Float64(), -1/1.5)-1), 100*d)
	default:
		d *= r.Float64()
	}
	return time.Duration(d)
}

// lost draws how much later a segment arrives because it was lost, again and
// again.
func (p *Profile) lost(r *rand.Rand) (d time.Duration, times int) {
	wait := p.Retransmit
	if wait == 0 {
		wait = 200 * time.Millisecond
	}
	for times = 0; times < 10 && p.Loss > 0 && r.Float64() < p.Loss; times++ {
		d += wait
		wait *= 2
	}
	return d, times
}

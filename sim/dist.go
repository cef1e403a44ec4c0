package sim

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

// A Dist is a distribution of durations, or of sizes in octets. The zero Dist is 0.
type Dist struct {
	Shape Shape
	Mean  float64 // nanoseconds, or octets; of Between the least
	Most  float64 // of Between
}

// Shape is how a Dist spreads.
type Shape int

// The shapes of distributions.
const (
	Always      Shape = iota // the mean
	Evenly                   // from Mean to Most
	Exponential              // with this mean, at most 10 times that
	Heavy                    // with a median of Mean, now and then 100 times that
)

// Exactly is always d.
func Exactly(d time.Duration) Dist { return Dist{Mean: float64(d)} }

// Between is evenly spread from a to b.
func Between(a, b time.Duration) Dist { return Dist{Evenly, float64(a), float64(b)} }

// Around is exponential with the mean d.
func Around(d time.Duration) Dist { return Dist{Shape: Exponential, Mean: float64(d)} }

// Octets is always n octets.
func Octets(n int) Dist { return Dist{Mean: float64(n)} }

// OctetsBetween is evenly spread from a to b octets.
func OctetsBetween(a, b int) Dist { return Dist{Evenly, float64(a), float64(b)} }

func (d Dist) draw(r *rand.Rand) float64 {
	switch d.Shape {
	case Evenly:
		return d.Mean + r.Float64()*(d.Most-d.Mean)
	case Exponential:
		return min(r.ExpFloat64()*d.Mean, 10*d.Mean)
	case Heavy:
		return min(d.Mean*math.Exp(1.5*r.NormFloat64()), 100*d.Mean)
	}
	return d.Mean
}

// most is the longest duration that is drawn.
func (d Dist) most() time.Duration {
	switch d.Shape {
	case Evenly:
		return time.Duration(d.Most)
	case Exponential:
		return time.Duration(10 * d.Mean)
	case Heavy:
		return time.Duration(100 * d.Mean)
	}
	return time.Duration(d.Mean)
}

// Duration draws a duration. It has some nanoseconds more, so that two who draw the
// same do not act at the same instant.
func (d Dist) Duration(r *rand.Rand) time.Duration {
	return time.Duration(d.draw(r)) + time.Duration(r.IntN(1000)) + 1
}

func (d Dist) size(r *rand.Rand) int { return int(d.draw(r)) }

func (d Dist) check(what string) error {
	for _, f := range []float64{d.Mean, d.Most} {
		if math.IsNaN(f) || math.IsInf(f, 0) || f < 0 {
			return fmt.Errorf("sim: %s is negative, or no number", what)
		}
	}
	if d.Shape == Evenly && d.Most < d.Mean {
		return fmt.Errorf("sim: %s ends before it begins", what)
	}
	return nil
}

package page

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/gudtech/scamp-sim/sim"
)

// The charts are drawn in these units.
const (
	chartWidth  = 760.0
	chartLeft   = 56.0
	chartRight  = 18.0
	chartTop    = 22.0
	latencyHigh = 220.0
	callsHigh   = 150.0
	chartBottom = 22.0
)

// A chart is a picture with the time to the right.
type chart struct {
	Width, Height float64
	Left, Right   float64 // of the plot
	Top, Bottom   float64
	X, Y          []tick
	Bands         []band
	Lines         []line
	Bars          []bar
	Legend        []legend
}

type tick struct {
	At   float64
	Text string
}

// A band is a fault.
type band struct {
	X, Width float64
	Mark     mark
	Title    string
}

// Middle is the line of a text beside the tick.
func (t tick) Middle() float64 { return t.At + 4 }

// High is the height of the plot; Before and Below are where the texts of its sides
// stand.
func (c *chart) High() float64   { return c.Bottom - c.Top }
func (c *chart) Before() float64 { return c.Left - 6 }
func (c *chart) Below() float64  { return c.Bottom + 17 }

// mostBands is how many faults are in a chart.
const mostBands = 60

type line struct{ Class, Path string }

type bar struct {
	X, Y, Width, Height float64
	Class, Title        string
}

type legend struct{ Class, Text string }

func (r *Recorder) x(at time.Duration) float64 {
	return chartLeft + (chartWidth-chartLeft-chartRight)*min(float64(at)/float64(r.duration), 1)
}

// frame is a chart with its time and faults, and nothing else.
func (r *Recorder) frame(height float64) *chart {
	c := &chart{Width: chartWidth, Height: height, Left: chartLeft, Right: chartWidth - chartRight, Top: chartTop, Bottom: height - chartBottom}
	step := stepOf(r.duration)
	for at := time.Duration(0); at <= r.duration; at += step {
		c.X = append(c.X, tick{r.x(at), shortly(at)})
	}
	const row = 18
	rows := [3]float64{} // where the last number of each row ends
	for i, f := range r.plan.Faults[:min(len(r.plan.Faults), mostBands)] {
		b := band{X: r.x(f.At), Title: f.Name}
		b.Width = max(r.x(f.Until)-b.X, 2)
		b.Mark = mark{X: min(b.X+9, c.Right-9), Number: i + 1, Title: f.Name}
		place := 0
		for place < len(rows)-1 && rows[place] > b.Mark.X-9 {
			place++
		}
		rows[place] = b.Mark.X + 9
		b.Mark.Y = c.Top + row*(float64(place)-0.4)
		c.Bands = append(c.Bands, b)
	}
	return c
}

// stepOf is a round time of which there are at most ten in d.
func stepOf(d time.Duration) time.Duration {
	for unit := time.Microsecond; ; unit *= 10 {
		if unit == 10*time.Second {
			break
		}
		for _, n := range []time.Duration{1, 2, 5} {
			if d/(n*unit) <= 10 {
				return n * unit
			}
		}
	}
	for _, s := range []time.Duration{10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600} {
		if d/(s*time.Second) <= 10 {
			return s * time.Second
		}
	}
	return max(d/10, 1).Round(time.Hour) + time.Hour
}

// shortly is a time without zeros at its end.
func shortly(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// latencies is the chart of latencies, on a logarithmic scale; nil if no call
// succeeded.
func (r *Recorder) latencies() *chart {
	c := r.frame(latencyHigh)
	parts := r.parts()
	least, most := time.Duration(math.MaxInt64), time.Duration(0)
	for i := range parts {
		if h := &parts[i]; h.Count() > 0 {
			least, most = min(least, h.Quantile(0.5)), max(most, h.Quantile(0.99))
		}
	}
	if most == 0 {
		return nil
	}
	low, high := math.Floor(math.Log10(float64(least))), math.Ceil(math.Log10(float64(most)))
	if high <= low {
		high = low + 1
	}
	y := func(d time.Duration) float64 {
		share := (math.Log10(max(float64(d), 1)) - low) / (high - low)
		return c.Bottom - (c.Bottom-c.Top)*min(max(share, 0), 1)
	}
	for e := low; e <= high; e++ {
		for _, n := range []time.Duration{1, 2, 5} {
			if d := n * time.Duration(math.Pow(10, e)); n == 1 || high-low <= 2 && e < high {
				c.Y = append(c.Y, tick{y(d), shortly(d)})
			}
		}
	}
	for _, q := range []struct {
		share       float64
		class, text string
	}{{0.99, "p99", "p99"}, {0.9, "p90", "p90"}, {0.5, "p50", "p50"}} {
		var path strings.Builder
		pen := "M"
		for i := range parts {
			h := &parts[i]
			if h.Count() == 0 {
				pen = "M"
				continue
			}
			at := r.x(r.duration * time.Duration(2*i+1) / time.Duration(2*len(parts)))
			fmt.Fprintf(&path, "%s%.1f %.1f", pen, at, y(h.Quantile(q.share)))
			if pen == "M" { // a point alone is seen, too
				path.WriteString("h0.1")
			}
			pen = "L"
		}
		c.Lines = append(c.Lines, line{q.class, path.String()})
		c.Legend = append(c.Legend, legend{q.class, q.text})
	}
	return c
}

// parts are the latencies of parts of the time: so many that each has some calls, or
// quantiles would say nothing.
func (r *Recorder) parts() []sim.Histogram {
	const enough, least = 25, 20
	n := 0
	for i := range r.bins {
		n += r.bins[i].latency.Count()
	}
	together := 1
	for _, t := range []int{2, 3, 4, 6} {
		if n*together/bins < enough && bins/t >= least {
			together = t
		}
	}
	parts := make([]sim.Histogram, bins/together)
	for i := range r.bins {
		parts[i/together].Merge(&r.bins[i].latency)
	}
	return parts
}

// calls is the chart of how calls ended.
func (r *Recorder) calls() *chart {
	c := r.frame(callsHigh)
	most := 0
	seen := map[sim.Kind]bool{}
	for i := range r.bins {
		n := 0
		for k, m := range r.bins[i].kinds {
			n += m
			seen[k] = true
		}
		most = max(most, n)
	}
	if most == 0 {
		return nil
	}
	top := roundUp(most)
	high := func(n int) float64 { return (c.Bottom - c.Top) * float64(n) / float64(top) }
	for _, n := range []int{0, top / 2, top} {
		if n > 0 || len(c.Y) == 0 {
			c.Y = append(c.Y, tick{c.Bottom - high(n), fmt.Sprint(n)})
		}
	}
	width := (c.Right - c.Left) / bins
	for i := range r.bins {
		below := 0
		from := r.duration * time.Duration(i) / bins
		for k, kind := range sim.Kinds() {
			n := r.bins[i].kinds[kind]
			if n == 0 {
				continue
			}
			below += n
			c.Bars = append(c.Bars, bar{r.x(from), c.Bottom - high(below), width * 0.92, high(n), fmt.Sprintf("k%d", k),
				fmt.Sprintf("%d %s, from %v", n, kind, from.Round(time.Millisecond))})
		}
	}
	for k, kind := range sim.Kinds() {
		if seen[kind] {
			c.Legend = append(c.Legend, legend{fmt.Sprintf("k%d", k), string(kind)})
		}
	}
	return c
}

// roundUp is an even number of at least n with one digit that is not zero.
func roundUp(n int) int {
	for unit := 1; ; unit *= 10 {
		for _, m := range []int{2, 3, 4, 5, 6, 8, 10} {
			if m*unit >= n && m*unit%2 == 0 {
				return m * unit
			}
		}
	}
}

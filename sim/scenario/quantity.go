package scenario

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/gudtech/scamp-sim/sim"
)

// The most that a file can ask for.
const (
	longest = 1000 * time.Hour
	largest = 48 << 20 // octets of a body
)

// parseDuration reads a time such as 20ms or 1h30m. Zero needs no unit.
func parseDuration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(strings.ReplaceAll(text, " ", ""))
	switch {
	case err != nil:
		if _, e := strconv.ParseFloat(text, 64); e == nil {
			return 0, fmt.Errorf("%s has no unit: write %ss, or %sms", text, text, text)
		}
		return 0, fmt.Errorf("%q is not a time such as 20ms, 5s or 1h30m", abridged(text))
	case d > longest || d < -longest:
		return 0, fmt.Errorf("%s is longer than %v", text, longest)
	}
	return d, nil
}

var sizeUnits = []struct {
	name   string
	octets float64
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"KB", 1e3}, {"B", 1}, {"", 1}}

// parseSize reads a number of octets such as 1500, 64KiB or 1.5MiB.
func parseSize(text string) (float64, error) {
	for _, u := range sizeUnits {
		number, ok := strings.CutSuffix(text, u.name)
		if !ok {
			continue
		}
		f, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			break
		}
		if f < 0 {
			return 0, fmt.Errorf("%s is below 0", text)
		}
		return math.Floor(f * u.octets), nil
	}
	return 0, fmt.Errorf("%q is not a size such as 1500, 64KiB or 1MiB", abridged(text))
}

// parseShare reads a probability such as 5% or 0.05.
func parseShare(text string) (float64, error) {
	number, percent := strings.CutSuffix(text, "%")
	f, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err != nil || math.IsNaN(f) {
		return 0, fmt.Errorf("%q is not a share such as 5%% or 0.05", abridged(text))
	}
	if percent {
		f /= 100
	}
	if f < 0 || f > 1 {
		return 0, fmt.Errorf("%s is not from 0%% to 100%%", text)
	}
	return f, nil
}

// parseDist reads a distribution, whose quantities unit reads and that never
// exceeds most.
func parseDist(text string, unit func(string) (float64, error), most float64, example string) (d sim.Dist, err error) {
	word, rest, _ := strings.Cut(text, " ")
	rest = strings.TrimSpace(rest)
	top := 1.0
	switch word {
	case "exactly":
	case "around":
		d.Shape, top = sim.Exponential, 10
	case "heavy":
		d.Shape, top = sim.Heavy, 100
	case "between":
		d.Shape = sim.Evenly
		from, to, ok := strings.Cut(rest, " and ")
		if !ok {
			return d, fmt.Errorf("%q has two ends: between %s", abridged(text), example)
		}
		var e error
		d.Mean, err = unit(strings.TrimSpace(from))
		d.Most, e = unit(strings.TrimSpace(to))
		if err = errors.Join(err, e); err == nil && d.Most < d.Mean {
			err = fmt.Errorf("%q ends before it begins", abridged(text))
		}
		if err == nil && d.Most > most {
			err = fmt.Errorf("%q can be more than is possible here", abridged(text))
		}
		return d, err
	default:
		rest = text
	}
	if d.Mean, err = unit(rest); err != nil {
		if strings.Contains(text, " ") && word != "exactly" && word != "around" && word != "heavy" {
			err = fmt.Errorf("%q should begin with exactly, around, heavy or between", abridged(text))
		}
		return d, err
	}
	if d.Mean*top > most {
		err = fmt.Errorf("%q can be %v times as much, more than is possible here", abridged(text), top)
	}
	return d, err
}

func parseTimes(text string) (sim.Dist, error) {
	return parseDist(text, func(s string) (float64, error) {
		d, err := parseDuration(s)
		if err == nil && d < 0 {
			err = fmt.Errorf("%s is below 0", s)
		}
		return float64(d), err
	}, float64(longest), "1ms and 5ms")
}

func parseSizes(text string) (sim.Dist, error) {
	return parseDist(text, parseSize, largest, "0 and 64KiB")
}

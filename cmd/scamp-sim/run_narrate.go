package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/gudtech/scamp-sim/sim"
	"github.com/gudtech/scamp-sim/sim/scenario"
)

// narrate lets a run tell what happens, with the time since it began. What it returns
// tells something else.
func narrate(w io.Writer, o *scenario.Options, began time.Time) (say func(at time.Duration, text string)) {
	var mu sync.Mutex
	say = func(at time.Duration, text string) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(w, "%12.6f  %s\n", at.Seconds(), visible(text))
	}
	o.Noted = say
	o.Ended = func(c sim.Call) {
		if c.Err != nil {
			say(c.Began+c.Took, fmt.Sprintf("call %d of %s to %s, after %v: %v", c.Number, c.Requester, c.Action, c.Took.Round(time.Microsecond), c.Err))
		}
	}
	o.Logger = slog.New(&logLines{say: say, began: began, level: slog.LevelWarn})
	return say
}

// logLines is a handler that writes records as lines, with the time of the run.
type logLines struct {
	say   func(time.Duration, string)
	began time.Time
	level slog.Level
	attrs string
}

func (l *logLines) Enabled(_ context.Context, level slog.Level) bool { return level >= l.level }

// beginning is when the clock of virtual time begins.
var beginning = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func (l *logLines) Handle(_ context.Context, r slog.Record) error {
	text := "log: " + r.Message + l.attrs
	r.Attrs(func(a slog.Attr) bool {
		text += " " + a.String()
		return true
	})
	l.say(r.Time.Sub(l.began), text)
	return nil
}

func (l *logLines) WithAttrs(attrs []slog.Attr) slog.Handler {
	more := *l
	for _, a := range attrs {
		more.attrs += " " + a.String()
	}
	return &more
}

func (l *logLines) WithGroup(string) slog.Handler { return l }

package discovery

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// A manager that is killed and started again a thousand times loses nobody: a reader that looks every five seconds finds every live
// service at all times (DISC-CMG-04a, DISC-CCH-09).
func TestRestartsLoseNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		restarts := 1000
		if raceDetector { // which takes long, and sees in each restart what it sees in all
			restarts = 100
		}
		rng := rand.New(rand.NewPCG(15, 1000))
		g := new(group)
		s := &shelf{}
		var idents []string
		for i := range 8 {
			ident := fmt.Sprint("service", i)
			idents = append(idents, ident)
			time.Sleep(time.Duration(rng.IntN(700)) * time.Millisecond)
			running(t, announcer(g.join(ident), ident).Run)
		}
		running(t, func(ctx context.Context) { // services come and go beside them
			for i := 0; ctx.Err() == nil; i++ {
				ident := fmt.Sprint("transient", i)
				p := g.join(ident)
				life, cancel := context.WithTimeout(ctx, time.Duration(20+i%50)*time.Second)
				announcer(p, ident).Run(life)
				cancel()
				p.Close()
			}
		})
		checked := 0
		stop := running(t, func(ctx context.Context) {
			c := &Cache{Path: "cache", FS: s, MaxAge: 120 * time.Second}
			select {
			case <-time.After(20*time.Second + 100*time.Millisecond):
			case <-ctx.Done():
			}
			for ctx.Err() == nil {
				if _, err := c.Reload(); err != nil {
					t.Errorf("at %v: %v", time.Now(), err)
				}
				for range 5 {
					checked++
					var got []string
					for _, i := range foundBar(&c.Directory) {
						if slices.Contains(idents, i) {
							got = append(got, i)
						}
					}
					if err := c.Check(); err != nil || !slices.Equal(got, idents) {
						t.Errorf("at %v: found %v, %v", time.Now(), got, err)
					}
					select {
					case <-time.After(time.Second):
					case <-ctx.Done():
					}
				}
			}
		})
		for range restarts {
			life, cancel := context.WithTimeout(t.Context(), 15*time.Second+time.Duration(rng.IntN(5000))*time.Millisecond)
			m := &Manager{Observer: Observer{Conn: g.listen("manager")}, Store: s}
			if err := m.Run(life); err != nil {
				t.Fatal(err)
			}
			cancel()
			if rng.IntN(2) == 0 { // it takes a while until somebody starts it
				time.Sleep(time.Duration(rng.IntN(20000)) * time.Millisecond)
			}
		}
		stop()
		if checked < restarts*15 {
			t.Errorf("looked only %d times", checked)
		}
	})
}

package scamp

import (
	"cmp"
	"slices"
	"strings"

	"github.com/gudtech/scamp-sim/scamp/discovery"
)

// Announce announces the service until Shutdown or Close, and then that it stops;
// with that it takes 2.7 s more (DISC-SHD-01). Actions that are registered
// meanwhile are announced at once. Where a has no Describe it is the service's, and
// where it has no Made, that is Announced. It returns ErrServiceClosed. Services that announce themselves on several networks
// need one Announcer with several links, not several.
func (s *Service) Announce(a *discovery.Announcer) error {
	s.mu.Lock()
	if s.closed || !s.stopping.IsZero() {
		s.mu.Unlock()
		return ErrServiceClosed
	}
	s.prepare()
	present := s.present
	s.announcers.Add(1)
	s.mu.Unlock()
	defer s.announcers.Done()
	if a.Describe == nil {
		a.Describe = s.Describe
	}
	if a.Made == nil {
		a.Made = s.Announced
	}
	if s.Mux != nil {
		change := s.Mux.changed() // from before the first announcement
		go func() {
			for {
				select {
				case <-change:
					change = s.Mux.changed()
					a.Changed()
				case <-present.Done():
					return
				}
			}
		}()
	}
	a.Run(present)
	return ErrServiceClosed
}

// Describe returns what the service offers, for an Announcer. Sectors are in lower
// case (DISC-RTE-02e). The envelopes are those that most of the actions have, so
// that few of them need the vectors of version 4.
func (s *Service) Describe() *discovery.Announcement {
	sector := s.sector()
	d := &discovery.Announcement{Sector: sector, Weight: 1}
	votes := map[string]int{}
	for _, a := range s.Mux.Actions() {
		for _, own := range a.sectors(sector) {
			d.Actions = append(d.Actions, discovery.Action{
				Sector: own, Name: a.Name, Version: a.Version, Envelopes: a.Envelopes, Flags: a.flags(),
			})
			if own == sector {
				votes[strings.Join(a.Envelopes, ",")]++
			}
		}
	}
	most := "json"
	for e, n := range votes {
		if n > votes[most] || n == votes[most] && most != "json" && (e == "json" || e < most) {
			most = e
		}
	}
	d.Envelopes = strings.Split(most, ",")
	return d
}

// sector returns the service's sector, in lower case.
func (s *Service) sector() string { return cmp.Or(lower(s.Sector), "main") }

// sectors returns where the action is announced, in lower case and each once.
func (a *Action) sectors(service string) []string {
	if len(a.Sectors) == 0 {
		return []string{service}
	}
	var all []string
	for _, s := range a.Sectors {
		if s = lower(s); !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return all
}

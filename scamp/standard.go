package scamp

import (
	"context"
	"encoding/json"
	"fmt"
)

// HandleStandard registers the actions that every service may offer, on its Mux:
//
//   - _meta.documentation: the public actions with their documentation. Those are
//     the ones with a Doc or the flag public, and never one with the flag secret
//     (WIRE-SVC-07a);
//   - <Name>.queue_depth, where the service has a name: how many other requests
//     are in progress (WIRE-SVC-05).
//
// Both run without a ticket and outside of Wrap, so that they answer under load.
func (s *Service) HandleStandard() error {
	if s.Mux == nil {
		s.Mux = new(Mux)
	}
	err := s.standard(Action{Name: "_meta.documentation", Doc: "Lists the public actions of this service."}, s.document)
	if err != nil || s.Name == "" {
		return err
	}
	return s.standard(Action{Name: s.Name + ".queue_depth", Doc: "Tells how many other requests are in progress."}, s.queueDepth)
}

func (s *Service) standard(a Action, f HandlerFunc) error {
	a.NoAuth, a.plain = true, true
	return s.Mux.Register(a, f)
}

// documented is one action in the reply of _meta.documentation.
type documented struct {
	Name          string   `json:"name"`
	Version       int      `json:"version"`
	Sectors       []string `json:"sectors"`
	Envelopes     []string `json:"envelopes"`
	Flags         string   `json:"flags"`
	Documentation string   `json:"documentation"`
}

func (s *Service) document(_ context.Context, w *ReplyWriter, _ *Request) error {
	list := []documented{}
	for _, a := range s.Mux.Actions() {
		if a.has(flagSecret) || a.Doc == "" && !a.has(flagPublic) {
			continue
		}
		list = append(list, documented{a.Name, a.Version, a.sectors(s.sector()), a.Envelopes, a.flags(), a.Doc})
	}
	return json.NewEncoder(w).Encode(list)
}

func (s *Service) queueDepth(_ context.Context, w *ReplyWriter, _ *Request) error {
	_, err := fmt.Fprintf(w, `{"queue_depth":%d}`, s.running.Load()-1)
	return err
}

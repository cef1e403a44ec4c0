package scamp

import (
	"context"
	"slices"
)

// The action that returns the authorisation table (DISC-AZ-01b).
const authTableAction = "Auth.getAuthzTable"

// mostTable bounds a table, in octets.
const mostTable = 16 << 20

// FetchTable returns a function that asks for the authorisation table, for the
// field Fetch of a ticket.Authority: it calls Auth.getAuthzTable, version 1, in the
// sector main (DISC-AZ-01b). With a Requester only authorised services are asked.
func FetchTable(c Caller) func(ctx context.Context) ([]byte, error) {
	return func(ctx context.Context) ([]byte, error) {
		r := NewRequest(authTableAction, []byte("{}"))
		r.Sector = "main"
		reply, err := c.Call(ctx, r)
		if err != nil {
			return nil, err
		}
		return reply.ReadAll(mostTable)
	}
}

// tableSource lets the Authority of a service that OpenService has made fetch its
// table over the bus. It returns what ends that. Where nobody needs a table, or the
// service has a source of its own, there is nothing to do; without a discovery
// cache only NoAuth actions run.
func (s *Service) tableSource(ctx context.Context) (stop func()) {
	if s.Authority == nil || s.Authority.Fetch != nil ||
		!slices.ContainsFunc(s.Mux.Actions(), func(a Action) bool { return !a.NoAuth }) {
		return func() {}
	}
	q, err := OpenConfig(ctx, s.conf, s.Config.Logger)
	if err != nil {
		s.Config.logger().Error("only noauth actions run: the authorisation table cannot be fetched", "service", s.Name, "error", err)
		return func() {}
	}
	s.Authority.Fetch = FetchTable(q)
	return func() {
		over, cancel := context.WithCancel(ctx)
		cancel() // nobody waits for a table any more
		q.Close(over)
	}
}

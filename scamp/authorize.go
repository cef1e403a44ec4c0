package scamp

import (
	"context"
	"errors"

	"github.com/gudtech/scamp-sim/scamp/ticket"
)

type ticketKey struct{}

// TicketFrom returns the verified ticket of the request that a handler's context
// belongs to; nil where the action is NoAuth. The header's IdentifyingToken,
// Terminal and ClientID are text that nobody has checked (DISC-TKT-09b).
func TicketFrom(ctx context.Context) *ticket.Ticket {
	t, _ := ctx.Value(ticketKey{}).(*ticket.Ticket)
	return t
}

// admit decides whether the request may run: before its handler does, and before
// anything of its body is handed over (WIRE-SVC-03). It may wait for the
// authorisation table, within the time of the action. It returns the context of
// the handler.
func (h *handling) admit() (context.Context, error) {
	if h.action.NoAuth {
		return h.ctx, nil
	}
	authority := h.c.server.Authority
	if authority == nil {
		authority = new(ticket.Authority)
	}
	// The action's own name counts, not how the request spells it (DISC-AZ-01c).
	t, err := authority.Check(h.ctx, h.action.Name, h.request.Ticket)
	if err != nil {
		h.c.cfg.Logger.Info("request denied", "peer", h.c.nc.RemoteAddr(), "action", h.action.Name, "reason", err)
		return nil, denial(err)
	}
	return context.WithValue(h.ctx, ticketKey{}, t), nil
}

// denial is what the caller is told (DISC-AZ-08). Where there is no table, another
// instance may have one.
func denial(err error) *ReplyError {
	var missing *ticket.PrivilegeError
	switch {
	case errors.Is(err, ticket.ErrNoTable):
		return &ReplyError{Code: CodeAuthz, Message: ticket.ErrNoTable.Error(), Data: notExecuted}
	case errors.As(err, &missing), errors.Is(err, ticket.ErrUnlisted), errors.Is(err, ticket.ErrUnusable):
		return &ReplyError{Code: CodeAuthz, Message: err.Error()}
	}
	return &ReplyError{Code: CodeAuthn, Message: err.Error()}
}

// handler returns what answers the requests of an action.
func (s *Service) handler(a *Action) Handler {
	if a.plain {
		return a.handler
	}
	return s.wrapped
}

// runAction is the innermost handler: that of the request's own action.
func runAction(ctx context.Context, w *ReplyWriter, r *Request) error {
	return w.h.action.handler.ServeSCAMP(ctx, w, r)
}

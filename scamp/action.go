package scamp

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// An Action describes one action of a service.
type Action struct {
	Name      string   // Namespace.sub.name; found in any case (WIRE-SVC-02a)
	Version   int      // from 1; 0 is 1
	Sectors   []string // where it is announced; nil is the service's sector
	Envelopes []string // how bodies may come; nil is json alone
	// Flags are announced: the CRUD tags create, read, update and destroy, which
	// give the action an alias, and secret. Other flags stay here; public lets
	// the action appear in _meta.documentation. The flags noauth and t<N> are
	// made of NoAuth and Timeout.
	Flags []string
	// NoAuth lets the action run without a ticket, whatever ticket comes
	// (WIRE-SVC-03a). Every other action needs one; see Service.Authority.
	NoAuth bool
	// Timeout is how long a handler may run: up to 86400 s, announced in whole
	// seconds, rounded up (DISC-ACT-10). 0 is Config.HandlerTimeout, negative is
	// for ever; neither is announced.
	Timeout time.Duration
	MaxBody int // largest body in octets, where it is collected; 0 is Config.MaxRequest, negative is no bound
	// Stream starts the handler at the request's header and lets it read the
	// body as it comes. Such a handler must not act before it has seen the
	// body's end, since a request can be given up (WIRE-ERR-05a). Without
	// Stream, handlers run on complete requests only.
	Stream bool
	// Doc says what the action does; _meta.documentation shows it, unless the
	// action has the flag secret.
	Doc string

	handler Handler
	plain   bool // Service.Wrap does not count for it
}

// The bounds of what can be announced.
const (
	maxVersion = 1<<31 - 1           // DISC-ACT-05f
	maxTime    = 86400 * time.Second // DISC-ACT-10d
)

// check says why the action cannot be offered: nobody could call it by what is
// announced of it (DISC-ACT-01c, 02, 05f, 08d, 10d).
func (a *Action) check() error {
	wrong := func(format string, args ...any) error {
		return fmt.Errorf("scamp: action %q version %d: %s", a.Name, a.Version, fmt.Sprintf(format, args...))
	}
	dot := strings.LastIndexByte(a.Name, '.')
	switch {
	case dot < 1 || dot == len(a.Name)-1:
		return wrong("the name reads Namespace.name")
	case strings.Contains(a.Name, ":"):
		return wrong("the name has a colon")
	case a.Version < 1 || a.Version > maxVersion:
		return wrong("the version is not from 1 to %d", maxVersion)
	case a.Timeout > maxTime:
		return wrong("the time %v is more than %v", a.Timeout, maxTime)
	case a.handler == nil:
		return wrong("it has no handler")
	}
	for _, s := range a.Sectors {
		if s == "" || strings.Contains(s, ":") {
			return wrong("%q is no sector", s)
		}
	}
	for _, e := range a.Envelopes {
		if e == "" || strings.ContainsAny(e, ", \t") {
			return wrong("%q is no envelope", e)
		}
	}
	for _, f := range a.Flags {
		switch {
		case f == "" || strings.ContainsAny(f, ", \t"):
			return wrong("%q is no flag", f)
		case f == flagNoAuth:
			return wrong("the flag noauth is given with NoAuth")
		case f[0] == 't' && len(f) > 1 && strings.Trim(f[1:], "0123456789") == "":
			return wrong("the flag %s is given with Timeout", f)
		}
	}
	return nil
}

// filled returns a copy with a handler, and with the defaults of what tells
// actions apart.
func (a Action) filled(h Handler) *Action {
	if a.Version == 0 {
		a.Version = 1
	}
	if len(a.Envelopes) == 0 {
		a.Envelopes = []string{"json"}
	}
	a.Sectors, a.Envelopes, a.Flags = slices.Clone(a.Sectors), slices.Clone(a.Envelopes), slices.Clone(a.Flags)
	a.handler = h
	return &a
}

// has reports whether the action has a flag.
func (a *Action) has(flag string) bool { return slices.Contains(a.Flags, flag) }

const (
	flagNoAuth = "noauth"
	flagSecret = "secret"
	flagPublic = "public"
)

// announced are the flags that are announced as they are given (DISC-ACT-09).
var announced = []string{"create", "read", "update", "destroy", flagSecret}

// flags returns what is announced as the action's flags.
func (a *Action) flags() string {
	var flags []string
	for _, f := range a.Flags {
		if slices.Contains(announced, f) && !slices.Contains(flags, f) {
			flags = append(flags, f)
		}
	}
	if a.NoAuth {
		flags = append(flags, flagNoAuth)
	}
	if a.Timeout > 0 {
		flags = append(flags, "t"+strconv.FormatInt(int64((a.Timeout+time.Second-1)/time.Second), 10))
	}
	return strings.Join(flags, ",")
}

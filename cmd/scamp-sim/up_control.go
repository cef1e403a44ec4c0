package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/gudtech/scamp-sim/sim"
	"github.com/gudtech/scamp-sim/sim/scenario"
)

// A control is the control API of a live run, over HTTP on the loopback interface.
type control struct {
	ln     net.Listener
	server *http.Server
	live   atomic.Pointer[scenario.Live] // nil: it has not begun
}

// newControl listens at a loopback address. Requests wait until serve.
func newControl(address string) (*control, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("--control %q is not HOST:PORT, such as 127.0.0.1:8300", address)
	}
	if ip, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("--control %s: whoever reaches the control API can do everything with the run, so it is on 127.0.0.1 or ::1 only", address)
	}
	ln, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("cannot listen for the control API: %w; choose another address with --control", err)
	}
	c := &control{ln: ln}
	mux := http.NewServeMux()
	for pattern, answer := range map[string]func(*scenario.Live, *http.Request) (status int, body any, err error){
		"GET /v1/state":                    c.state,
		"GET /v1/faults":                   c.faults,
		"POST /v1/faults":                  c.addFault,
		"GET /v1/faults/{name...}":         c.fault,
		"PUT /v1/faults/{name...}":         c.changeFault,
		"DELETE /v1/faults/{name...}":      c.endFault,
		"GET /v1/instances/{name}":         c.instance,
		"POST /v1/instances/{name}/{what}": c.act,
	} {
		mux.HandleFunc(pattern, c.answer(answer))
	}
	mux.HandleFunc("GET /metrics", c.metrics)
	foreign := http.NewCrossOriginProtection()
	foreign.SetDenyHandler(refused(http.StatusForbidden, "this is for programs of this host, not for pages from elsewhere (cross-origin)"))
	c.server = &http.Server{
		Handler: foreign.Handler(ownHost(orRefused(mux))), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
		WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
	}
	return c, nil
}

func (c *control) address() string { return c.ln.Addr().String() }
func (c *control) url() string     { return "http://" + c.address() }

// serve answers for a run.
func (c *control) serve(l *scenario.Live) {
	c.live.Store(l)
	go c.server.Serve(c.ln)
}

func (c *control) close() {
	c.server.Close()
	c.ln.Close()
}

// answer lets a function answer in JSON.
func (c *control) answer(f func(*scenario.Live, *http.Request) (int, any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, mostFaultText)
		status, body, err := f(c.live.Load(), r)
		if err != nil {
			status, body = statusOf(err), failureOf(err)
		}
		respond(w, status, body)
	}
}

// mostFaultText is the longest body of a request, in octets.
const mostFaultText = 64 << 10

var (
	errNoInstance = errors.New("there is no such instance")
	errNotOurs    = errors.New("the instance is not simulated: only the program itself can shut down in good order; kill and pause are possible")
	errNoVerb     = errors.New("an instance can be told to kill, pause, resume, restart, shutdown, start, crash")
)

func statusOf(err error) int {
	var problems scenario.Problems
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &problems):
		return http.StatusBadRequest
	case errors.As(err, &long):
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, scenario.ErrNoFault), errors.Is(err, errNoInstance), errors.Is(err, errNoVerb):
		return http.StatusNotFound
	case errors.Is(err, scenario.ErrOver):
		return http.StatusServiceUnavailable
	case errors.Is(err, scenario.ErrFaultExists), errors.Is(err, scenario.ErrTooMany), errors.Is(err, scenario.ErrRolling):
		return http.StatusConflict
	}
	return http.StatusBadRequest
}

func failureOf(err error) failure {
	f := failure{Error: err.Error()}
	var problems scenario.Problems
	if errors.As(err, &problems) {
		for _, p := range problems {
			f.Problems = append(f.Problems, placedReport{p.Line, p.Column, p.What})
		}
	}
	return f
}

func (c *control) state(l *scenario.Live, _ *http.Request) (int, any, error) {
	return http.StatusOK, l.State(), nil
}

func (c *control) faults(l *scenario.Live, _ *http.Request) (int, any, error) {
	return http.StatusOK, map[string]any{"faults": l.Faults()}, nil
}

func (c *control) addFault(l *scenario.Live, r *http.Request) (int, any, error) {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return 0, nil, err
	}
	name, err := l.AddFault(text)
	if err != nil {
		return 0, nil, err
	}
	return theFault(l, http.StatusCreated, name)
}

func theFault(l *scenario.Live, status int, name string) (int, any, error) {
	f, ok := l.Fault(name)
	if !ok {
		return 0, nil, fmt.Errorf("%w: %q", scenario.ErrNoFault, name)
	}
	return status, f, nil
}

func (c *control) fault(l *scenario.Live, r *http.Request) (int, any, error) {
	return theFault(l, http.StatusOK, r.PathValue("name"))
}

func (c *control) changeFault(l *scenario.Live, r *http.Request) (int, any, error) {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return 0, nil, err
	}
	if err := l.ChangeFault(r.PathValue("name"), text); err != nil {
		return 0, nil, err
	}
	return theFault(l, http.StatusOK, r.PathValue("name"))
}

func (c *control) endFault(l *scenario.Live, r *http.Request) (int, any, error) {
	f, err := l.EndFault(r.PathValue("name"))
	return http.StatusOK, f, err
}

func (c *control) named(l *scenario.Live, r *http.Request) (*sim.Instance, error) {
	in := l.Instance(r.PathValue("name"))
	if in == nil {
		return nil, fmt.Errorf("%w: %q", errNoInstance, r.PathValue("name"))
	}
	return in, nil
}

func (c *control) instance(l *scenario.Live, r *http.Request) (int, any, error) {
	in, err := c.named(l, r)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, l.InstanceState(in), nil
}

// act does something to an instance. What is done already is done.
func (c *control) act(l *scenario.Live, r *http.Request) (int, any, error) {
	in, err := c.named(l, r)
	if err != nil {
		return 0, nil, err
	}
	status := http.StatusOK
	do := map[string]func(){
		"kill": in.Kill, "crash": in.Crash, "pause": in.Pause, "resume": in.Resume, "restart": in.Restart,
		"start": func() {
			if in.Crashed() {
				in.Restart()
			} else {
				in.Start()
			}
		},
		"shutdown": func() { // it takes as long as its grace
			status = http.StatusAccepted
			l.World().Go(in.Shutdown)
		},
	}[r.PathValue("what")]
	switch {
	case do == nil:
		return 0, nil, errNoVerb
	case in.Remote() && r.PathValue("what") == "shutdown":
		return 0, nil, errNotOurs
	}
	if err := l.Change(do); err != nil {
		return 0, nil, err
	}
	return status, l.InstanceState(in), nil
}

// Command prometheus shows how the hooks of scamp.Trace become metrics: of the calls that a program makes, of the requests
// that it serves, of its connections. It serves one action, calls it a hundred times, and prints what Prometheus would scrape.
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"

	"github.com/gudtech/scamp-sim/fixtures"
	"github.com/gudtech/scamp-sim/scamp"
)

// trace returns hooks that count into a registry.
func trace(reg prometheus.Registerer) *scamp.Trace {
	seconds := func(name, help string) *prometheus.HistogramVec {
		h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: prometheus.ExponentialBuckets(0.0001, 4, 10)}, []string{"action", "code"})
		reg.MustRegister(h)
		return h
	}
	called := seconds("scamp_call_seconds", "Time from a call to the header of its reply.")
	served := seconds("scamp_request_seconds", "Time that a request took to be answered.")
	ended := prometheus.NewCounter(prometheus.CounterOpts{Name: "scamp_connections_ended_total", Help: "Connections that have ended."})
	reg.MustRegister(ended)
	return &scamp.Trace{
		CallDone: func(_ context.Context, _ *scamp.Connection, r *scamp.Request, err error, took time.Duration) {
			called.WithLabelValues(r.Action, code(err)).Observe(took.Seconds())
		},
		Served: func(_ context.Context, _ *scamp.Connection, r *scamp.Request, err error, took time.Duration) {
			served.WithLabelValues(r.Action, code(err)).Observe(took.Seconds())
		},
		Closed: func(*scamp.Connection, error) { ended.Inc() },
	}
}

// code is what went wrong in a word: a label has few values.
func code(err error) string {
	if f := scamp.Failure(err); f != nil {
		return f.Code
	}
	return "ok"
}

func main() {
	reg := prometheus.NewRegistry()
	cfg := scamp.Config{Trace: trace(reg), Fingerprint: fixtures.Fingerprint("server")}
	svc := &scamp.Service{Mux: new(scamp.Mux), Certificate: fixtures.Certificate("server"), Config: cfg}
	svc.Mux.Handle(scamp.Action{Name: "Greeting.hello", NoAuth: true}, scamp.JSON(func(_ context.Context, name string) (string, error) {
		return "hello, " + name, nil
	}))
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	go svc.Serve(ln)
	conn, err := scamp.Dial(context.Background(), ln.Addr().String(), cfg)
	check(err)
	for i := range 100 {
		_, err := scamp.CallJSON[string](context.Background(), conn, "Greeting.hello", fmt.Sprint("caller ", i))
		check(err)
	}
	conn.Close()
	svc.Close()
	families, err := reg.Gather()
	check(err)
	for _, f := range families {
		expfmt.MetricFamilyToText(os.Stdout, f)
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

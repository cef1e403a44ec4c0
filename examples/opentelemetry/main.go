// Command opentelemetry shows how the hooks of scamp.Trace become spans: one for each call, one for each request served. It
// serves one action, calls it within a span of its own, and prints the spans.
package main

import (
	"context"
	"log"
	"net"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/gudtech/scamp-sim/fixtures"
	"github.com/gudtech/scamp-sim/scamp"
)

// hooks returns hooks that make a span of every call and of every request served. They are told at its end.
func hooks(tracer trace.Tracer) *scamp.Trace {
	span := func(kind trace.SpanKind) func(context.Context, *scamp.Connection, *scamp.Request, error, time.Duration) {
		return func(ctx context.Context, c *scamp.Connection, r *scamp.Request, err error, took time.Duration) {
			end := time.Now()
			_, s := tracer.Start(ctx, r.Action, trace.WithSpanKind(kind), trace.WithTimestamp(end.Add(-took)),
				trace.WithAttributes(attribute.String("rpc.system", "scamp"), attribute.String("rpc.method", r.Action), attribute.Int("scamp.version", r.Version)))
			if c != nil {
				s.SetAttributes(attribute.String("network.peer.address", c.RemoteAddr().String()))
			}
			if f := scamp.Failure(err); f != nil {
				s.SetStatus(codes.Error, f.Message)
				s.SetAttributes(attribute.String("error.type", f.Code))
			}
			s.End(trace.WithTimestamp(end))
		}
	}
	return &scamp.Trace{CallDone: span(trace.SpanKindClient), Served: span(trace.SpanKindServer)}
}

func main() {
	ctx := context.Background()
	out, err := stdouttrace.New(stdouttrace.WithPrettyPrint())
	check(err)
	provider := sdk.NewTracerProvider(sdk.WithBatcher(out))
	tracer := provider.Tracer("example")
	cfg := scamp.Config{Trace: hooks(tracer), Fingerprint: fixtures.Fingerprint("server")}

	svc := &scamp.Service{Mux: new(scamp.Mux), Certificate: fixtures.Certificate("server"), Config: cfg}
	svc.Mux.Handle(scamp.Action{Name: "Greeting.hello", NoAuth: true}, scamp.JSON(func(_ context.Context, name string) (string, error) {
		return "hello, " + name, nil
	}))
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	go svc.Serve(ln)
	conn, err := scamp.Dial(ctx, ln.Addr().String(), cfg)
	check(err)

	outer, span := tracer.Start(ctx, "main")
	_, err = scamp.CallJSON[string](outer, conn, "Greeting.hello", "world")
	check(err)
	span.End()
	conn.Close()
	svc.Close()
	check(provider.Shutdown(ctx))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

package conformance_test

import (
	"log/slog"
	"net"
	"testing"

	"github.com/gudtech/scamp-sim/conformance"
	"github.com/gudtech/scamp-sim/fixtures"
	"github.com/gudtech/scamp-sim/golden"
	"github.com/gudtech/scamp-sim/scamp"
	"github.com/gudtech/scamp-sim/sim/reference"
)

// startReference starts a fresh built-in implementation.
func startReference() (serve func(net.Conn), stop func()) {
	svc := &scamp.Service{Mux: reference.NewMux(), Authority: reference.NewAuthority(), Config: scamp.Config{Logger: slog.New(slog.DiscardHandler)}}
	return func(nc net.Conn) { svc.ServeConn(nc) }, func() { svc.Close() }
}

// startReferenceTLS starts one that does the handshakes itself.
func startReferenceTLS() (serve func(net.Conn), stop func()) {
	return reference.OverTLS(&scamp.Service{
		Mux: reference.NewMux(), Authority: reference.NewAuthority(), Certificate: fixtures.Certificate("server"),
		Config: scamp.Config{Logger: slog.New(slog.DiscardHandler)},
	})
}

// theReference is the built-in implementation, attached in both ways.
func theReference() *conformance.Subject {
	return conformance.ServerValue(startReference).OverTLS(startReferenceTLS, fixtures.Fingerprint("server"))
}

// goldenCases are the cases for servers.
func goldenCases(t *testing.T) []*conformance.Case {
	t.Helper()
	return conformance.Playing(allCases(t), "server")
}

func allCases(t *testing.T) []*conformance.Case {
	t.Helper()
	cases, err := conformance.ParseFS(golden.FS)
	if err != nil {
		t.Fatal(err)
	}
	return cases
}

// The reference is accused of nothing, not even of a dialect, and has all that cases need.
func TestTheReferenceConforms(t *testing.T) {
	report, err := conformance.Run(t.Context(), theReference(), goldenCases(t), conformance.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range report.Results {
		if r.Verdict == conformance.Pass {
			continue
		}
		t.Errorf("%s %s: %s %v", r.Verdict, r.Name, r.Rules[0], r.Notes)
		for _, f := range r.Failures {
			t.Errorf("   %s line %d: %s", f.Variant, f.Line, f.Reason)
			for _, line := range f.Packets {
				t.Log("      " + line)
			}
		}
	}
	t.Logf("%d results in %v", len(report.Results), report.Took)
}

// The suite is part of anybody's tests: each case is a subtest.
func TestTheReferenceConformsAsATest(t *testing.T) {
	conformance.Test(t, conformance.ServerValue(startReference), about(goldenCases(t), "WIRE-RPC-06a"), conformance.Options{})
}

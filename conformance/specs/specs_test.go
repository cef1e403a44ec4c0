package specs_test

import (
	"log/slog"
	"net"
	"testing"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/gomega"

	"github.com/gudtech/scamp-sim/conformance"
	"github.com/gudtech/scamp-sim/conformance/specs"
	"github.com/gudtech/scamp-sim/golden"
	"github.com/gudtech/scamp-sim/scamp"
	"github.com/gudtech/scamp-sim/sim/reference"
)

// played: go test -cpu runs a test more than once in a process.
var played bool

func TestGoldenCases(t *testing.T) {
	if played {
		t.Skip("Ginkgo plays a suite once in a process")
	}
	played = true
	gomega.RegisterFailHandler(ginkgo.Fail)
	cases, err := conformance.ParseFS(golden.FS)
	gomega.NewWithT(t).Expect(err).NotTo(gomega.HaveOccurred())
	subject := conformance.ServerValue(func() (serve func(net.Conn), stop func()) {
		svc := &scamp.Service{Mux: reference.NewMux(), Authority: reference.NewAuthority(), Config: scamp.Config{Logger: slog.New(slog.DiscardHandler)}}
		return func(nc net.Conn) { svc.ServeConn(nc) }, func() { svc.Close() }
	})
	specs.Register("the built-in server", subject, cases, conformance.Options{})
	ginkgo.RunSpecs(t, "SCAMP conformance")
}

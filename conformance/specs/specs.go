// Package specs has the cases of the conformance suite as Ginkgo specs: one for each case and one for each rule that is
// judged on every packet, labelled with the ids of their rules. Register them in a suite of your own to try your own
// server. The tests of this package play the golden cases against the built-in implementation:
//
//	ginkgo --label-filter WIRE-FLOW-08 ./conformance/specs
//
// It is a package of its own because importing Ginkgo adds flags to a program.
package specs

import (
	"context"
	"fmt"
	"path"
	"strings"
	"sync"

	"github.com/onsi/ginkgo/v2"

	"github.com/gudtech/scamp-sim/conformance"
)

// Register adds the specs of some cases to the suite that is being built. It is called where specs are described, at the
// top level of a file or in a Describe. Cases of other roles than the subject's are left out. A dialect passes and is told in the report; what is unsupported is skipped.
func Register(text string, subject *conformance.Subject, cases []*conformance.Case, opt conformance.Options) {
	cases = conformance.Playing(cases, subject.Role())
	ginkgo.Describe(text, func() {
		groups := map[string][]*conformance.Case{}
		var order []string
		for _, c := range cases {
			g := path.Dir(c.Name)
			if groups[g] == nil {
				order = append(order, g)
			}
			groups[g] = append(groups[g], c)
		}
		for _, g := range order {
			ginkgo.Describe(g, func() {
				for _, c := range groups[g] {
					ginkgo.It(path.Base(c.Name)+": "+c.Title, ginkgo.Label(c.Rules...), func(ctx ginkgo.SpecContext) {
						report, err := conformance.Run(ctx, subject, []*conformance.Case{c}, opt)
						if err != nil {
							ginkgo.Fail(err.Error())
						}
						tell(&report.Results[0])
					})
				}
			})
		}
		everyPacket(subject, cases, opt)
	})
}

// everyPacket adds the rules that are judged on every packet of every case. The cases are played once for all of them.
func everyPacket(subject *conformance.Subject, cases []*conformance.Case, opt conformance.Options) {
	play := sync.OnceValues(func() (*conformance.Report, error) {
		return conformance.Run(context.Background(), subject, cases, opt)
	})
	judged := conformance.Judged()
	if subject.Role() == "client" {
		judged = conformance.JudgedOfClients()
	}
	ginkgo.Describe("every packet", func() {
		for _, rule := range judged {
			ginkgo.It(rule, ginkgo.Label(rule), func() {
				report, err := play()
				if err != nil {
					ginkgo.Fail(err.Error())
				}
				for i := len(cases); i < len(report.Results); i++ {
					if r := &report.Results[i]; r.Rules[0] == rule {
						tell(r)
					}
				}
			})
		}
	})
}

// tell makes a verdict the outcome of the running spec.
func tell(r *conformance.Result) {
	switch r.Verdict {
	case conformance.Dialect:
		ginkgo.AddReportEntry("dialect", strings.Join(r.Notes, "; "))
	case conformance.Unsupported:
		ginkgo.Skip(strings.Join(r.Notes, "; "))
	case conformance.Fail, conformance.Errored:
		ginkgo.Fail(fmt.Sprintf("%s %s\n%s", r.Rules[0], r.Title, r.Text()))
	}
}

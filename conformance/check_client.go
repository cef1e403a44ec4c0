package conformance

import (
	"context"
	"fmt"
	"time"
)

// greeting is the first thing that a client is tried with.
const greeting = `# One call to an instance, and its reply.
rule: WIRE-HDR-07a
role: client

do call it echo {"conformance":"6d1f"}
expect request $id json {"conformance":"6d1f"}
reply $id {"conformance":"6d1f"}
expect result it json {"conformance":"6d1f"}
`

// checkClient looks whether a client can be tested at all: one call.
func (s *Subject) checkClient(ctx context.Context, opt Options) error {
	c, err := Parse("greeting"+Suffix, []byte(greeting))
	if err != nil {
		panic(err)
	}
	r := &runner{ctx: ctx, subject: s, opt: &opt, left: map[*Case]int{}}
	j := &job{c: c, when: span{from: time.Now()}}
	r.play(j)
	if j.result.Verdict == Pass {
		s.fixtures = map[string]bool{}
		return nil
	}
	why := "it does not succeed"
	if len(j.result.Failures) > 0 {
		why = j.result.Failures[0].Reason
	} else if len(j.result.Notes) > 0 {
		why = j.result.Notes[0]
	}
	return fmt.Errorf("%w: the client makes no plain call of Conformance.echo: %s", ErrNoTest, why)
}

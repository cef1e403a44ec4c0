package conformance_test

import "maps"

const (
	needsSetting   = "the configuration of a server under test cannot be changed; the tests of package soaconf try it"
	needsStop      = "a server under test cannot be told to stop; the tests of package scamp try it (shutdown_test.go)"
	needsAnnounced = "a server under test is known by its port, and its announcement is not seen"
	needsTopics    = "no fixture action of section 1.5 publishes values; the tests of package events try it"
	needsJsonstore = "no fixture action of section 1.5 has the envelope jsonstore; the tests of package jsonstore try it"
)

// Why rules about times, TLS, connections, services and envelopes and events that bind a server have no case.
var withoutCaseOfServices = map[string]string{
	"WIRE-TIME-07":  "no fixture action runs for longer than it may: slow is announced with a time that a tester does not know; the tests of package scamp try it (serve_test.go)",
	"WIRE-TIME-09a": "who sends PINGs declares it, which no profile does so far",
	"WIRE-TIME-09b": "as WIRE-TIME-09a; the tests of package scamp try it (connection_test.go)",
	"WIRE-TLS-05":   "the link between a tester and a server under test has no delayed acknowledgements that could be counted on",
	"WIRE-CONN-06a": needsAnnounced + "; the vectors of disc-uri/ try it",
	"WIRE-CONN-06d": needsSetting,
	"WIRE-SVC-01a":  "a server under test listens already; the tests of package scamp try it (ports_test.go)",
	"WIRE-SVC-01b":  needsSetting,
	"WIRE-SVC-04a":  needsStop,
	"WIRE-SVC-04b":  needsStop,
	"WIRE-SVC-04c":  needsStop,
	"WIRE-SVC-04d":  needsStop,
	"WIRE-SVC-05":   "the name of the service is not known, which its action is named after; the tests of package scamp try it (standard_test.go)",
	"WIRE-SVC-06":   "files of a server under test cannot be seen; the tests of package scamp try it (liveness_test.go)",
	"WIRE-SVC-07a":  "it is not declared by any profile; the tests of package scamp try it (standard_test.go)",
	"WIRE-ENV-02a":  needsJsonstore,
	"WIRE-ENV-02b":  needsJsonstore,
	"WIRE-ENV-02c":  needsJsonstore,
	"WIRE-ENV-02d":  needsJsonstore,
	"WIRE-ENV-03a":  "no fixture action of section 1.5 has the envelope web",
	"WIRE-ENV-03b":  needsAnnounced,
	"WIRE-EVT-02a":  needsTopics,
	"WIRE-EVT-02b":  needsTopics,
	"WIRE-EVT-02c":  needsTopics,
	"WIRE-EVT-02d":  needsTopics,
	"WIRE-EVT-03a":  needsTopics,
	"WIRE-EVT-03b":  needsTopics,
	"WIRE-EVT-03c":  needsTopics,
	"WIRE-EVT-05b":  needsTopics,
	"WIRE-EVT-07":   needsTopics,
}

// Why those of them that MUST be kept have no bug.
var withoutBugOfServices = map[string]string{
	"WIRE-TIME-09b": noCase, "WIRE-CONN-06a": noCase, "WIRE-SVC-04a": noCase, "WIRE-SVC-04b": noCase, "WIRE-SVC-04c": noCase,
	"WIRE-ENV-02b": noCase, "WIRE-ENV-02c": noCase, "WIRE-ENV-02d": noCase,
	"WIRE-EVT-02a": noCase, "WIRE-EVT-02b": noCase, "WIRE-EVT-02c": noCase, "WIRE-EVT-02d": noCase, "WIRE-EVT-03a": noCase,
	"WIRE-EVT-03b": noCase, "WIRE-EVT-05b": noCase,
}

const noCase = "no case (left)"

// merged puts maps together.
func merged(parts ...map[string]string) map[string]string {
	all := map[string]string{}
	for _, p := range parts {
		maps.Copy(all, p)
	}
	return all
}

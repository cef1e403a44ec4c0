package conformance

import (
	"strings"
	"testing"
)

func TestLintFindsMistakesInCasesOfClients(t *testing.T) {
	for steps, want := range map[string]string{
		"expect result one\n":                       "no call one has been made",
		"do cancel one\n":                           "no call one has been made",
		"no outcome one\n":                          "no call one has been made",
		"do call one echo {}\nconfig a.b \"1\"\n":   "move config before it",
		"do call one echo $x\n":                     "$x has not been set",
		"reply $id\n":                               "$id has not been set",
		"announce S1 {\"wait\":1}\n":                `unknown field "wait"`,
		"announce S1 {\"actions\":[[\"nodot\"]]}\n": "an action is written as",
		"announce S1 {\"certificate\":\"x\"}\n":     "the certificate is that of an instance",
		"announce S1 {\"signature\":\"x\"}\n":       "can only be given as wrong",
		"on b barrier\n":                            "write accept S1 as b before",
		"wait 5s\n":                                 "clock: virtual",
		"either {\n  reply 1\n} or dialect \"x\" {\n  expect request 1\n}\n": "decides nothing",
	} {
		c, err := Parse("x.case", []byte(clientHead+steps))
		if err != nil {
			t.Fatal(err)
		}
		if found := Lint(c); len(found) == 0 || !strings.Contains(found.Error(), want) {
			t.Errorf("%s: %v, want %s", steps, found, want)
		}
	}
	clean := clientHead + "announce S1 {\"uri\":$u}\nauthorize $S1_fingerprint\ndo call one echo {}\naccept S1 as b\non b expect request $id\nreply $id\nexpect result one\n"
	clean = strings.Replace(clean, "role: client\n", "role: client\neach: u = json($S2_address)\n", 1)
	c, err := Parse("x.case", []byte(clean))
	if err != nil {
		t.Fatal(err)
	}
	if found := Lint(c); len(found) > 0 {
		t.Error(found)
	}
	c, err = Parse("x.case", []byte(strings.Replace(clientHead, "role: client\n", "role: client\nneeds: blob\n", 1)+"do call one blob {}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if found := Lint(c); !strings.Contains(found.Error(), "a client needs no fixture action") {
		t.Error(found)
	}
}

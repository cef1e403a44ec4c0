package conformance

import (
	"strings"
	"testing"
)

const clientHead = "# Something is tried here.\nrule: WIRE-HDR-07a\nrole: client\n\n"

// Each verb of a client's case and each form of what stands behind it is read and written back.
func TestParseKnowsEveryVerbOfClients(t *testing.T) {
	const src = clientHead + `config rpc.timeout "2"
announce S1
announce S2 {"actions":[["Foo.bar","t5",2]],"weight":0}
announce S3 "{\"uri\":\"x://" + $S1_address + "\"}"
withdraw S2
authorize $S1_fingerprint + " main:ALL\n"
age cache 1h
remove authorized_services
remove soa.conf
reload
refuse S1
listen S1
serve S9
do call one echo
do call two "No.such.action" json("x") version 2 envelope "web" sector "main" ident "i" ticket $t timeout 2s
do call three $name {} timeout 1m
do cancel one
do close
accept S1
accept any as b
accept other as c plain
accept S2 certificate expired
accept S2 as d certificate S3 tls 1.2 within 5s after 1s
expect hello
expect connection S1 within 2s
no connection S1
no connection other
no octets
no outcome one
expect outcome one within 3s
no request
connections S1 = 1
connections S1 <= 1
answered S2 < 3
answered S2 >= $n
expect request $id
expect request 1 {} header {"version":1} exact
expect request "x" json {"a":any}
expect result one
expect result one "x"
expect result one json [1]
expect failure one
expect failure one {"code":"transport","data":absent} within 2s after 1s
reply $id
reply none "" with {"error":"no"}
reply 1 "x" without type in 1, 2 window 65536
together {
  reply 1
}
on b expect HEADER 0
on b {
  expect EOF 0
}
`
	c, err := Parse("x.case", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	if got := string(Format(c)); got != src {
		t.Errorf("it is written back in another way:\n%s", got)
	}
	checkFormat(t, c)
	for _, v := range clientVerbs {
		if !strings.Contains(src, "\n"+v+" ") && !strings.Contains(src, "\n"+v+"\n") {
			t.Errorf("the verb %s is not tried here", v)
		}
	}
}

// What is wrong with a step of a client's case is said at its place.
func TestParseClientErrors(t *testing.T) {
	for step, want := range map[string]string{
		"request 0 echo {}":                    `5:1: "request" plays the client of a server`,
		"connect b":                            `5:1: "connect" plays the client of a server`,
		"announce":                             "5:9: expected the name of an instance, S1 to S9, found the end of the line",
		"announce T1":                          `5:10: "T1" is no instance`,
		"announce S0":                          `"S0" is no instance`,
		"accept":                               "expected the name of an instance",
		"accept S1 certificate x":              `"x" is no instance`,
		"accept S1 tls 1.1":                    "expected a version of TLS, 1.2 or 1.3",
		"accept S1 plain plain":                "is too much here; the form is accept INSTANCE",
		"age caches 1h":                        `5:5: "caches" is no file around the subject`,
		"config 1 \"x\"":                       "expected a key of the configuration",
		"config rpc.timeout 2":                 "expected a text",
		"do":                                   "expected call, cancel or close",
		"do it":                                `"it" is not allowed here`,
		"do call":                              "expected the name of a call",
		"do call one":                          "expected an action",
		"do call one ecco":                     `did you mean "echo"`,
		"do call one echo {} version 1 x":      "behind a call may stand version N",
		"do call one echo version 1 version 2": "behind a call may stand version N",
		"expect echo 1":                        `"echo" cannot be expected`,
		"expect result":                        "expected the name of a call",
		"expect requests 1":                    `did you mean "request"`,
		"expect failure one x":                 `"x" is too much here; the form is expect failure CALL [PATTERN]`,
		"no reply 1":                           `the absence of "reply" cannot be asked for`,
		"no outcome":                           "expected the name of a call",
		"connections S1 1":                     "expected <=, <, >=, = or >",
		"frobnicate":                           `"frobnicate" is not a verb`,
	} {
		_, err := Parse("x.case", []byte(clientHead+step+"\n"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v\nwant …%s…", step, err, want)
		}
	}
	for _, verb := range clientVerbs {
		_, err := Parse("x.case", []byte(strings.Replace(clientHead, "client", "server", 1)+verb+" S1\n"))
		if err == nil || !strings.Contains(err.Error(), "it stands in cases with role: client") {
			t.Errorf("%s in a case for servers: %v", verb, err)
		}
	}
}

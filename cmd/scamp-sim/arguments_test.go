package main

import (
	"strings"
	"testing"
)

// A command that does not exist is an error, at every level; a mistake gets one line that names the mend.
func TestWrongCommandLines(t *testing.T) {
	for line, words := range map[string][]string{
		"nosuch":                          {`"scamp-sim nosuch"`, "--help"},
		"serv":                            {`did you mean "scamp-sim serve"?`},
		"cache chek":                      {`did you mean "scamp-sim cache check"?`},
		"cache nosuch":                    {`"scamp-sim cache nosuch"`, "scamp-sim cache --help"},
		"ticket nosuch":                   {`"scamp-sim ticket nosuch"`},
		"cases nosuch":                    {`"scamp-sim cases nosuch"`},
		"cache check":                     {"FILE is missing", "scamp-sim cache check --help"},
		"cache check a b":                 {`"b" is one argument too many`},
		"cache list":                      {"FILE is missing"},
		"cache manage x":                  {`"x"`},
		"cache watch x":                   {`"x"`},
		"cache list a --nosuch":           {"--nosuch", "scamp-sim cache list --help"},
		"provision":                       {"NAME is missing"},
		"fingerprint":                     {"CERT is missing"},
		"ticket verify --pubkey x":        {"TICKET is missing"},
		"ticket verify x":                 {"--pubkey is missing"},
		"ticket issue":                    {"--key, --user and --client are missing"},
		"ticket issue --key a --user 1":   {"--client is missing"},
		"ticket issue --user x":           {`--user "x" is not a whole number`},
		"ticket issue --ttl x":            {`--ttl "x" is not a time such as`},
		"provision a --bits x":            {`--bits "x" is not a whole number`},
		"cache make":                      {"--announcepath, --keypath and --certpath are missing"},
		"cache make --keypath x":          {"--announcepath and --certpath are missing"},
		"cache list --json --raw nosuch":  {"--json and --raw exclude each other"},
		"cache check nosuch":              {"cannot read the cache", "nosuch"},
		"cache check .":                   {"cannot read the cache"},
		"cache list nosuch":               {"cannot read the cache", "nosuch"},
		"cache manage --config nosuch":    {"--config", "nosuch"},
		"cache watch --config nosuch":     {"--config", "nosuch"},
		"fingerprint nosuch":              {"cannot read the certificate", "nosuch"},
		"fingerprint arguments_test.go":   {"arguments_test.go has no certificate"},
		"ticket verify --pubkey nosuch x": {"nosuch"},
	} {
		t.Run(line, func(t *testing.T) {
			scampSim(t, "", strings.Fields(line)...).oneLine(t, 2, words...)
		})
	}
}

// A group without a command helps to choose one.
func TestGroupsHelp(t *testing.T) {
	for group, want := range map[string]string{"": "conformance", "cache": "manage", "ticket": "verify", "cases": "lint"} {
		o := scampSim(t, "", strings.Fields(group)...)
		if o.code != 0 || !strings.Contains(o.stdout, want) || o.stderr != "" {
			t.Errorf("%q: %+v", group, o)
		}
	}
}

// What strangers say cannot disturb a terminal or forge a line.
func TestVisible(t *testing.T) {
	for text, want := range map[string]string{
		"plain \"quoted\" é": "plain \"quoted\" é", "a\x1b[2Jb": `a\u001b[2Jb`, "a\nb": `a\u000ab`, "a\u202eb": `a\u202eb`, "a\xffb": `a\ufffdb`,
	} {
		if got := visible(text); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
	}
	for text, want := range map[string]string{"name:abc": "name:abc", "": "", "tab\there": `"tab\there"`, `"x"`: `"\"x\""`} {
		if got := printable(text); got != want {
			t.Errorf("%q is shown as %s, want %s", text, got, want)
		}
	}
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := grouped(n); got != want {
			t.Errorf("%d is %s", n, got)
		}
	}
}

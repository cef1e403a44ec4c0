package main

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/gudtech/scamp-sim/sim/scenario"
)

func TestUpControlRefuses(t *testing.T) {
	t.Parallel()
	u := up(t, upScenario)
	u.ask(t, "POST", "/v1/faults", "{name: there, pause: shop-2, at: 1h}", nil)
	for name, tc := range map[string]struct {
		method, path, body string
		change             func(*http.Request)
		status             int
		text               string
	}{
		"foreign host":   {"GET", "/v1/state", "", func(r *http.Request) { r.Host = "evil.example" }, 403, "this host"},
		"foreign origin": {"POST", "/v1/faults", "{kill: shop}", func(r *http.Request) { r.Header.Set("Origin", "http://evil.example") }, 403, "cross-origin"},
		"nothing":        {"POST", "/v1/faults", " ", nil, 400, "nothing stands here"},
		"not YAML":       {"POST", "/v1/faults", "{kill: [", nil, 400, `"line": 1`},
		"no such key":    {"POST", "/v1/faults", "kill: shop-1\nfro: 5s", nil, 400, `"line": 2`},
		"no instance":    {"POST", "/v1/faults", "{kill: shop-3}", nil, 400, `"column": 8`},
		"not outside":    {"POST", "/v1/faults", "{kill: outside}", nil, 400, "only its links"},
		"too long":       {"POST", "/v1/faults", strings.Repeat(" ", 1<<20), nil, 413, "too large"},
		"same name":      {"POST", "/v1/faults", "{name: there, kill: shop-2}", nil, 409, "there"},
		"no fault":       {"DELETE", "/v1/faults/nosuch", "", nil, 404, "nosuch"},
		"wrong change":   {"PUT", "/v1/faults/there", "{kill: nosuch}", nil, 400, "nosuch"},
		"no such host":   {"POST", "/v1/instances/nosuch/kill", "", nil, 404, "nosuch"},
		"no such verb":   {"POST", "/v1/instances/shop-1/explode", "", nil, 404, "kill, pause"},
		"wrong method":   {"DELETE", "/v1/state", "", nil, 405, "GET"},
		"no such path":   {"GET", "/v2/state", "", nil, 404, "/v1/state"},
		"odd path":       {"GET", "/v1//state/..", "", nil, 404, "/v1/state"},
		"wrong name":     {"PUT", "/v1/faults/there", "kill: shop\nname: other", nil, 400, `"line": 2`},
	} {
		status, text := askAs(t, tc.method, u.control+tc.path, tc.body, tc.change)
		if status != tc.status || !strings.Contains(string(text), tc.text) {
			t.Errorf("%s: %d %s", name, status, text)
		}
		var why struct{ Error string }
		if err := json.Unmarshal(text, &why); err != nil || why.Error == "" {
			t.Errorf("%s: no JSON that says what is wrong: %s", name, text)
		}
	}
	var f struct{ Faults []scenario.FaultReport }
	if u.ask(t, "GET", "/v1/faults", "", &f); len(f.Faults) != 1 || f.Faults[0].State != scenario.Pending || f.Faults[0].Name != "there" {
		t.Errorf("%+v", f)
	}
	const odd = "/v1/faults/with%20blanks%2Fand%20a%20slash"
	u.ask(t, "POST", "/v1/faults", "{name: with blanks/and a slash, slow: shop-1, times: 2}", nil)
	for _, method := range []string{"GET", "DELETE"} {
		if status := u.ask(t, method, odd, "", nil); status != 200 {
			t.Errorf("%s: %d", method, status)
		}
	}
	if status := u.ask(t, "GET", odd, "", nil); status != 404 {
		t.Errorf("deleted: %d", status)
	}
	var one scenario.FaultReport
	if status := u.ask(t, "PUT", "/v1/faults/there", "{name: there, slow: shop-2, times: 2}", &one); status != 200 || one.State != scenario.Active || one.Kind != "slow" || one.Name != "there" {
		t.Errorf("changed: %d %+v", status, one)
	}
	if _, all := u.state(t); all["shop-1"].State != "up" || all["shop-2"].State != "up" {
		t.Errorf("%+v", all)
	}
}

var sample = regexp.MustCompile(`^([a-z_]+)(?:\{(?:[a-z]+="(?:[^"\\\n]|\\[\\n"])*",?)+\})? (-?[0-9.e+-]+|\+Inf)$`)

// checkMetrics fails unless the text is what Prometheus reads: each metric is told of
// once, before its samples.
func checkMetrics(t *testing.T, text string) (names map[string]int) {
	t.Helper()
	kinds, names := map[string]string{}, map[string]int{}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if fields := strings.SplitN(line, " ", 4); fields[0] == "#" {
			if len(fields) < 4 || fields[1] == "TYPE" && kinds[fields[2]] != "" {
				t.Errorf("%q", line)
			}
			if fields[1] == "TYPE" {
				kinds[fields[2]] = fields[3]
			}
			continue
		}
		m := sample.FindStringSubmatch(line)
		if m == nil {
			t.Errorf("no sample: %q", line)
			continue
		}
		name := m[1]
		if kinds[name] == "" {
			name = regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(name, "")
		}
		if kinds[name] == "" || kinds[name] != "histogram" && name != m[1] {
			t.Errorf("%q belongs to nothing", line)
		}
		names[name]++
	}
	return names
}

func TestMetricText(t *testing.T) {
	m := new(metricText)
	m.family("a_total", "counter", "With \\ and\nmore.")
	m.sample("a_total", 1.5, "fault", "a \"b\" \\ c\nd", "kind", "ok")
	want := "# HELP a_total With \\\\ and\\nmore.\n# TYPE a_total counter\na_total{fault=\"a \\\"b\\\" \\\\ c\\nd\",kind=\"ok\"} 1.5\n"
	if got := m.b.String(); got != want {
		t.Errorf("%q\n%q", got, want)
	}
	checkMetrics(t, m.b.String())
}

func TestUpMetrics(t *testing.T) {
	t.Parallel()
	text := strings.Replace(upScenario, "rate: 20}", "rate: 20}, {action: Shop.no, rate: 20}", 1)
	u := up(t, text, "--verbose") // it tells of calls that fail
	u.request(t, "Shop.get")
	u.ask(t, "POST", "/v1/faults", `{name: 'a "strange" name', slow: shop-1, times: 1.5}`, nil)
	u.eventually(t, "calls and hits are counted", func() bool {
		_, b := askAs(t, "GET", u.control+"/metrics", "", nil)
		text = string(b)
		return regexp.MustCompile(`(?m)^scamp_sim_calls_total\{action="Shop.get",kind="ok"\} [1-9]`).MatchString(text) &&
			regexp.MustCompile(`(?m)^scamp_sim_fault_hits_total\{fault="a \\"strange\\" name",kind="slow"\} [1-9]`).MatchString(text)
	})
	names := checkMetrics(t, text)
	for _, n := range []string{
		"calls_total", "call_duration_seconds", "retries_total", "connections_total", "dials_total", "refusals_total", "violations_total",
		"outside_requests_total", "instance_up", "fault_active", "fault_hits_total", "uptime_seconds",
	} {
		if names["scamp_sim_"+n] == 0 {
			t.Errorf("no %s in\n%s", n, text)
		}
	}
	if !strings.Contains(text, "scamp_sim_violations_total 0\n") || !strings.Contains(text, `scamp_sim_instance_up{service="shop",instance="shop-2"} 1`) {
		t.Error(text)
	}
}

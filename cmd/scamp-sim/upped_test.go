package main

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gudtech/scamp-sim/scamp"
	"github.com/gudtech/scamp-sim/sim/scenario"
)

const upScenario = `
about: A shop that is called from outside.
services:
  - name: shop
    instances: 2
    actions:
      - {name: Shop.get, latency: 1ms, reply: 1KiB}
      - {name: Shop.no, errors: 100%}
requesters:
  - name: web
    calls: [{action: Shop.get, rate: 20}]
`

// An upped is a bus that is up.
type upped struct {
	*daemon
	dir, config, control string
}

// up starts a scenario on real sockets and waits until it runs.
func up(t *testing.T, text string, args ...string) *upped {
	t.Helper()
	file := filepath.Join(t.TempDir(), "bus.yaml")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "bus")
	u := &upped{daemon: start(t, append([]string{"up", file, "--dir", dir, "--ports", "0"}, args...)...), dir: dir, config: filepath.Join(dir, "soa.conf")}
	u.eventually(t, "the bus is up", func() bool { return strings.Contains(u.stdout.String(), "break it") || u.stderr.String() != "" })
	if told := u.stderr.String(); told != "" {
		t.Fatal(told)
	}
	u.watch(t, dir)
	u.control = "http://" + strings.TrimSpace(content(filepath.Join(dir, "control")))
	return u
}

// ask sends a request to the control API, and reads the answer into to, if it is not nil.
func (u *upped) ask(t *testing.T, method, path, body string, to any) (status int) {
	t.Helper()
	status, text := askAs(t, method, u.control+path, body, nil)
	if to != nil {
		if err := json.Unmarshal(text, to); err != nil {
			t.Fatalf("%s %s: %v: %s", method, path, err, text)
		}
	}
	return status
}

func askAs(t *testing.T, method, url, body string, change func(*http.Request)) (status int, text []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(r)
	}
	client := http.Client{Timeout: 10 * time.Second}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if text, err = io.ReadAll(answer.Body); err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, text
}

func (u *upped) request(t *testing.T, args ...string) outcome {
	t.Helper()
	return scampSim(t, "", append([]string{"request", "--config", u.config, "--timeout", "1500ms"}, args...)...)
}

// well fails unless a call succeeds, with all that comes of one.
func (u *upped) well(t *testing.T, when string) {
	t.Helper()
	o := u.request(t, "Shop.get", `{"my":["body"]}`)
	if o.code != 0 || !strings.Contains(o.stdout, `"echo":{"my":["body"]}`) || len(o.stdout) < 1024 {
		t.Errorf("%s: %d, %.200s%s", when, o.code, o.stdout, o.stderr)
	}
}

// state returns what the control API tells, and the instances by name.
func (u *upped) state(t *testing.T) (scenario.LiveState, map[string]scenario.InstanceState) {
	t.Helper()
	var s scenario.LiveState
	if status := u.ask(t, "GET", "/v1/state", "", &s); status != http.StatusOK {
		t.Fatal(status)
	}
	all := map[string]scenario.InstanceState{}
	for _, service := range s.Services {
		for _, in := range service.Instances {
			all[in.Name] = in
		}
	}
	return s, all
}

// endsWith fails unless it ends at once with a fault, or something done to an instance, while a call goes on.
func (u *upped) endsWith(t *testing.T, broken string) {
	t.Helper()
	_, instances := u.state(t)
	conn, err := scamp.Dial(t.Context(), instances["shop-1"].Address, scamp.Config{Unverified: true})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	path, body := "/v1/faults", broken
	if strings.HasPrefix(broken, "/") {
		path, body = broken, ""
	}
	if status := u.ask(t, "POST", path, body, nil); status >= 300 {
		t.Fatalf("%s: %d", broken, status)
	}
	go conn.Call(t.Context(), scamp.NewRequest("Shop.get", []byte("{}")))
	var s scenario.LiveState
	for before := -1; s.Calls != before; { // it goes on, or does not
		before = s.Calls
		u.ask(t, "GET", "/v1/state", "", &s)
	}
	u.stop(t)
}

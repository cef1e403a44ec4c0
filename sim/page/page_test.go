package page

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/gudtech/scamp-sim/sim"
	"github.com/gudtech/scamp-sim/sim/scenario"
)

const shop = `about: %s
seed: 3
duration: 10s
links:
  - {between: [web, shop-2], profile: {preset: wan, latency: 80ms}}
services:
  - name: shop
    instances: 2
    bug: %s
    actions:
      - {name: %s, latency: around 5ms, reply: between 0 and 100KiB, errors: 5%%}
  - name: bank
    actions: [{name: Bank.pay}]
requesters:
  - name: web
    calls:
      - {action: %[3]s, rate: 20, body: between 0 and 100KiB}
      - {action: Bank.pay, rate: 2}
faults:
  - {at: 2s, for: 1s, kill: shop-1, name: %[4]s}
  - {at: 5s, for: 1s, partition: [web, shop]}
expect:
  - success >= 50%%
`

// write runs a scenario and returns its page, parsed, and what has come of it.
func write(t *testing.T, text string, o scenario.Options) (*html.Node, []byte, *scenario.Outcome) {
	t.Helper()
	s, err := scenario.Parse("dir/a <b>.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	o.Seed = s.Seed
	r := NewRecorder(s, 0)
	r.Watch(&o)
	out, err := s.Run(o)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := r.Write(&b, Run{Scenario: s, Outcome: out, Replay: "scamp-sim run 'dir/a <b>.yaml' --seed 3", Version: "v1"}); err != nil {
		t.Fatal(err)
	}
	return parsed(t, b.Bytes()), b.Bytes(), out
}

func parsed(t *testing.T, page []byte) *html.Node {
	t.Helper()
	doc, err := html.Parse(bytes.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// all returns the elements below a node that have this name, and this class if one is given.
func all(n *html.Node, name, class string) (found []*html.Node) {
	for d := range n.Descendants() {
		if d.Type == html.ElementNode && d.Data == name && (class == "" || strings.Contains(" "+attribute(d, "class")+" ", " "+class+" ")) {
			found = append(found, d)
		}
	}
	return found
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func part(t *testing.T, doc *html.Node, id string) *html.Node {
	t.Helper()
	for d := range doc.Descendants() {
		if attribute(d, "id") == id {
			return d
		}
	}
	t.Fatalf("the page has no %s", id)
	return nil
}

func textOf(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return b.String()
}

// dataOf is what the packet view is given.
func dataOf(t *testing.T, doc *html.Node) (data []struct {
	Name, From, To   string
	All, First, Left int
	Packets          [][]any
}) {
	t.Helper()
	if err := json.Unmarshal([]byte(textOf(part(t, doc, "data"))), &data); err != nil {
		t.Fatal(err)
	}
	return data
}

// TestPage: everything is there, as often as it should be.
func TestPage(t *testing.T) {
	doc, page, out := write(t, fmt.Sprintf(shop, "A shop.", "repeats-acks", "Shop.get", "the kill"), scenario.Options{})
	if len(page) > 2<<20 {
		t.Errorf("it has %d octets", len(page))
	}
	if got := textOf(all(doc, "h1", "")[0]); got != "A shop." {
		t.Errorf("the title is %q", got)
	}
	if got := textOf(all(doc, "p", "verdict")[0]); got != "failed" {
		t.Errorf("it says %s", got)
	}
	topology := part(t, doc, "topology")
	for class, want := range map[string]int{"group": 3, "service": 2, "edge": 4, "own": 1, "host": 0, "mark": 2} {
		if got := len(all(topology, "g", class)); got != want {
			t.Errorf("the topology has %d %s, not %d", got, class, want)
		}
	}
	if got := len(all(topology, "rect", "host")); got != 3 {
		t.Errorf("%d hosts of services", got)
	}
	charts := part(t, doc, "time")
	if got := len(all(charts, "rect", "band")); got != 4 {
		t.Errorf("%d bands of two faults in two charts", got)
	}
	if got := len(all(charts, "path", "line")); got != 3 {
		t.Errorf("%d lines", got)
	}
	if got := len(all(charts, "rect", "k0")); got < 50 {
		t.Errorf("calls succeeded in %d parts of the time", got)
	}
	for id, want := range map[string]int{"actions": 3, "expect": 1, "faults": 3} {
		if got := len(all(part(t, doc, id), "tr", "")); got != want {
			t.Errorf("%s has %d rows, not %d", id, got, want)
		}
	}
	failures := part(t, doc, "failures")
	if len(all(failures, "li", "")) != mostFailures || len(all(failures, "details", "trail")) == 0 || !strings.Contains(textOf(failures), "is acknowledged to") {
		t.Errorf("what is wrong: %s", textOf(failures))
	}
	data := dataOf(t, doc)
	if len(data) != out.Stats.Connections {
		t.Errorf("packets of %d connections, of %d", len(data), out.Stats.Connections)
	}
	for _, c := range data {
		if c.From != "web" || c.All != len(c.Packets)+c.Left || len(c.Packets) > firstPackets+lastPackets || c.Packets[0][2] != "HEADER" || c.Packets[0][0].(float64) <= 0 {
			t.Errorf("%s: %d of %d packets, the first is %v", c.Name, len(c.Packets), c.All, c.Packets[0])
		}
	}
	if !strings.Contains(textOf(part(t, doc, "events")), "shop-1 is killed") {
		t.Error("the kill is no event")
	}
}

// TestPageOfHostileNames: names are texts, whatever they have, and nothing comes from
// elsewhere.
func TestPageOfHostileNames(t *testing.T) {
	script := `</script><script>alert(1)</script><!--`
	image := `"><img src=x onerror=alert(2)>'`
	action := "Shop.</script><img/src=x/onerror=alert(3)>{{.}}"
	quoted := func(s string) string { b, _ := json.Marshal(s); return string(b) }
	doc, page, _ := write(t, fmt.Sprintf(shop, quoted(script), "repeats-acks", quoted(action), quoted(image)), scenario.Options{})
	if got := textOf(all(doc, "h1", "")[0]); got != script {
		t.Errorf("the title is %q", got)
	}
	if !strings.Contains(textOf(part(t, doc, "faults")), image) || !strings.Contains(textOf(part(t, doc, "actions")), action) {
		t.Error("names are not what they are")
	}
	if !strings.Contains(fmt.Sprint(dataOf(t, doc)), action) {
		t.Error("no packet names the action")
	}
	scripts := 0
	for d := range doc.Descendants() {
		if d.Type != html.ElementNode {
			continue
		}
		switch d.Data {
		case "script":
			scripts++
		case "img", "iframe", "object", "embed", "link", "base", "image", "use":
			t.Errorf("there is a %s", d.Data)
		}
		for _, a := range d.Attr {
			if strings.HasPrefix(a.Key, "on") || a.Key == "src" || a.Key == "href" && !strings.HasPrefix(a.Val, "#") {
				t.Errorf("%s has %s=%q", d.Data, a.Key, a.Val)
			}
		}
	}
	if scripts != 2 {
		t.Errorf("%d scripts", scripts)
	}
	for _, word := range []string{"@import", "url(http", "//cdn", "fetch(", "XMLHttpRequest", "innerHTML"} {
		if bytes.Contains(page, []byte(word)) {
			t.Errorf("the page has %s", word)
		}
	}
}

// A witness writes nothing, and uses the recorder meanwhile.
type witness struct{ r *Recorder }

func (w witness) Write(b []byte) (int, error) {
	w.r.event(0, "it is written")
	return len(b), nil
}

// TestPageIsWrittenWithoutALock: who is slow to read the page keeps nobody waiting.
func TestPageIsWrittenWithoutALock(t *testing.T) {
	s, err := scenario.Parse("a.yaml", fmt.Appendf(nil, shop, "a", "repeats-acks", "Shop.get", "f"))
	if err != nil {
		t.Fatal(err)
	}
	r := NewRecorder(s, 0)
	written := make(chan error, 1)
	go func() {
		written <- r.Write(witness{r}, Run{Scenario: s, Outcome: &scenario.Outcome{Result: &sim.Result{}}})
	}()
	limit, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	select {
	case err := <-written:
		if err != nil {
			t.Error(err)
		}
	case <-limit.Done():
		t.Error("it waits for itself")
	}
}

// TestRecordingChangesNothing: a run is the same whether it is recorded or not.
func TestRecordingChangesNothing(t *testing.T) {
	for _, name := range []string{"rolling-restart", "slow-acknowledgements", "partition-heals"} {
		text, err := os.ReadFile(filepath.Join("../../golden/sim", name+".yaml"))
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(filepath.Join("../../golden/sim", name+".transcript"))
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		doc, _, _ := write(t, string(text), scenario.Options{Transcript: &got})
		if !bytes.Equal(got.Bytes(), want) {
			t.Errorf("%s: another transcript when the run is recorded", name)
		}
		if len(dataOf(t, doc)) == 0 {
			t.Errorf("%s: nothing was recorded", name)
		}
	}
}

// TestPageIsBounded: however much there is, the page stays below 10 MB, and says what
// it leaves out.
func TestPageIsBounded(t *testing.T) {
	s, err := scenario.Parse("x.yaml", fmt.Appendf(nil, shop, "x", "repeats-acks", "Shop.get", "x"))
	if err != nil {
		t.Fatal(err)
	}
	r := NewRecorder(s, 0)
	var o scenario.Options
	r.Watch(&o)
	body := bytes.Repeat([]byte("<&>"), 30000)
	for i := range uint64(300) {
		for k := range uint64(1000) {
			at := time.Duration(k) * time.Millisecond
			o.Passed(sim.ConnectionID{Requester: "web", Instance: "shop-1", Number: 2*i + 1}, sim.Packet{At: at, Type: "HEADER", Number: k, Size: len(body)}, body)
			o.Noted(at, strings.Repeat("<", 1000))
		}
	}
	result := &sim.Result{}
	for i := range 100 {
		v := sim.Violation{What: strings.Repeat("<", 200), Connection: sim.ConnectionID{Requester: "web", Number: uint64(i)}}
		for range 20 {
			v.Packets = append(v.Packets, sim.Packet{Type: "HEADER", Text: strings.Repeat("<", 96)})
		}
		result.Violations = append(result.Violations, v)
	}
	var b bytes.Buffer
	if err := r.Write(&b, Run{Scenario: s, Outcome: &scenario.Outcome{Result: result}}); err != nil {
		t.Fatal(err)
	}
	if b.Len() > 10<<20 {
		t.Errorf("the page has %d octets", b.Len())
	}
	doc := parsed(t, b.Bytes())
	packets := 0
	for _, c := range dataOf(t, doc) {
		packets += len(c.Packets)
		if c.All != 1000 || c.Left != 1000-len(c.Packets) {
			t.Errorf("%s: %d, %d left", c.Name, c.All, c.Left)
		}
		if n := len(c.Packets); n == firstPackets+lastPackets && (c.Packets[0][3] != 0.0 || c.Packets[firstPackets-1][3] != firstPackets-1.0 || c.Packets[n-1][3] != 999.0) {
			t.Errorf("%s: not the first and the last packets", c.Name)
		}
	}
	if packets < 5000 {
		t.Errorf("%d packets", packets)
	}
	for id, want := range map[string]string{"packets": "180 more connections are left out", "events": "299600 later ones are left out", "failures": "and 92 more"} {
		if !strings.Contains(textOf(part(t, doc, id)), want) {
			t.Errorf("%s does not say %q", id, want)
		}
	}
}

// TestPageOfNothing: a run without calls, or one that did not come to its end, has a
// page.
func TestPageOfNothing(t *testing.T) {
	s, err := scenario.Parse("x.yaml", fmt.Appendf(nil, shop, "x", "repeats-acks", "Shop.get", "x"))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := NewRecorder(s, time.Millisecond).Write(&b, Run{Scenario: s, Outcome: &scenario.Outcome{Result: &sim.Result{}, Panic: fmt.Errorf("it broke\nstack")}}); err != nil {
		t.Fatal(err)
	}
	doc := parsed(t, b.Bytes())
	if text := textOf(doc); !strings.Contains(text, "it broke") || !strings.Contains(text, "There were no calls.") || len(dataOf(t, doc)) != 0 {
		t.Errorf("%s", text)
	}
}

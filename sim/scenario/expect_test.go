package scenario

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gudtech/scamp-sim/sim"
)

func TestScenarioExpectations(t *testing.T) {
	count := tally{kinds: map[sim.Kind]int{}}
	for i := range 100 {
		c := sim.Call{Kind: sim.OK, Took: time.Duration(i+1) * time.Millisecond}
		if i >= 98 {
			c.Kind = sim.Lost
		}
		count.add(&c)
	}
	stats := &sim.Stats{Retries: 7}
	for text, want := range map[string]string{
		"success >= 98%":                   "98.000% (98 of 100) true",
		"success > 98%":                    "98.000% (98 of 100) false",
		"success == 98":                    "98 true",
		"errors<=2":                        "2 true",
		"lost < 2%":                        "2.000% (2 of 100) false",
		"no timed out":                     "0 true",
		"no lost":                          "2 false",
		"timed out = 0":                    "0 true",
		"calls >= 1,000":                   "100 false",
		"p50 < 60ms":                       "49.152ms true",
		"median < 60ms":                    "49.152ms true",
		"max != 98ms":                      "98ms false",
		"mean < 50ms":                      "49.5ms true",
		"retries == 7":                     "7 true",
		"no duplicate executions":          "0 true",
		"p99.9 of Shop.get by web < 100ms": "98ms true",
		"success of shop.GET from 1s to 2m by web > 0": "98 true",
	} {
		e, err := parseExpectation(placed{text: text})
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if x := e.judge(&count, stats); fmt.Sprint(x.Got, " ", x.OK) != want {
			t.Errorf("%s: %s %v, not %s", text, x.Got, x.OK, want)
		}
	}
	empty := &tally{}
	for _, text := range []string{"lost < 1%", "p99 < 1s", "success == 100%"} {
		e, err := parseExpectation(placed{text: text})
		if err != nil {
			t.Fatal(err)
		}
		if x := e.judge(empty, stats); x.OK {
			t.Errorf("%s holds without any call: %s", text, x.Got)
		}
	}
}

func TestScenarioExpectationMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"all is well":                       "expects nothing: write such as",
		"sucess > 1%":                       `nothing is counted as "sucess"; did you mean "success"?`,
		"success > 1":                       "", // a number of calls
		"success > 1.5":                     "neither a share such as 99.9% nor a number",
		"success > 101%":                    "is not from 0% to 100%",
		"calls > 5%":                        "calls are no share of calls",
		"p99 < 250":                         "250 has no unit",
		"p100 < 1s":                         "nothing is counted",
		"p99 < 10%":                         "is not a time",
		"retries by web < 5":                "are counted for the whole run",
		"success from 5s to 2s > 1%":        "is no time",
		"success from 2m > 1%":              "from 2m0s: the run has ended",
		"success of Shop.put > 1%":          `nobody calls Shop.put; did you mean "Shop.get"?`,
		"success by shop > 1%":              "shop is a service; a requester should be here",
		"success by nobody > 1%":            `nothing is called "nobody"`,
		"success from soon > 1%":            `"soon" is not a time`,
		"no":                                "expects nothing",
		"success of Shop.get by web >= 99%": "",
	} {
		_, err := Parse("x.yaml", []byte(small+"expect:\n  - "+text+"\n"))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "x.yaml:11:5: ")) {
			t.Errorf("%s:\n  %v\n  it should say %s", text, err, want)
		}
	}
}

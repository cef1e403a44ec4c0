package scamp_test

import (
	"bytes"
	"errors"
	"log"
	"os"
	"strings"
	"testing"
	"time"

	scamp "github.com/gudtech/scamp-sim/scamp/classic"
	"github.com/gudtech/scamp-sim/scamp/discovery"
)

func TestInitializeSaysWhatIsWrong(t *testing.T) {
	w := begin(t)
	for want, conf := range map[string]string{
		"discovery.cache_path": "",
		"rpc.timeout":          "discovery.cache_path = x\nrpc.timeout = soon\n",
		"nosuch":               "discovery.cache_path = " + w.path("nosuch") + "\n",
	} {
		if err := os.WriteFile(w.path("soa.conf"), []byte(conf), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := scamp.Initialize(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	t.Setenv("SCAMP", w.path("none"))
	if err := scamp.Initialize(); err == nil || !strings.Contains(err.Error(), "$SCAMP") {
		t.Error(err)
	}
}

// TestStaleCache: DISC-CCH-08, at Initialize and later.
func TestStaleCache(t *testing.T) {
	w := begin(t)
	c := connect(t, w)
	past := time.Now().Add(-time.Hour)
	if err := os.Chtimes(w.path("cache"), past, past); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{scamp.Initialize(), new(scamp.Connection).Connect(w.address), c.SendRequest(scamp.Request{Action: "Product.fetch"})} {
		if !errors.Is(err, discovery.ErrStale) {
			t.Error(err)
		}
	}
}

// TestWarnings: what is wrong with the files goes to Warning, and what happens to connections to Trace.
func TestWarnings(t *testing.T) {
	w := begin(t)
	var warnings, trace bytes.Buffer
	oldWarning, oldTrace := scamp.Warning, scamp.Trace
	defer func() { scamp.Warning, scamp.Trace = oldWarning, oldTrace }()
	scamp.Warning, scamp.Trace = log.New(&warnings, "", 0), log.New(&trace, "", 0)
	text, err := os.ReadFile(w.path("cache"))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"cache":               string(text) + "\n%%%\nnonsense\n\n",
		"authorized_services": "nonsense\n",
		"soa.conf":            "nonsense\ndiscovery.cache_path = " + w.path("cache") + "\nbus.authorized_services = " + w.path("authorized_services") + "\n",
	} {
		if err := os.WriteFile(w.path(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := connect(t, w)
	if err := c.SendRequest(scamp.Request{Action: "Product.fetch"}); err == nil {
		t.Error("sent")
	}
	c.Close()
	for _, want := range []string{"nonsense", "record is not used", "authorized_services: line 1"} {
		if !strings.Contains(warnings.String(), want) {
			t.Errorf("%q is not in %s", want, warnings.String())
		}
	}
}

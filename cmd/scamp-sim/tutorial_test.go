package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestTutorial does what docs/tutorial.md says: a service that announces itself, the cache manager, a caller, and the
// command, each in a process of its own.
func TestTutorial(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the service is stopped with a signal")
	}
	b, ok := multicast(t)
	if !ok {
		return // it has passed elsewhere
	}
	dir := t.TempDir()
	config, cache := b.config(t, dir)
	t.Setenv("SCAMP_CONFIG", config)
	if o := scampSim(t, "", "provision", "greeter", "--dir", dir, "--bits", "2048"); o.code != 0 {
		t.Fatalf("%+v", o)
	}
	build := exec.Command("go", "build", "-o", dir+string(filepath.Separator), "../../docs/tutorial/...")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	call := func(names ...string) string {
		out, _ := exec.Command(filepath.Join(dir, "caller"), names...).CombinedOutput()
		return string(out)
	}
	if got := call("Ada"); !strings.Contains(got, "stale") {
		t.Errorf("without a cache manager: %s", got)
	}
	manager := start(t, "cache", "manage")
	manager.watch(t, dir)
	greeter := exec.Command(filepath.Join(dir, "greeter"))
	greeter.Stderr = os.Stderr
	if err := greeter.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { greeter.Process.Kill() })
	manager.eventually(t, "the service", func() bool { return strings.Contains(call("Ada"), "Hello, Ada!") })
	if got, want := call("Ada", "", "Grace"), "Hello, Ada!\nthe service says: who are you?\nHello, Grace!\n"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if o := scampSim(t, "", "request", "Greeting.hello", `{"Name":"you"}`); o.stdout != `{"Text":"Hello, you!"}` {
		t.Errorf("%+v", o)
	}
	if o := scampSim(t, "", "request", "_meta.documentation"); !strings.Contains(o.stdout, "Greets a guest.") {
		t.Errorf("%+v", o)
	}
	if o := scampSim(t, "", "cache", "list", cache); !strings.Contains(o.stdout, "greeter:") {
		t.Errorf("%+v", o)
	}
	if err := greeter.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	manager.eventually(t, "the end of the service's announcements", func() bool { return strings.Contains(call("Ada"), "no service announces it") })
	if err := greeter.Wait(); err != nil {
		t.Errorf("the service: %v", err)
	}
	manager.stop(t)
}

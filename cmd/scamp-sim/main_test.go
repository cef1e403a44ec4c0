package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// binary is the command, built for the tests.
var binary string

// givenBinary is the variable that names it to a test that another one runs.
const givenBinary = "SCAMP_SIM_TEST_BINARY"

func TestMain(m *testing.M) {
	for _, s := range schedulers { // the tests may be a part of something themselves
		os.Unsetenv(s.index)
		os.Unsetenv(s.count)
	}
	if binary = os.Getenv(givenBinary); binary != "" {
		os.Exit(m.Run())
	}
	dir, err := os.MkdirTemp("", "scamp-sim")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binary = filepath.Join(dir, "scamp-sim")
	build := exec.Command("go", "build", "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// An outcome is what a run of the command has left.
type outcome struct {
	code           int
	stdout, stderr string
}

// How long a command may run that a test waits for, at most: most do so for seconds, the suite may wait for what a server does not do in
// each of its cases. mostLeft bounds what it has written after its end.
const (
	mostRun   = 4 * time.Minute
	mostSuite = 20 * time.Minute
	mostLeft  = 20 * time.Second
)

// scampSim runs the command to its end.
func scampSim(t *testing.T, stdin string, args ...string) outcome {
	t.Helper()
	return scampSimWithin(t, mostRun, stdin, args...)
}

func scampSimWithin(t *testing.T, most time.Duration, stdin string, args ...string) outcome {
	t.Helper()
	limit, cancel := context.WithTimeout(t.Context(), most)
	defer cancel()
	cmd := exec.CommandContext(limit, binary, args...)
	cmd.Cancel, cmd.WaitDelay = func() error { return quit(cmd) }, mostLeft
	cmd.Stdin = strings.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if limit.Err() != nil {
		t.Fatalf("%q has not ended within %v: %s", args, most, stderr.String())
	}
	if exit := (*exec.ExitError)(nil); err != nil && !asExit(err, &exit) {
		t.Fatal(err)
	}
	return outcome{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// quit ends a command that does not end, and lets it say what its goroutines do.
func quit(cmd *exec.Cmd) error {
	if err := cmd.Process.Signal(syscall.SIGQUIT); err == nil {
		return nil
	}
	return cmd.Process.Kill()
}

func asExit(err error, exit **exec.ExitError) bool {
	e, ok := err.(*exec.ExitError)
	*exit = e
	return ok
}

// A served is a running "scamp-sim serve".
type served struct {
	cmd              *exec.Cmd
	uri, fingerprint string
}

// serve starts a server on a free port. It ends with the test.
func serve(t *testing.T, args ...string) *served {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, binary, append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...)
	cmd.Stderr, cmd.WaitDelay = os.Stderr, mostLeft
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		cmd.Wait()
	})
	limit, over := context.WithTimeout(ctx, longest)
	defer over()
	ready := context.AfterFunc(limit, cancel)
	line := make([]byte, 200)
	n, err := out.Read(line)
	ready()
	if err != nil {
		t.Fatal("serve is not ready: ", err)
	}
	uri, fingerprint, ok := strings.Cut(strings.TrimSuffix(string(line[:n]), "\n"), "\t")
	if !ok || !strings.HasPrefix(uri, "beepish+tls://127.0.0.1:") || len(fingerprint) != 59 {
		t.Fatalf("serve says %q", line[:n])
	}
	return &served{cmd, uri, fingerprint}
}

// oneLine fails unless the command said one line that has these words, and ended with this status.
func (o outcome) oneLine(t *testing.T, code int, words ...string) {
	t.Helper()
	if o.code != code {
		t.Errorf("exit status %d, want %d; stderr: %s", o.code, code, o.stderr)
	}
	if n := strings.Count(o.stderr, "\n"); n != 1 {
		t.Errorf("%d lines on standard error: %s", n, o.stderr)
	}
	for _, w := range append(words, "scamp-sim: ") {
		if !strings.Contains(o.stderr, w) {
			t.Errorf("nothing about %q in %q", w, o.stderr)
		}
	}
	if strings.Contains(o.stderr, "goroutine ") {
		t.Errorf("a stack trace: %s", o.stderr)
	}
}

package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// peakMemory is the largest resident set of a process, in octets.
func peakMemory(t *testing.T, pid int) (int, bool) {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`VmHWM:\s+([0-9]+) kB`).FindSubmatch(status)
	if m == nil {
		t.Fatalf("no VmHWM in %s", status)
	}
	kb, _ := strconv.Atoi(string(m[1]))
	return kb << 10, true
}

// 256 MiB of JSON text go through the echo with a resident set below 64 MiB on both sides.
func TestLargeBodiesAreStreamed(t *testing.T) {
	const size = 256 << 20
	s := serve(t)
	cmd := exec.CommandContext(t.Context(), binary, "request", "--server", s.uri, "--fingerprint", s.fingerprint, "Conformance.echo", "-")
	last, end := io.Pipe() // the last octet waits until the memory has been measured
	cmd.Stdin = io.MultiReader(strings.NewReader(`"`), io.LimitReader(exes{}, size-2), last)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 1<<20)
	for n := 0; n < size-1; {
		k, err := out.Read(buf)
		for i, b := range buf[:k] {
			if b != 'x' && n+i != 0 {
				t.Fatalf("octet %d is %q", n+i, b)
			}
		}
		n += k
		if err != nil {
			t.Fatalf("after %d octets: %v", n, err)
		}
	}
	requester, _ := peakMemory(t, cmd.Process.Pid)
	server, _ := peakMemory(t, s.cmd.Process.Pid)
	t.Logf("resident set: requester %d MiB, server %d MiB", requester>>20, server>>20)
	if requester >= 64<<20 || server >= 64<<20 {
		t.Errorf("the resident set is not below 64 MiB")
	}
	io.WriteString(end, `"`)
	end.Close()
	rest, _ := io.ReadAll(out)
	if err := cmd.Wait(); err != nil || string(rest) != `"` {
		t.Fatalf("the end is %q: %v", rest, err)
	}
}

// exes is an endless stream of x.
type exes struct{}

func (exes) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

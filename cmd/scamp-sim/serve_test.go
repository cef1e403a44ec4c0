package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/gudtech/scamp-sim/fixtures"
)

func TestServeEndsWithASignal(t *testing.T) {
	s := serve(t)
	s.cmd.Process.Signal(syscall.SIGTERM)
	if err := s.cmd.Wait(); err != nil {
		t.Error(err)
	}
}

func TestServeRefusesBadInput(t *testing.T) {
	s := serve(t)
	taken := strings.TrimPrefix(s.uri, "beepish+tls://")
	for name, tc := range map[string]struct{ args, words []string }{
		"address taken": {[]string{"--listen", taken}, []string{"--listen", "address already in use"}},
		"no bug":        {[]string{"--bug", "nosuch"}, []string{"nosuch", "--bug list"}},
		"half a pair":   {[]string{"--cert", "x.pem"}, []string{"--key"}},
		"no file":       {[]string{"--cert", "x.pem", "--key", "y.pem"}, []string{"x.pem"}},
		"arguments":     {[]string{"more"}, []string{"more"}},
	} {
		t.Run(name, func(t *testing.T) {
			scampSim(t, "", append([]string{"serve"}, tc.args...)...).oneLine(t, 2, tc.words...)
		})
	}
}

// A certificate of your own.
func TestServeWithACertificate(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"other.cert.pem", "other.key.pem"} {
		b, err := fixtures.FS.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name), string(b))
	}
	s := serve(t, "--cert", filepath.Join(dir, "other.cert.pem"), "--key", filepath.Join(dir, "other.key.pem"))
	if s.fingerprint != fixtures.Fingerprint("other") {
		t.Error(s.fingerprint)
	}
}

func TestServeListsBugs(t *testing.T) {
	o := scampSim(t, "", "serve", "--bug", "list")
	form := regexp.MustCompile(`^[a-z0-9-]+ +WIRE-[A-Z]+-[0-9]{2}[a-z]? +.+$`)
	lines := strings.Split(strings.TrimSpace(o.stdout), "\n")
	if o.code != 0 || len(lines) < 60 {
		t.Fatalf("exit %d, %d lines", o.code, len(lines))
	}
	for _, line := range lines {
		if !form.MatchString(line) {
			t.Errorf("%q", line)
		}
	}
}

// peakMemory is the largest resident set of a process, in octets.
func peakMemory(t *testing.T, pid int) int {
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
	return kb << 10
}

// 256 MiB of JSON text go through the echo with a resident set below 64 MiB on both sides.
func TestLargeBodiesAreStreamed(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the resident set is read from /proc, which only Linux has")
	}
	const size = 256 << 20
	s := serve(t)
	cmd := exec.CommandContext(t.Context(), binary, "request", "--server", s.uri, "--fingerprint", s.fingerprint, "Conformance.echo", "-")
	cmd.Stdin = io.MultiReader(strings.NewReader(`"`), io.LimitReader(exes{}, size-2), strings.NewReader(`"`))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	n, peak := int64(0), 0
	buf := make([]byte, 1<<20)
	for {
		k, err := out.Read(buf)
		for i, b := range buf[:k] {
			if want := byte('x'); b != want && n+int64(i) != 0 && n+int64(i) != size-1 {
				t.Fatalf("octet %d is %q", n+int64(i), b)
			}
		}
		if n += int64(k); n > size/2 && peak == 0 {
			peak = peakMemory(t, cmd.Process.Pid)
		}
		if n > size-(4<<20) && err == nil {
			peak = max(peak, peakMemory(t, cmd.Process.Pid))
		}
		if err != nil {
			break
		}
	}
	if err := cmd.Wait(); err != nil || n != size {
		t.Fatalf("%d octets came back: %v", n, err)
	}
	server := peakMemory(t, s.cmd.Process.Pid)
	t.Logf("resident set: requester %d MiB, server %d MiB", peak>>20, server>>20)
	if peak == 0 || peak >= 64<<20 || server >= 64<<20 {
		t.Errorf("resident set: requester %d MiB, server %d MiB, want less than 64", peak>>20, server>>20)
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

// Peers do their worst to a real server: their connections are closed, its memory stays bounded, others do not notice.
func TestHostilePackets(t *testing.T) {
	s := serve(t)
	hostport := strings.TrimPrefix(s.uri, "beepish+tls://")
	header := func(text string) string { return fmt.Sprintf("HEADER 0 %d\r\n%sEND\r\n", len(text), text) }
	open := func(w io.Writer) {
		for n := range 1000000 {
			h := fmt.Sprintf(`{"type":"request","action":"Conformance.count","version":1,"envelope":"json","request_id":%d}`, n+1)
			if _, err := fmt.Fprintf(w, "HEADER %d %d\r\n%sEND\r\n", n, len(h), h); err != nil {
				return
			}
		}
	}
	text := func(s string) func(io.Writer) { return func(w io.Writer) { io.WriteString(w, s) } }
	for name, attack := range map[string]func(io.Writer){
		"negative length":       text("DATA 0 -1\r\n"),
		"huge length":           text("HEADER 0 9223372036854775807\r\n"),
		"null header":           text(header("null")),
		"nested":                text(header(`{"request_id":` + strings.Repeat("[", 100000) + "}")),
		"a million open":        open,
		"line without end":      text(strings.Repeat("A", 100000)),
		"not packets":           text("GET / HTTP/1.1\r\nHost: example.net\r\n\r\n"),
		"number beyond 64 bits": text("DATA 99999999999999999999999 0\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			c, err := tls.Dial("tcp", hostport, &tls.Config{InsecureSkipVerify: true})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			done := make(chan struct{})
			go func() {
				defer close(done)
				attack(c)
			}()
			io.Copy(io.Discard, c) // until the server closes
			<-done
			o := scampSim(t, "", "request", "--server", s.uri, "--insecure", "Conformance.echo", `{"alive":true}`)
			if o.stdout != `{"alive":true}` {
				t.Errorf("others notice: %+v", o)
			}
		})
	}
	if runtime.GOOS == "linux" {
		if peak := peakMemory(t, s.cmd.Process.Pid); peak > 200<<20 {
			t.Errorf("the resident set grew to %d MiB", peak>>20)
		}
	}
}

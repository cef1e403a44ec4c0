package main

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gudtech/scamp-sim/scamp/discovery"
	"github.com/gudtech/scamp-sim/sim/simnet"
)

// A daemon is a running command of which the output can be read meanwhile. What it writes is news.
type daemon struct {
	news
	cmd            *exec.Cmd
	stdout, stderr *output
}

// An output is what a process has written so far.
type output struct {
	news *news
	mu   sync.Mutex
	buf  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	defer o.news.happens()
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// start starts a command that runs until it is told to stop, or until the test ends.
func start(t *testing.T, args ...string) *daemon {
	t.Helper()
	d := &daemon{cmd: exec.Command(binary, args...)}
	d.stdout, d.stderr = &output{news: &d.news}, &output{news: &d.news}
	d.cmd.Stdout, d.cmd.Stderr, d.cmd.WaitDelay = d.stdout, d.stderr, mostLeft
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		d.cmd.Process.Kill()
		d.cmd.Wait()
	})
	return d
}

// wait waits for the end of the command. When it does not come, what its goroutines do is in stderr.
func (d *daemon) wait(t *testing.T) error {
	limit, cancel := context.WithTimeout(t.Context(), longest)
	defer cancel()
	defer context.AfterFunc(limit, func() { quit(d.cmd) })()
	return d.cmd.Wait()
}

// stop asks the command to stop, and fails unless it does so at once and says that all is well.
func (d *daemon) stop(t *testing.T) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("no process is told to stop here")
	}
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	asked := time.Now()
	if err := d.wait(t); err != nil {
		t.Errorf("SIGTERM ends it with %v: %s", err, d.stderr)
	}
	if took := time.Since(asked); took > 5*time.Second {
		t.Errorf("it took %v to stop", took)
	}
	if strings.Contains(d.stderr.String(), "goroutine ") {
		t.Errorf("a stack trace: %s", d.stderr)
	}
}

// content is that of a file; "missing" if there is none.
func content(file string) string {
	b, err := os.ReadFile(file)
	if err != nil {
		return "missing"
	}
	return string(b)
}

// The daemon keeps what it hears in the file that its configuration names, and ends cleanly (DISC-CMG).
func TestManage(t *testing.T) {
	b, ok := multicast(t)
	if !ok {
		return // it has passed elsewhere
	}
	t.Parallel()
	dir := t.TempDir()
	config, cache := b.config(t, dir, "nonsense", "discovery.cache_max_age = 10", "discovery.seed_hosts = 192.0.2.1")
	d := start(t, "cache", "manage", "--config", config)
	d.watch(t, dir)
	d.eventually(t, "an empty file on a silent network", func() bool { return content(cache) == "" })

	server := fixtureSigner(t, "server")
	packet, err := server.SignData([]byte(strings.Replace(announced, ",5000,", ",1000,", 1)))
	if err != nil {
		t.Fatal(err)
	}
	compressed, err := discovery.Compress(packet)
	if err != nil {
		t.Fatal(err)
	}
	b.send(t, []byte("garbage"))
	b.send(t, compressed)
	d.eventually(t, "the instance in the file", func() bool { return strings.Contains(content(cache), `[3,"x"`) })
	if o := scampSim(t, "", "cache", "check", cache); o.code != 0 || !strings.Contains(o.stdout, "1 record: 1 usable, 0 not") {
		t.Errorf("%+v", o)
	}
	if o := scampSim(t, "", "cache", "list", cache, "--raw"); !strings.HasPrefix(o.stdout, "x\tmain\t1\t1\t") {
		t.Errorf("%+v", o)
	}
	d.eventually(t, "an empty file when it is silent", func() bool { return content(cache) == "" })

	b.send(t, compressed)
	d.eventually(t, "the instance in the file again", func() bool { return content(cache) != "" })
	d.stop(t)
	if o := scampSim(t, "", "cache", "check", cache); o.code != 0 || !strings.Contains(o.stdout, "1 record: ") {
		t.Errorf("after the end: %+v", o)
	}
	if left, _ := filepath.Glob(cache + ".*"); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
	for _, want := range []string{
		"managing the discovery cache", b.at.String(), "127.0.0.1", "max_age=10s", `soa.conf:5: \"nonsense\" has no effect`, "key=discovery.seed_hosts",
		`msg="cache written" instances=0`, `msg="cache written" instances=1`, `msg="announcement not used"`, "DISC-", "msg=stopped",
	} {
		if !strings.Contains(d.stderr.String(), want) {
			t.Errorf("no %q in the log:\n%s", want, d.stderr)
		}
	}
	if d.stdout.String() != "" {
		t.Errorf("standard output: %q", d.stdout)
	}
}

// What keeps a file from being written is told once for all attempts, and again when it is something else; that it is over is told, too.
func TestManageTellsOnce(t *testing.T) {
	dir := t.TempDir()
	missing := filepath.Join(dir, "later")
	log := &output{news: new(news)}
	told := func(what string) int { return strings.Count(log.String(), what) }
	err := simnet.Bubble(func() {
		network := simnet.NewNetwork(1, false)
		defer network.Close()
		conn, err := network.Host("here").ListenPacket("udp", ":5555")
		if err != nil {
			t.Error(err)
			return
		}
		var attempts atomic.Int64
		m := discovery.NewManager(conn, filepath.Join(missing, "cache"))
		report := reportWrites(slog.New(slog.NewTextHandler(log, nil)), "cache")
		m.Wrote = func(instances int, err error) {
			attempts.Add(1)
			report(instances, err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		var running sync.WaitGroup
		running.Go(func() {
			if err := m.Run(ctx); err != nil {
				t.Error(err)
			}
		})
		pass := func(d time.Duration) {
			simnet.Sleep(d)
			simnet.Settle()
		}
		pass(time.Minute)
		if attempts.Load() < 50 || told("cannot be written") != 1 {
			t.Errorf("%d attempts:\n%s", attempts.Load(), log)
		}
		if err := os.MkdirAll(filepath.Join(missing, "cache.new"), 0o755); err != nil {
			t.Error(err)
		}
		pass(time.Minute)
		if attempts.Load() < 100 || told("cannot be written") != 2 || told("cache written") != 0 {
			t.Errorf("%d attempts:\n%s", attempts.Load(), log)
		}
		os.Remove(filepath.Join(missing, "cache.new"))
		pass(2 * time.Second)
		if told("cannot be written") != 2 || told("cache written") != 1 || content(filepath.Join(missing, "cache")) != "" {
			t.Errorf("when it is over:\n%s", log)
		}
		cancel()
		running.Wait()
	})
	if err != nil {
		t.Error(err)
	}
}

// A file that cannot be written is told of, once, and written when that is over.
func TestManageTrouble(t *testing.T) {
	b, ok := multicast(t)
	if !ok {
		return // it has passed elsewhere
	}
	t.Parallel()
	dir := t.TempDir()
	missing := filepath.Join(dir, "later")
	config, _ := b.config(t, dir)
	text := strings.Replace(content(config), filepath.Join(dir, "cache"), filepath.Join(missing, "cache"), 1)
	write(t, config, text)
	d := start(t, "cache", "manage", "--config", config)
	d.eventually(t, "a complaint", func() bool { return strings.Contains(d.stderr.String(), "the cache cannot be written") })
	if err := os.Mkdir(missing, 0o755); err != nil {
		t.Fatal(err)
	}
	d.watch(t, missing)
	d.eventually(t, "the file", func() bool { return content(filepath.Join(missing, "cache")) == "" })
	d.stop(t)
	if n := strings.Count(d.stderr.String(), "cannot be written"); n != 1 {
		t.Errorf("told %d times:\n%s", n, d.stderr)
	}
}

// What is wrong with the configuration is told with its place; nothing is started.
func TestManageRefuses(t *testing.T) {
	dir := t.TempDir()
	config := filepath.Join(dir, "soa.conf")
	const good = "bus.address = 127.0.0.1\ndiscovery.cache_path = cache\n"
	for name, tc := range map[string]struct {
		text  string
		words []string
	}{
		"no cache path":       {"bus.address = 127.0.0.1\n", []string{"soa.conf: discovery.cache_path"}},
		"port":                {good + "discovery.port = many\n", []string{"soa.conf:3: discovery.port", `"many"`}},
		"age":                 {good + "discovery.cache_max_age = 2m\n", []string{"soa.conf:3: discovery.cache_max_age", `"2m"`}},
		"group":               {good + "discovery.multicast_address = everybody\n", []string{"soa.conf:3: discovery.multicast_address"}},
		"no group":            {good + "discovery.multicast_address = 127.0.0.1\n", []string{"discovery.multicast_address", "no multicast address"}},
		"another's address":   {good + "discovery.address = 192.0.2.77\n", []string{"soa.conf:3: discovery.address", "192.0.2.77"}},
		"a missing interface": {good + "discovery.address = if:nosuch0\n", []string{"soa.conf:3: discovery.address", "nosuch0"}},
	} {
		t.Run(name, func(t *testing.T) {
			write(t, config, tc.text)
			scampSim(t, "", "cache", "manage", "--config", config).oneLine(t, 2, tc.words...)
			if name != "age" && name != "no cache path" {
				scampSim(t, "", "cache", "watch", "--config", config).oneLine(t, 2, tc.words...)
			}
		})
	}
	if _, err := os.Stat(filepath.Join(dir, "cache")); err == nil {
		t.Error("a file is written")
	}
}

// Announcements are printed as they arrive, with what became of them (DISC-TOL-02).
func TestWatch(t *testing.T) {
	b, ok := multicast(t)
	if !ok {
		return // it has passed elsewhere
	}
	config, _ := b.config(t, t.TempDir())
	d := start(t, "cache", "watch", "--config", config)
	d.eventually(t, "it listens", func() bool { return strings.Contains(d.stderr.String(), "listening to "+b.at.String()) })
	server := fixtureSigner(t, "server")
	packet, err := server.SignData([]byte(announced))
	if err != nil {
		t.Fatal(err)
	}
	compressed, err := discovery.Compress(packet)
	if err != nil {
		t.Fatal(err)
	}
	forged := bytes.Replace(packet, []byte(`"Foo"`), []byte(`"Bar"`), 1)
	for _, datagram := range [][]byte{compressed, compressed, packet, forged, {0x78, 0x9c, 0x1b}} {
		b.send(t, datagram)
	}
	from := b.out.LocalAddr().(*net.UDPAddr).String()
	d.eventually(t, "all five", func() bool {
		return strings.Count(d.stdout.String(), "\n# ")+1 == 5 && strings.Contains(d.stdout.String(), `\x1b`)
	})
	d.stop(t)
	rest := d.stdout.String()
	for _, want := range []string{
		" from " + from + ": x, 1 action, weight 1, beepish+tls://127.0.0.1:30100\n%%% [Compressed] ", string(packet),
		"known\n%%% [Compressed] ", "known\n%%% [Uncompressed] ", "not used: signature: ", "%%% [Uncompressed] ", string(forged), "%%% [Decompress error] ", `"x\x9c\x1b"`,
	} {
		_, after, ok := strings.Cut(rest, want)
		if !ok {
			t.Fatalf("no %q in\n%s", want, rest)
		}
		rest = after
	}
}

// On a terminal a packet is shown without what could disturb it; elsewhere as it came.
func TestSightingOnATerminal(t *testing.T) {
	s := discovery.Sighting{From: &net.UDPAddr{}, Packet: []byte("a\x1b[2Jb\nc\n"), Err: &discovery.Error{Reason: "of \x1b[2J"}}
	if got := sighting(s, time.Now(), true); strings.Contains(got, "\x1b") || !strings.Contains(got, "a\\u001b[2Jb\nc\n") {
		t.Errorf("%q", got)
	}
	if got := sighting(s, time.Now(), false); !strings.Contains(got, "a\x1b[2Jb\nc\n") || strings.Count(got, "\x1b") != 1 {
		t.Errorf("%q", got)
	}
}

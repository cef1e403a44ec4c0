package soaconf

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func parse(t *testing.T, text string) *Config {
	t.Helper()
	c, err := Parse("/etc/bus/soa.conf", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The grammar of a line (DISC-CFG-01).
func TestLines(t *testing.T) {
	for name, tc := range map[string]struct{ text, key, want string }{
		"01a: CR LF":                  {"a = b\r\nc = d\r\n", "a", "b"},
		"01b: comment behind":         {"a = b # c", "a", "b"},
		"01b: comment without blanks": {"a = b#c", "a", "b"},
		"01b: commented out":          {"#a = b", "a", ""},
		"01c: blanks":                 {" \ta  =\t b \t", "a", "b"},
		"01d: first equals sign":      {"a=b=c", "a", "b=c"},
		"01e: free text":              {"a = 10.0.0.1 10.0.0.2", "a", "10.0.0.1 10.0.0.2"},
		"01f: an empty value hides":   {"a =\na = b", "a", ""},
		"01g: the first line wins":    {"a = b\na = c", "a", "b"},
		"01h: no equals sign":         {"nonsense\n= x\na = b", "a", "b"},
		"01i: plain keys":             {"a.99999999999 = x\na b = y\na = b", "a b", "y"},
		"01j: long lines":             {"long = " + strings.Repeat("x", 1<<20) + "\na = b", "a", "b"},
		"no final LF":                 {"a = b", "a", "b"},
		"keys have case":              {"A = b", "a", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := parse(t, tc.text).Lookup(tc.key)
			if got != tc.want || ok != (tc.want != "") {
				t.Errorf("%q %v, want %q", got, ok, tc.want)
			}
		})
	}
}

func TestWarnings(t *testing.T) {
	c := parse(t, "good = 1\nnonsense\n = x\ngood = 2\n")
	var lines []int
	for _, w := range c.Warnings {
		lines = append(lines, w.Line)
	}
	if !slices.Equal(lines, []int{2, 3, 4}) || !strings.Contains(c.Warnings[2].Error(), "/etc/bus/soa.conf:4: good: ") {
		t.Errorf("%v", c.Warnings)
	}
	if !slices.Equal(c.Keys(), []string{"good"}) {
		t.Error(c.Keys())
	}
}

func TestWhatIsNoConfiguration(t *testing.T) {
	for name, text := range map[string]string{
		"/x.conf:2: the line is not UTF-8": "a = b\nc = \xff\n",
		"/x.conf: the file has":            strings.Repeat("#", maxFile+1),
	} {
		if _, err := Parse("/x.conf", []byte(text)); err == nil || !strings.HasPrefix(err.Error(), name) {
			t.Errorf("%v, want %s", err, name)
		}
	}
}

// Every key of the specification's table is in Table, with its default, unit and older name (DISC-CFG-05a).
func TestTableIsTheSpecifications(t *testing.T) {
	spec, err := os.ReadFile("../../docs/spec/discovery.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(spec), "\n### 20.4 Keys\n")
	section, _, _ = strings.Cut(section, "\n\"Optional\" keys")
	known := map[string]Key{}
	for _, k := range Table {
		known[k.Name] = k
	}
	rows := 0
	for row := range strings.SplitSeq(section, "\n") {
		cells := strings.Split(row, " | ")
		if len(cells) != 5 || !strings.HasPrefix(row, "| `") || strings.Contains(row, "circular.") || strings.Contains(row, "nobody") {
			continue
		}
		for name := range strings.SplitSeq(strings.TrimPrefix(cells[0], "| "), ", ") {
			name = strings.Trim(name, "`")
			if name == "<name>.key" || name == "<name>.cert" {
				continue // the older names of two others
			}
			rows++
			k, ok := known[name]
			if !ok {
				t.Errorf("%s is missing", name)
				continue
			}
			delete(known, name)
			if !strings.HasPrefix(cells[2], string(k.Unit)) {
				t.Errorf("%s: unit %q, want %q", name, k.Unit, cells[2])
			}
			def := strings.Trim(cells[1], "`")
			switch {
			case strings.Contains(cells[1], "<configuration directory>/"):
				def = strings.TrimPrefix(def, "<configuration directory>/")
			case !strings.HasPrefix(cells[1], "`") || strings.HasPrefix(def, "bus.address"), strings.Contains(cells[1], "see "):
				def = ""
			}
			if k.Default != def && !strings.HasPrefix(name, "<name>.soa_") {
				t.Errorf("%s: default %q, want %q", name, k.Default, def)
			}
			if i := strings.Index(cells[4], "older name `"); i >= 0 {
				older, _, _ := strings.Cut(cells[4][i+len("older name `"):], "`")
				if k.Older != older {
					t.Errorf("%s: older name %q, want %q", name, k.Older, older)
				}
			}
		}
	}
	if rows < 40 {
		t.Errorf("only %d keys found: the test is blind", rows)
	}
	for name := range known {
		t.Errorf("%s is not in the specification", name)
	}
}

func TestDefaults(t *testing.T) {
	c := parse(t, "")
	for name, got := range map[string]any{
		"5555":                         must(c.DiscoveryPort()),
		"239.63.248.106":               must(c.MulticastAddress()).String(),
		"2m0s":                         must(c.CacheMaxAge()).String(),
		"1m15s":                        must(c.RPCTimeout()).String(),
		"1m30s":                        must(c.ClientTimeout()).String(),
		"2m":                           strings.TrimSuffix(must(c.ServerTimeout()).String(), "0s"),
		"65536":                        must(c.MaxInflight()),
		"20":                           must(c.BindTries()),
		"main":                         c.DefaultSector(),
		"/etc/bus/authorized_services": c.AuthorizedServices(),
		"/etc/bus/auth/ticket_verify_public_key.pem": c.TicketKey(),
		"8":    must(c.WorkerLimit()),
		"5":    must(c.WorkerStart()),
		"1m":   strings.TrimSuffix(must(c.WorkerTimeout()).String(), "0s"),
		"100":  must(c.WorkerRequests()),
		"2s":   must(c.WorkerKillDelay()).String(),
		"2":    must(c.LogLevel()),
		"8080": must(c.DispatcherPort()),
		"10s":  must(c.DispatcherDelay()).String(),
		"":     c.RunningServiceDir(),
	} {
		if s := fmt.Sprint(got); s != name {
			t.Errorf("%v, want %s", got, name)
		}
	}
	if first, last, err := c.PortRange(); first != 30100 || last != 30399 || err != nil {
		t.Error(first, last, err)
	}
	if least, most, err := c.WorkerSpares(); least != 2 || most != 4 || err != nil {
		t.Error(least, most, err)
	}
	if on, _, err := c.LocalMulticast(); on || c.AuthLocalhost() || len(c.SeedHosts()) > 0 || err != nil {
		t.Error("something is on by default")
	}
	if key, cert := c.KeyPair("ledger"); key != "/etc/bus/services/ledger.key" || cert != "/etc/bus/services/ledger.crt" {
		t.Error(key, cert)
	}
	if log, stderr := c.LogFiles("ledger"); log != "/var/log/SCAMP/service-ledger.log" || stderr != "/var/log/scamp/service-ledger-stderr.log" {
		t.Error(log, stderr)
	}
	if cert, key := c.DispatcherTLS(); cert != "" || key != "" {
		t.Error(cert, key)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestSettings(t *testing.T) {
	c := parse(t, `
discovery.port = 6000
discovery.multicast_address = 239.1.2.3
discovery.cache_path = /run/cache
discovery.known_hosts = a b
discovery.auth_localhost = yes
discovery.local_multicast =
discovery.local_port = 7000
bus.authorized_services = /srv/authorized
bus.default_sector = web
scamp.first_port = 31000
scamp.last_port = 1
beepish.last_port = 31009
rpc.timeout = 5
ledger.key = /k
ledger.soa_cert = /c
ledger.cert = /ignored
httpgateway.listener.1.port = 80
http.listener.1.groups = Foo, Bar Baz
dispatcher.ssl_cert_file = /cert
dispatcher.ssl_key_file = /key
`)
	if v := must(c.DiscoveryPort()); v != 6000 {
		t.Error(v)
	}
	if v := must(c.MulticastAddress()); v != netip.MustParseAddr("239.1.2.3") {
		t.Error(v)
	}
	if v := must(c.CachePath()); v != "/run/cache" {
		t.Error(v)
	}
	if v := c.SeedHosts(); !slices.Equal(v, []string{"a", "b"}) || !c.AuthLocalhost() || c.DefaultSector() != "web" || c.AuthorizedServices() != "/srv/authorized" {
		t.Error(v)
	}
	if on, a, err := c.LocalMulticast(); !on || a.String() != "239.63.248.106:7000" || err != nil {
		t.Error(on, a, err)
	}
	if first, last, err := c.PortRange(); first != 31000 || last != 31009 || err != nil {
		t.Error("DISC-CFG-05d:", first, last, err)
	}
	if v := must(c.RPCTimeout()); v != 5*time.Second {
		t.Error(v)
	}
	if key, cert := c.KeyPair("ledger"); key != "/k" || cert != "/c" {
		t.Error("DISC-CFG-05e:", key, cert)
	}
	if port, groups, err := c.GatewayListener(1); port != 80 || !slices.Equal(groups, []string{"Foo", "Bar", "Baz"}) || err != nil {
		t.Error(port, groups, err)
	}
	if port, groups, err := c.GatewayListener(2); port != 0 || len(groups) > 0 || err != nil {
		t.Error(port, groups, err)
	}
	if cert, key := c.DispatcherTLS(); cert != "/cert" || key != "/key" {
		t.Error(cert, key)
	}
}

// An error names the file, the line and the key (DISC-CFG-03, DISC-CFG-05c).
func TestErrorsNameTheLine(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		get  func(*Config) error
		want string
	}{
		"not a number":  {"\ndiscovery.port = abc", func(c *Config) error { _, err := c.DiscoveryPort(); return err }, `/etc/bus/soa.conf:2: discovery.port: "abc" is not a decimal integer from 1 to 65535 (UDP port)`},
		"out of range":  {"discovery.port = 70000", func(c *Config) error { _, err := c.DiscoveryPort(); return err }, `soa.conf:1: discovery.port: "70000"`},
		"a sign":        {"rpc.timeout = +5", func(c *Config) error { _, err := c.RPCTimeout(); return err }, "soa.conf:1: rpc.timeout"},
		"a fraction":    {"rpc.timeout = 1.5", func(c *Config) error { _, err := c.RPCTimeout(); return err }, "soa.conf:1: rpc.timeout"},
		"older name":    {"scamp.first_port = x", func(c *Config) error { _, _, err := c.PortRange(); return err }, "soa.conf:1: scamp.first_port"},
		"range":         {"beepish.last_port = 30000", func(c *Config) error { _, _, err := c.PortRange(); return err }, "soa.conf:1: beepish.last_port: 30000 is below the first port, 30100"},
		"last port":     {"beepish.last_port = x", func(c *Config) error { _, _, err := c.PortRange(); return err }, "beepish.last_port"},
		"no address":    {"discovery.multicast_address = host", func(c *Config) error { _, err := c.MulticastAddress(); return err }, "soa.conf:1: discovery.multicast_address"},
		"local address": {"discovery.local_multicast = 1\ndiscovery.local_multicast_address = ::1", func(c *Config) error { _, _, err := c.LocalMulticast(); return err }, "soa.conf:2: discovery.local_multicast_address"},
		"missing":       {"", func(c *Config) error { _, err := c.CachePath(); return err }, "soa.conf: discovery.cache_path: it is not set"},
		"gateway":       {"http.listener.3.port = 0", func(c *Config) error { _, _, err := c.GatewayListener(3); return err }, "soa.conf:1: http.listener.3.port"},
		"spares":        {"worker.min_spares = x", func(c *Config) error { _, _, err := c.WorkerSpares(); return err }, "worker.min_spares"},
	} {
		t.Run(name, func(t *testing.T) {
			err := tc.get(parse(t, tc.text))
			if e := new(Error); !errors.As(err, &e) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v, want %s", err, tc.want)
			}
		})
	}
}

// Where the file is looked for (DISC-CFG-02).
func TestPlaces(t *testing.T) {
	all := map[string]string{
		"/arg": "p = 1", "/scamp": "p = 2", "/scamp_config": "p = 3", "/gt/etc/soa.conf": "p = 4",
		"/dir/scamp.conf": "p = 5", "/etc/SCAMP/soa.conf": "p = 6\nonly = here", "/etc/scamp/scamp.conf": "p = 7",
	}
	env := map[string]string{"SCAMP": "/scamp", "SCAMP_CONFIG": "/scamp_config", "GTSOA": "/gt", "SCAMP_CONFIG_DIR": "/dir"}
	find := func(path string, env map[string]string, files map[string]string) (*Config, error) {
		f := &Finder{Getenv: func(n string) string { return env[n] }, ReadFile: func(n string) ([]byte, error) {
			if text, ok := files[filepath.ToSlash(n)]; ok {
				return []byte(text), nil
			}
			return nil, &fs.PathError{Op: "open", Path: n, Err: fs.ErrNotExist}
		}}
		return f.Load(path)
	}
	without := func(m map[string]string, names ...string) map[string]string {
		rest := map[string]string{}
		for k, v := range m {
			if !slices.Contains(names, k) {
				rest[k] = v
			}
		}
		return rest
	}
	for want, tc := range map[string]struct {
		path string
		env  map[string]string
		dir  string
	}{
		"1": {"/arg", env, "/dir"},
		"2": {"", env, "/dir"},
		"3": {"", without(env, "SCAMP"), "/dir"},
		"4": {"", without(env, "SCAMP", "SCAMP_CONFIG"), "/dir"},
		"5": {"", without(env, "SCAMP", "SCAMP_CONFIG", "GTSOA"), "/dir"},
		"6": {"", nil, "/etc/SCAMP"},
	} {
		c, err := find(tc.path, tc.env, all)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := c.Lookup("p"); got != want || filepath.ToSlash(c.Dir) != tc.dir {
			t.Errorf("place %s: %q in %s (directory %s)", want, got, c.File, c.Dir)
		}
		if _, ok := c.Lookup("only"); ok && want != "6" {
			t.Error("DISC-CFG-02c: files are mixed")
		}
	}
	// Places 5 and 6 may be missing, the rest is an empty configuration.
	onlyDir := map[string]string{"SCAMP_CONFIG_DIR": "/dir"}
	if c, err := find("", onlyDir, without(all, "/dir/scamp.conf", "/etc/SCAMP/soa.conf")); err != nil || must2(c.Lookup("p")) != "7" || c.Dir != "/dir" {
		t.Error(c, err)
	}
	if c, err := find("", nil, nil); err != nil || c.File != "" || filepath.ToSlash(c.AuthorizedServices()) != "/etc/scamp/authorized_services" {
		t.Error(c, err)
	}
	// A named file must exist (DISC-CFG-02b).
	for name, env := range map[string]map[string]string{"$SCAMP": {"SCAMP": "/nosuch"}, "$SCAMP_CONFIG": {"SCAMP_CONFIG": "/nosuch"}, "$GTSOA": {"GTSOA": "/nosuch"}} {
		if _, err := find("", env, all); err == nil || !strings.Contains(err.Error(), "/nosuch") || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := find("/nosuch", nil, all); err == nil || !strings.Contains(err.Error(), "/nosuch") {
		t.Error(err)
	}
}

func must2(v string, _ bool) string { return v }

// The real file system and environment.
func TestLoad(t *testing.T) {
	file := filepath.Join(t.TempDir(), "soa.conf")
	if err := os.WriteFile(file, []byte("discovery.port = 6000\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SCAMP", file)
	t.Setenv("SCAMP_CONFIG_DIR", "")
	c, err := Load("")
	if err != nil || must(c.DiscoveryPort()) != 6000 || c.Dir != filepath.Dir(file) {
		t.Error(c, err)
	}
	if _, err := Load(filepath.Dir(file)); err == nil {
		t.Error("a directory is no configuration")
	}
	big := filepath.Join(t.TempDir(), "big.conf")
	f, err := os.Create(big)
	if err != nil {
		t.Fatal(err)
	}
	f.Truncate(maxFile + 1)
	f.Close()
	if _, err := Load(big); err == nil || !strings.Contains(err.Error(), "at most") {
		t.Error(err)
	}
}

// FuzzParse: no text makes the parser fail in another way than with an error, and what it keeps is what the lines say.
func FuzzParse(f *testing.F) {
	f.Add([]byte("a = b\n# c\n d=e=f # g\r\n\n=x\nnonsense"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := Parse("x", text)
		if err != nil {
			return
		}
		for _, k := range c.Keys() {
			v, _ := c.Lookup(k)
			if k == "" || k != trim(k) || v != trim(v) || strings.ContainsAny(k+v, "#\n") || strings.Contains(k, "=") {
				t.Errorf("%q = %q", k, v)
			}
		}
		c.PortRange()
		c.DiscoveryAddresses()
	})
}

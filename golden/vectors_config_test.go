package golden_test

import (
	"errors"
	"io/fs"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gudtech/scamp-sim/scamp/soaconf"
)

// A setting asks for a key.
type setting struct {
	Key string `json:"key"`
	expected
}

// A hostInterface is an interface of the host.
type hostInterface struct {
	Name      string       `json:"name"`
	Addresses []netip.Addr `json:"addresses"`
}

// configFile is where the file of the vectors is said to be.
const configFile = "/etc/bus/soa.conf"

func playConfig(t *testing.T, v *vector) {
	c, err := soaconf.Parse(configFile, v.File)
	if err != nil {
		t.Fatal(err)
	}
	checkValues(t, v, c)
	for _, s := range v.Settings {
		get := typed[s.Key]
		if get == nil {
			t.Errorf("nothing reads %s", s.Key)
			continue
		}
		got, err := get(c)
		s.checkValue(t, v, got, err)
	}
}

// checkValues compares values as they are written.
func checkValues(t *testing.T, v *vector, c *soaconf.Config) {
	t.Helper()
	for _, s := range v.Values {
		var got any
		if value, ok := c.Lookup(s.Key); ok {
			got = value
		}
		s.check(t, v.Title+": "+s.Key, got)
	}
}

// checkValue compares a value, or an error, which names something.
func (s setting) checkValue(t *testing.T, v *vector, got any, err error) {
	t.Helper()
	if err == nil {
		s.check(t, v.Title+": "+s.Key, got)
		return
	}
	names, _ := s.Expect.(map[string]any)
	if what, ok := names["error"].(string); !ok || !strings.Contains(err.Error(), what) {
		t.Errorf("%s: %s: %v, want %s", v.Title, s.Key, err, text(s.Expect))
	}
}

// typed reads every key that a vector asks for, in the unit of the specification's table.
var typed = map[string]func(c *soaconf.Config) (any, error){
	"discovery.multicast_address": func(c *soaconf.Config) (any, error) {
		a, err := c.MulticastAddress()
		return a.String(), err
	},
	"discovery.port":                func(c *soaconf.Config) (any, error) { return value(c.DiscoveryPort()) },
	"discovery.cache_path":          func(c *soaconf.Config) (any, error) { return value(c.CachePath()) },
	"discovery.cache_max_age":       func(c *soaconf.Config) (any, error) { return seconds(c.CacheMaxAge()) },
	"discovery.seed_hosts":          func(c *soaconf.Config) (any, error) { return append([]string{}, c.SeedHosts()...), nil },
	"discovery.auth_localhost":      func(c *soaconf.Config) (any, error) { return c.AuthLocalhost(), nil },
	"discovery.local_multicast":     func(c *soaconf.Config) (any, error) { on, _, err := c.LocalMulticast(); return on, err },
	"bus.authorized_services":       func(c *soaconf.Config) (any, error) { return filepath.ToSlash(c.AuthorizedServices()), nil },
	"bus.default_sector":            func(c *soaconf.Config) (any, error) { return c.DefaultSector(), nil },
	"auth.ticket_verify_public_key": func(c *soaconf.Config) (any, error) { return filepath.ToSlash(c.TicketKey()), nil },
	"rpc.timeout":                   func(c *soaconf.Config) (any, error) { return seconds(c.RPCTimeout()) },
	"beepish.first_port":            func(c *soaconf.Config) (any, error) { first, _, err := c.PortRange(); return first, err },
	"beepish.last_port":             func(c *soaconf.Config) (any, error) { _, last, err := c.PortRange(); return last, err },
	"beepish.bind_tries":            func(c *soaconf.Config) (any, error) { return value(c.BindTries()) },
	"beepish.client_timeout":        func(c *soaconf.Config) (any, error) { return seconds(c.ClientTimeout()) },
	"beepish.server_timeout":        func(c *soaconf.Config) (any, error) { return seconds(c.ServerTimeout()) },
	"flow.max_inflight":             func(c *soaconf.Config) (any, error) { return value(c.MaxInflight()) },
	"ledger.soa_key":                func(c *soaconf.Config) (any, error) { key, _ := c.KeyPair("ledger"); return filepath.ToSlash(key), nil },
	"ledger.soa_cert": func(c *soaconf.Config) (any, error) {
		_, cert := c.KeyPair("ledger")
		return filepath.ToSlash(cert), nil
	},
	"ledger.logfile":          func(c *soaconf.Config) (any, error) { file, _ := c.LogFiles("ledger"); return file, nil },
	"ledger.stderr":           func(c *soaconf.Config) (any, error) { _, file := c.LogFiles("ledger"); return file, nil },
	"log.level":               func(c *soaconf.Config) (any, error) { return value(c.LogLevel()) },
	"worker.limit":            func(c *soaconf.Config) (any, error) { return value(c.WorkerLimit()) },
	"worker.start":            func(c *soaconf.Config) (any, error) { return value(c.WorkerStart()) },
	"worker.min_spares":       func(c *soaconf.Config) (any, error) { least, _, err := c.WorkerSpares(); return least, err },
	"worker.max_spares":       func(c *soaconf.Config) (any, error) { _, most, err := c.WorkerSpares(); return most, err },
	"worker.timeout":          func(c *soaconf.Config) (any, error) { return seconds(c.WorkerTimeout()) },
	"worker.max_requests":     func(c *soaconf.Config) (any, error) { return value(c.WorkerRequests()) },
	"worker.kill_delay":       func(c *soaconf.Config) (any, error) { return seconds(c.WorkerKillDelay()) },
	"dispatcher.port":         func(c *soaconf.Config) (any, error) { return value(c.DispatcherPort()) },
	"dispatcher.delay_listen": func(c *soaconf.Config) (any, error) { d, err := c.DispatcherDelay(); return d.Milliseconds(), err },
}

func value[T any](v T, err error) (any, error) { return v, err }

func seconds(d time.Duration, err error) (any, error) { return int(d / time.Second), err }

func playLocation(t *testing.T, v *vector) {
	f := &soaconf.Finder{
		Getenv: func(name string) string { return v.Environment[name] },
		ReadFile: func(name string) ([]byte, error) {
			if text, ok := v.Files[filepath.ToSlash(name)]; ok {
				return []byte(text), nil
			}
			return nil, &fs.PathError{Op: "open", Path: filepath.ToSlash(name), Err: fs.ErrNotExist}
		},
	}
	c, err := f.Load(v.Argument)
	if err != nil {
		names := v.Expect.(map[string]any)["names"]
		if what, ok := names.(string); !ok || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v, want %s", v.Title, err, text(v.Expect))
		}
		return
	}
	v.check(t, v.Title, map[string]any{"outcome": "loaded", "file": filepath.ToSlash(c.File), "directory": filepath.ToSlash(c.Dir)})
	checkValues(t, v, c)
}

func playAddresses(t *testing.T, v *vector) {
	f := &soaconf.Finder{
		Getenv: func(string) string { return "" },
		ReadFile: func(name string) ([]byte, error) {
			if name == configFile {
				return v.File, nil
			}
			return nil, errors.New("no such file")
		},
		Interfaces: func() (host []soaconf.Interface, err error) {
			for _, i := range v.Host {
				host = append(host, soaconf.Interface{Name: i.Name, Addrs: i.Addresses})
			}
			return host, nil
		},
	}
	c, err := f.Load(configFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range v.Lists {
		get := map[string]func() ([]netip.Addr, error){"discovery.address": c.DiscoveryAddresses, "service.address": c.ServiceAddresses}[s.Key]
		got, err := get()
		s.checkValue(t, v, got, err)
	}
}

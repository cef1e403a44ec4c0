package soaconf

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A Unit says what a value is.
type Unit string

// The units of the specification's table of keys (DISC-CFG-05).
const (
	Text         Unit = "text"
	Path         Unit = "path"
	AddressList  Unit = "address list"
	IPv4         Unit = "IPv4"
	UDPPort      Unit = "UDP port"
	TCPPort      Unit = "TCP port"
	Seconds      Unit = "seconds"
	Milliseconds Unit = "milliseconds"
	Octets       Unit = "octets"
	Attempts     Unit = "attempts"
	Processes    Unit = "processes"
	Requests     Unit = "requests"
	Number       Unit = "number"
	Hosts        Unit = "blank-separated hosts"
	List         Unit = "list"
	Present      Unit = "present = on"
	AnyText      Unit = "any text = on"
)

// A Key is one row of the table of keys. In names, <name> stands for a service and <n> for a number.
type Key struct {
	Name    string
	Older   string // read where Name is not set (DISC-CFG-05d)
	Default string // as it would be written; "" is none
	Unit    Unit
	Meaning string
}

// Table is the table of keys. It must not be changed.
var Table = []Key{
	{"bus.address", "", "", AddressList, "addresses for discovery and service; probed where it is not set"},
	{"discovery.address", "", "", AddressList, "addresses for multicast; those of bus.address where it is not set"},
	{"service.address", "", "", AddressList, "addresses to listen on and to announce; those of bus.address where it is not set"},
	{"discovery.multicast_address", "", "239.63.248.106", IPv4, "multicast group"},
	{"discovery.port", "", "5555", UDPPort, "multicast port"},
	{"discovery.cache_path", "", "", Path, "cache file"},
	{"discovery.cache_max_age", "", "120", Seconds, "age at which the cache file is stale"},
	{"discovery.seed_hosts", "discovery.known_hosts", "", Hosts, "peering seeds"},
	{"discovery.auth_localhost", "", "", AnyText, "development helper of the cache manager"},
	{"discovery.local_multicast", "", "", Present, "bind the sending socket to the local multicast address and port"},
	{"discovery.local_multicast_address", "", "239.63.248.106", IPv4, "see discovery.local_multicast"},
	{"discovery.local_port", "", "5555", UDPPort, "see discovery.local_multicast"},
	{"bus.authorized_services", "", "authorized_services", Path, "authorised-services file"},
	{"bus.default_sector", "", "main", Text, "sector of calls that name none"},
	{"auth.ticket_verify_public_key", "", "auth/ticket_verify_public_key.pem", Path, "public key for tickets"},
	{"rpc.timeout", "", "75", Seconds, "default call timeout"},
	{"beepish.first_port", "scamp.first_port", "30100", TCPPort, "lowest port to listen on"},
	{"beepish.last_port", "scamp.last_port", "30399", TCPPort, "highest port to listen on"},
	{"beepish.bind_tries", "scamp.bind_tries", "20", Attempts, "attempts to find a free port"},
	{"beepish.client_timeout", "scamp.client_timeout", "90", Seconds, "idle time of an outgoing connection"},
	{"beepish.server_timeout", "scamp.server_timeout", "120", Seconds, "idle time of an incoming connection"},
	{"flow.max_inflight", "", "65536", Octets, "unacknowledged body octets per message"},
	{"<name>.soa_key", "<name>.key", "services/<name>.key", Path, "private key of a service"},
	{"<name>.soa_cert", "<name>.cert", "services/<name>.crt", Path, "certificate of a service"},
	{"<name>.logfile", "", "/var/log/SCAMP/service-<name>.log", Path, "log file of a service"},
	{"<name>.stderr", "", "/var/log/scamp/service-<name>-stderr.log", Path, "standard error output of a service"},
	{"service.running_service_file_dir_path", "", "", Path, "directory of running-service marker files"},
	{"log.level", "", "2", Number, "log detail"},
	{"worker.limit", "", "8", Processes, "most worker processes"},
	{"worker.start", "", "5", Processes, "workers at start"},
	{"worker.min_spares", "", "2", Processes, "fewest idle workers"},
	{"worker.max_spares", "", "4", Processes, "most idle workers"},
	{"worker.timeout", "", "60", Seconds, "time for one request"},
	{"worker.max_requests", "", "100", Requests, "requests before a worker is replaced"},
	{"worker.kill_delay", "", "2", Seconds, "time between request and force to stop a worker"},
	{"dispatcher.port", "", "8080", TCPPort, "web port of a gateway"},
	{"dispatcher.ssl_cert_file", "", "", Path, "certificate of the web port"},
	{"dispatcher.ssl_key_file", "", "", Path, "private key of the web port"},
	{"dispatcher.delay_listen", "", "10000", Milliseconds, "wait before listening, to fill the index"},
	{"httpgateway.listener.<n>.port", "http.listener.<n>.port", "", TCPPort, "port of a gateway's listener"},
	{"httpgateway.listener.<n>.groups", "http.listener.<n>.groups", "", List, "action prefixes served by it"},
}

// key returns the row of a key.
func key(name string) Key {
	for _, k := range Table {
		if k.Name == name {
			return k
		}
	}
	panic("soaconf: no key " + name) // the tests know every caller
}

// value returns what is set for a key, and the name under which it is.
func (c *Config) value(k Key) (value, name string) {
	if v, ok := c.Lookup(k.Name); ok || k.Older == "" {
		return v, k.Name
	}
	v, _ := c.Lookup(k.Older)
	return v, k.Older
}

// bounds are the least and the largest value of each numeric unit.
var bounds = map[Unit][2]int{
	UDPPort: {1, 65535}, TCPPort: {1, 65535}, Seconds: {1, 100 * 365 * 86400}, Milliseconds: {0, 1 << 40},
	Octets: {1, 1 << 40}, Attempts: {1, 1 << 20}, Processes: {0, 1 << 20}, Requests: {1, 1 << 40}, Number: {0, 1 << 30},
}

// number returns a numeric key, its default where it is not set (DISC-CFG-05b, 05c).
func (c *Config) number(name string) (int, error) { return c.numberOf(key(name)) }

func (c *Config) numberOf(k Key) (int, error) {
	v, name := c.value(k)
	if v == "" {
		v = k.Default
	}
	n, err := strconv.Atoi(v)
	if b := bounds[k.Unit]; err != nil || n < b[0] || n > b[1] || strings.HasPrefix(v, "+") {
		return 0, c.wrong(name, "%q is not a decimal integer from %d to %d (%s)", v, b[0], b[1], k.Unit)
	}
	return n, nil
}

func (c *Config) seconds(name string) (time.Duration, error) {
	n, err := c.number(name)
	return time.Duration(n) * time.Second, err
}

func (c *Config) ipv4(name string) (netip.Addr, error) {
	k := key(name)
	v, name := c.value(k)
	if v == "" {
		v = k.Default
	}
	a, err := netip.ParseAddr(v)
	if err != nil || !a.Is4() {
		return netip.Addr{}, c.wrong(name, "%q is not an IPv4 address", v)
	}
	return a, nil
}

// path returns a key that is a path; a relative default lies in the configuration directory.
func (c *Config) path(k Key) string {
	if v, _ := c.value(k); v != "" {
		return v
	}
	if k.Default == "" || filepath.IsAbs(k.Default) {
		return k.Default
	}
	return filepath.Join(c.Dir, filepath.FromSlash(k.Default))
}

// MulticastAddress is discovery.multicast_address: the group of announcements.
func (c *Config) MulticastAddress() (netip.Addr, error) { return c.ipv4("discovery.multicast_address") }

// DiscoveryPort is discovery.port: the UDP port of announcements.
func (c *Config) DiscoveryPort() (int, error) { return c.number("discovery.port") }

// LocalMulticast is discovery.local_multicast with its address and port: the sending socket is bound to them.
func (c *Config) LocalMulticast() (on bool, address netip.AddrPort, err error) {
	if _, on = c.lines["discovery.local_multicast"]; !on {
		return false, address, nil
	}
	a, err := c.ipv4("discovery.local_multicast_address")
	if err != nil {
		return true, address, err
	}
	port, err := c.number("discovery.local_port")
	return true, netip.AddrPortFrom(a, uint16(port)), err
}

// CachePath is discovery.cache_path. It has no default: without it the error names the key (DISC-CFG-03).
func (c *Config) CachePath() (string, error) {
	if v, ok := c.Lookup("discovery.cache_path"); ok {
		return v, nil
	}
	return "", &Error{File: c.File, Key: "discovery.cache_path", Message: "it is not set; it names the discovery cache file"}
}

// CacheMaxAge is discovery.cache_max_age: the age at which the cache file is stale.
func (c *Config) CacheMaxAge() (time.Duration, error) { return c.seconds("discovery.cache_max_age") }

// SeedHosts is discovery.seed_hosts.
func (c *Config) SeedHosts() []string {
	v, _ := c.value(key("discovery.seed_hosts"))
	return strings.Fields(v)
}

// AuthLocalhost is discovery.auth_localhost: whether the cache manager authorises services of this host by itself.
func (c *Config) AuthLocalhost() bool {
	_, on := c.Lookup("discovery.auth_localhost")
	return on
}

// AuthorizedServices is bus.authorized_services: the path of that file.
func (c *Config) AuthorizedServices() string { return c.path(key("bus.authorized_services")) }

// DefaultSector is bus.default_sector.
func (c *Config) DefaultSector() string {
	if v, ok := c.Lookup("bus.default_sector"); ok {
		return v
	}
	return key("bus.default_sector").Default
}

// TicketKey is auth.ticket_verify_public_key: the path of that file.
func (c *Config) TicketKey() string { return c.path(key("auth.ticket_verify_public_key")) }

// RPCTimeout is rpc.timeout: how long a call may take by default.
func (c *Config) RPCTimeout() (time.Duration, error) { return c.seconds("rpc.timeout") }

// PortRange is beepish.first_port and beepish.last_port: where services listen.
func (c *Config) PortRange() (first, last int, err error) {
	if first, err = c.number("beepish.first_port"); err != nil {
		return 0, 0, err
	}
	if last, err = c.number("beepish.last_port"); err != nil {
		return 0, 0, err
	}
	if first > last {
		_, name := c.value(key("beepish.last_port"))
		return 0, 0, c.wrong(name, "%d is below the first port, %d", last, first)
	}
	return first, last, nil
}

// BindTries is beepish.bind_tries: how many ports a service tries.
func (c *Config) BindTries() (int, error) { return c.number("beepish.bind_tries") }

// ClientTimeout is beepish.client_timeout: the idle time of an outgoing connection.
func (c *Config) ClientTimeout() (time.Duration, error) { return c.seconds("beepish.client_timeout") }

// ServerTimeout is beepish.server_timeout: the idle time of an incoming connection.
func (c *Config) ServerTimeout() (time.Duration, error) { return c.seconds("beepish.server_timeout") }

// MaxInflight is flow.max_inflight: the octets of one message that may be unacknowledged.
func (c *Config) MaxInflight() (int, error) { return c.number("flow.max_inflight") }

// named returns the row of a key of one service, or of one numbered thing.
func named(name, of string) Key {
	k := key(name)
	r := strings.NewReplacer("<name>", of, "<n>", of)
	k.Name, k.Older, k.Default = r.Replace(k.Name), r.Replace(k.Older), r.Replace(k.Default)
	return k
}

// KeyPair returns the paths of the private key and of the certificate of a service (DISC-CFG-05e).
func (c *Config) KeyPair(service string) (key, cert string) {
	return c.path(named("<name>.soa_key", service)), c.path(named("<name>.soa_cert", service))
}

// LogFiles returns the paths of the log file and of the standard error output of a service.
func (c *Config) LogFiles(service string) (log, stderr string) {
	return c.path(named("<name>.logfile", service)), c.path(named("<name>.stderr", service))
}

// RunningServiceDir is service.running_service_file_dir_path; "" is none.
func (c *Config) RunningServiceDir() string {
	return c.path(key("service.running_service_file_dir_path"))
}

// LogLevel is log.level.
func (c *Config) LogLevel() (int, error) { return c.number("log.level") }

// WorkerLimit is worker.limit: how many requests a service handles at a time, in processes or otherwise.
func (c *Config) WorkerLimit() (int, error) { return c.number("worker.limit") }

// WorkerStart is worker.start.
func (c *Config) WorkerStart() (int, error) { return c.number("worker.start") }

// WorkerSpares is worker.min_spares and worker.max_spares.
func (c *Config) WorkerSpares() (least, most int, err error) {
	if least, err = c.number("worker.min_spares"); err != nil {
		return 0, 0, err
	}
	most, err = c.number("worker.max_spares")
	return least, most, err
}

// WorkerTimeout is worker.timeout: how long one request may take.
func (c *Config) WorkerTimeout() (time.Duration, error) { return c.seconds("worker.timeout") }

// WorkerRequests is worker.max_requests.
func (c *Config) WorkerRequests() (int, error) { return c.number("worker.max_requests") }

// WorkerKillDelay is worker.kill_delay.
func (c *Config) WorkerKillDelay() (time.Duration, error) { return c.seconds("worker.kill_delay") }

// DispatcherPort is dispatcher.port: the web port of a gateway.
func (c *Config) DispatcherPort() (int, error) { return c.number("dispatcher.port") }

// DispatcherTLS is dispatcher.ssl_cert_file and dispatcher.ssl_key_file; "" is none.
func (c *Config) DispatcherTLS() (cert, key string) {
	cert, _ = c.Lookup("dispatcher.ssl_cert_file")
	key, _ = c.Lookup("dispatcher.ssl_key_file")
	return cert, key
}

// DispatcherDelay is dispatcher.delay_listen.
func (c *Config) DispatcherDelay() (time.Duration, error) {
	n, err := c.number("dispatcher.delay_listen")
	return time.Duration(n) * time.Millisecond, err
}

// GatewayListener is the port and the action prefixes of a gateway's listener; port 0 is none.
func (c *Config) GatewayListener(n int) (port int, groups []string, err error) {
	of := fmt.Sprint(n)
	k := named("httpgateway.listener.<n>.port", of)
	if v, _ := c.value(k); v != "" {
		if port, err = c.numberOf(k); err != nil {
			return 0, nil, err
		}
	}
	v, _ := c.value(named("httpgateway.listener.<n>.groups", of))
	return port, strings.FieldsFunc(v, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' }), nil
}

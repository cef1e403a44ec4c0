package discovery_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gudtech/scamp-sim/fixtures"
	"github.com/gudtech/scamp-sim/scamp/discovery"
)

// signed is what a service announces, as it arrives.
func signed(weight, timestamp float64) []byte {
	key, _ := fixtures.FS.ReadFile("server.key.pem")
	cert, _ := fixtures.FS.ReadFile("server.cert.pem")
	signer, err := discovery.NewSigner(key, cert)
	if err != nil {
		panic(err)
	}
	packet, err := signer.Sign(&discovery.Announcement{
		Identity: discovery.Identity{Ident: "greeter:1"}, Sector: "main", Weight: weight, Interval: 5000,
		URI: "beepish+tls://10.0.0.1:30100", Envelopes: []string{"json"}, Timestamp: timestamp,
		Actions: []discovery.Action{{Sector: "main", Name: "Greeting.hello", Version: 1, Envelopes: []string{"json"}, Flags: "noauth,t600"}},
	}, discovery.FormAuto)
	if err != nil {
		panic(err)
	}
	return packet
}

// An announcement is signed by its service and verified by everybody. It becomes a
// record of the cache file, and an entry of a directory.
func Example() {
	a, err := discovery.Verify(signed(1, 1700000000))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(a.Ident, a.URI, a.Actions[0].Timeout())
	file := discovery.AppendRecord(nil, a)
	fmt.Println(strings.Count(string(file), "-----BEGIN CERTIFICATE-----"), "certificate in the record")

	directory := new(discovery.Directory)
	directory.Replace([]*discovery.Announcement{a})
	for _, i := range directory.Lookup(nil, "main", "greeting.HELLO", 1, "json") {
		fmt.Println(i.Ident, "offers", i.Action.Name)
	}
	// Output:
	// greeter:1 beepish+tls://10.0.0.1:30100 10m0s
	// 1 certificate in the record
	// greeter:1 offers Greeting.hello
}

// A signer has the key pair of a service. What it signs nobody can change.
func ExampleNewSigner() {
	key, _ := fixtures.FS.ReadFile("server.key.pem")
	cert, _ := fixtures.FS.ReadFile("server.cert.pem")
	signer, err := discovery.NewSigner(key, cert)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(signer.Fingerprint == fixtures.Fingerprint("server"))
	_, err = discovery.Verify([]byte(strings.Replace(string(signed(1, 1)), "10.0.0.1", "10.0.0.2", 1)))
	fmt.Println(err)
	// Output:
	// true
	// signature: the signature does not fit the data (DISC-SIG-06a)
}

// A file of a cache manager, as a requester reads it. One that nobody keeps is stale.
func ExampleCache() {
	dir, err := os.MkdirTemp("", "cache")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	cache := &discovery.Cache{Path: filepath.Join(dir, "discovery")}
	fmt.Println("stale:", cache.Check() != nil)
	a, err := discovery.Verify(signed(1, 1700000000))
	if err != nil {
		panic(err)
	}
	if err := os.WriteFile(cache.Path, discovery.AppendFile(nil, []*discovery.Announcement{a}), 0o600); err != nil {
		panic(err)
	}
	changed, err := cache.Reload() // a program lets cache.Watch do it
	fmt.Println(changed, err, cache.Check(), cache.Directory.Len())
	// Output:
	// stale: true
	// true <nil> <nil> 1
}

// The operator says which certificate may offer what.
func ExampleParseAuthorized() {
	text := fixtures.Fingerprint("server") + " main:Greeting, web:ALL  # the greeter\n"
	list := discovery.ParseAuthorized([]byte(text))
	for _, action := range []string{"Greeting.hello", "Greetings.hello", "_meta.documentation"} {
		fmt.Println(action, list.Allows(fixtures.Fingerprint("server"), "main", action))
	}
	// Output:
	// Greeting.hello true
	// Greetings.hello false
	// _meta.documentation true
}

// A cache manager hears announcements, here of a socket without multicast, and keeps
// the file.
func ExampleNewManager() {
	dir, err := os.MkdirTemp("", "cache")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	conn, err := net.ListenPacket("udp", "127.0.0.1:0") // in production discovery.Listen
	if err != nil {
		panic(err)
	}
	defer conn.Close()
	ctx, stop := context.WithTimeout(context.Background(), 30*time.Second)
	defer stop()
	manager := discovery.NewManager(conn, filepath.Join(dir, "discovery"))
	manager.Wrote = func(instances int, err error) {
		if instances == 1 || err != nil {
			fmt.Println(instances, err)
			stop()
		}
	}
	datagram, err := discovery.Compress(signed(1, float64(time.Now().Unix())))
	if err != nil {
		panic(err)
	}
	out, err := net.Dial("udp", conn.LocalAddr().String())
	if err != nil {
		panic(err)
	}
	defer out.Close()
	if _, err := out.Write(datagram); err != nil {
		panic(err)
	}
	manager.Run(ctx)
	// Output: 1 <nil>
}

// Every start of a service is another instance.
func ExampleNewIdent() {
	one, two := discovery.NewIdent("greeter"), discovery.NewIdent("greeter")
	fmt.Println(strings.HasPrefix(one, "greeter:"), one != two)
	// Output: true true
}

// The sockets of a program that announces, and hears what others announce.
func ExampleListen() {
	ctx := context.Background()
	group := netip.MustParseAddrPort("239.63.248.106:5555")
	here := netip.MustParseAddr("10.0.0.1")
	ear, err := discovery.Listen(ctx, group, []netip.Addr{here})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer ear.Close()
	mouth, err := discovery.Sender(ctx, here)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer mouth.Close()
	datagram, err := discovery.Compress(signed(1, float64(time.Now().Unix())))
	if err != nil {
		fmt.Println(err)
		return
	}
	mouth.WriteTo(datagram, net.UDPAddrFromAddrPort(group)) // an Announcer does it again and again
}

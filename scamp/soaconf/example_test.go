package soaconf_test

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/gudtech/scamp-sim/scamp/soaconf"
)

// What is not set has its default; what is set wrong is an error that names the key.
func ExampleParse() {
	c, err := soaconf.Parse("soa.conf", []byte(`
# the bus of this host
discovery.cache_path = /var/cache/scamp/discovery
rpc.timeout = 30
flow.max_inflight = plenty
typo
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(c.CachePath())
	fmt.Println(c.RPCTimeout())
	fmt.Println(c.ClientTimeout())
	_, err = c.MaxInflight()
	fmt.Println(err)
	fmt.Println(len(c.Warnings), "line without effect")
	// Output:
	// /var/cache/scamp/discovery <nil>
	// 30s <nil>
	// 1m30s <nil>
	// soa.conf:5: flow.max_inflight: "plenty" is not a decimal integer from 1 to 1099511627776 (octets)
	// 1 line without effect
}

// The paths that a file does not give lie beside it.
func ExampleLoad() {
	dir, err := os.MkdirTemp("", "conf")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "soa.conf")
	if err := os.WriteFile(path, []byte("bus.default_sector = web\n"), 0o600); err != nil {
		panic(err)
	}
	c, err := soaconf.Load(path) // "" looks in the usual places
	if err != nil {
		fmt.Println(err)
		return
	}
	beside, err := filepath.Rel(dir, c.AuthorizedServices())
	fmt.Println(c.DefaultSector(), beside, err)
	// Output: web authorized_services <nil>
}

package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"sync"

	"github.com/spf13/cobra"

	"github.com/gudtech/scamp-sim/scamp/discovery"
	"github.com/gudtech/scamp-sim/scamp/soaconf"
)

func newCacheManage() *cobra.Command {
	var config string
	cmd := &cobra.Command{
		Use:   "manage",
		Short: "Runs the cache manager of this host",
		Long: `manage hears the announcements of the group, checks them, and keeps every live
one in the cache file that the programs of this host read (discovery.cache_path).
It runs until it is told to stop. One manager works on a file.

Keys of the configuration: discovery.cache_path, discovery.cache_max_age,
discovery.multicast_address, discovery.port, discovery.address, bus.address.`,
		Example: `  scamp-sim cache manage --config /etc/scamp/scamp.conf`,
		Args:    operands(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return manageCache(cmd.Context(), cmd.ErrOrStderr(), config)
		},
	}
	cmd.Flags().StringVar(&config, "config", "", "configuration file; without it, $SCAMP and the usual places")
	return cmd
}

// loadConfig reads the configuration and says what of it has no effect.
func loadConfig(path string, logger *slog.Logger) (*soaconf.Config, error) {
	if path != "" {
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("cannot read the configuration that --config names: %w", err)
		}
	}
	c, err := soaconf.Load(path)
	if err != nil {
		return nil, err
	}
	for i := range c.Warnings {
		logger.Warn(c.Warnings[i].Error())
	}
	return c, nil
}

// listen opens the socket that the configuration asks for.
func listen(ctx context.Context, c *soaconf.Config, o *discovery.Observer) (group netip.AddrPort, addresses []netip.Addr, err error) {
	address, err := c.MulticastAddress()
	if err != nil {
		return group, nil, err
	}
	port, err := c.DiscoveryPort()
	if err != nil {
		return group, nil, err
	}
	if addresses, err = c.DiscoveryAddresses(); err != nil {
		return group, nil, err
	}
	group = netip.AddrPortFrom(address, uint16(port))
	if !address.IsMulticast() {
		return group, nil, fmt.Errorf("discovery.multicast_address: %v is no multicast address", address)
	}
	if o.Conn, err = discovery.Listen(ctx, group, addresses); err != nil {
		return group, nil, fmt.Errorf("cannot hear the group: %s", unprefixed(err))
	}
	return group, addresses, nil
}

func manageCache(ctx context.Context, stderr io.Writer, config string) error {
	logger := slog.New(slog.NewTextHandler(stderr, nil))
	c, err := loadConfig(config, logger)
	if err != nil {
		return err
	}
	path, err := c.CachePath()
	if err != nil && c.File == "" {
		return fmt.Errorf("%w, and no configuration was found: name one with --config", err)
	}
	if err != nil {
		return err
	}
	m := discovery.NewManager(nil, path)
	if m.MaxAge, err = c.CacheMaxAge(); err != nil {
		return err
	}
	group, addresses, err := listen(ctx, c, &m.Observer)
	if err != nil {
		return err
	}
	logger.Info("managing the discovery cache", "file", path, "group", group, "addresses", addresses, "max_age", m.MaxAge)
	for key, set := range map[string]bool{"discovery.seed_hosts": len(c.SeedHosts()) > 0, "discovery.auth_localhost": c.AuthLocalhost()} {
		if set {
			logger.Warn("the key has no effect: this cache manager only hears the group", "key", key)
		}
	}
	m.Wrote = reportWrites(logger, path)
	m.Observer.Saw = reportRefusals(logger)
	if err := m.Run(ctx); err != nil {
		return fmt.Errorf("the group cannot be heard any more: %w", err)
	}
	logger.Info("stopped")
	return nil
}

// reportWrites logs how many instances the file has when that changes, and what goes wrong when that changes.
func reportWrites(logger *slog.Logger, path string) func(int, error) {
	failed := ""
	before := -1
	return func(instances int, err error) {
		switch {
		case err != nil && err.Error() != failed:
			logger.Error("the cache cannot be written; requesters will take it for stale", "file", path, "error", err)
		case err == nil && (instances != before || failed != ""):
			logger.Info("cache written", "instances", instances)
		}
		if failed = ""; err != nil {
			failed = err.Error()
		} else {
			before = instances
		}
	}
}

// reportRefusals logs packets that are not used, each reason of each sender once.
func reportRefusals(logger *slog.Logger) func(discovery.Sighting) {
	const most = 10000
	var mu sync.Mutex
	seen := map[string]bool{}
	return func(s discovery.Sighting) {
		if s.Err == nil {
			return
		}
		key := s.From.String() + s.Err.Error()
		mu.Lock()
		defer mu.Unlock()
		if seen[key] || len(seen) > most {
			return
		}
		if seen[key] = true; len(seen) > most {
			logger.Warn("announcements that are not used are not logged any more: there are too many of them")
			return
		}
		logger.Warn("announcement not used", "from", s.From, "reason", s.Err)
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
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
It runs until it is told to stop.

Keys of the configuration: discovery.cache_path, discovery.cache_max_age,
discovery.multicast_address, discovery.port, discovery.address, bus.address.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return manageCache(cmd.Context(), cmd.ErrOrStderr(), config)
		},
	}
	cmd.Flags().StringVar(&config, "config", "", "configuration file; without it, $SCAMP and the usual places")
	return cmd
}

// loadConfig reads the configuration and says what of it has no effect.
func loadConfig(path string, logger *slog.Logger) (*soaconf.Config, error) {
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
func listen(ctx context.Context, c *soaconf.Config, o *discovery.Observer) error {
	address, err := c.MulticastAddress()
	if err != nil {
		return err
	}
	port, err := c.DiscoveryPort()
	if err != nil {
		return err
	}
	addresses, err := c.DiscoveryAddresses()
	if err != nil {
		return err
	}
	o.Conn, err = discovery.Listen(ctx, netip.AddrPortFrom(address, uint16(port)), addresses)
	return err
}

func manageCache(ctx context.Context, stderr io.Writer, config string) error {
	logger := slog.New(slog.NewTextHandler(stderr, nil))
	c, err := loadConfig(config, logger)
	if err != nil {
		return err
	}
	path, err := c.CachePath()
	if err != nil {
		return err
	}
	m := discovery.NewManager(nil, path)
	if m.MaxAge, err = c.CacheMaxAge(); err != nil {
		return err
	}
	if err := listen(ctx, c, &m.Observer); err != nil {
		return err
	}
	logger.Info("managing the discovery cache", "file", path, "group", fmt.Sprint(must(c.MulticastAddress())), "max_age", m.MaxAge)
	var last error
	instances := -1
	m.Wrote = func(n int, err error) {
		switch {
		case err != nil && (last == nil || err.Error() != last.Error()):
			logger.Error("the cache cannot be written; requesters will find it stale", "file", path, "error", err)
		case err == nil && n != instances:
			logger.Info("cache written", "instances", n)
		}
		last, instances = err, n
	}
	m.Observer.Saw = reportRefusals(logger)
	err = m.Run(ctx)
	if err != nil {
		return fmt.Errorf("the group cannot be heard any more: %w", err)
	}
	logger.Info("stopped")
	return nil
}

func must[T any](v T, _ error) T { return v }

// reportRefusals logs packets that are not used, each reason of each sender once.
func reportRefusals(logger *slog.Logger) func(discovery.Sighting) {
	var mu sync.Mutex
	seen := map[string]bool{}
	return func(s discovery.Sighting) {
		if s.Err == nil {
			return
		}
		key := s.From.String() + s.Err.Error()
		mu.Lock()
		defer mu.Unlock()
		if seen[key] || len(seen) > 10000 {
			return
		}
		seen[key] = true
		logger.Warn("announcement not used", "from", s.From, "reason", s.Err)
	}
}

func newCacheWatch() *cobra.Command {
	var config string
	cmd := &cobra.Command{
		Use:   "watch",
		Short: "Prints the announcements of the group as they arrive",
		Long: `watch prints every datagram of the group: a line that begins with %%% and says how
it came, and the packet. It runs until it is told to stop.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := loadConfig(config, slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil)))
			if err != nil {
				return err
			}
			var o discovery.Observer
			if err := listen(cmd.Context(), c, &o); err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			o.Saw = func(s discovery.Sighting) { printSighting(out, s) }
			return o.Run(cmd.Context())
		},
	}
	cmd.Flags().StringVar(&config, "config", "", "configuration file; without it, $SCAMP and the usual places")
	return cmd
}

// printSighting prints a datagram (DISC-TOL-02).
func printSighting(out io.Writer, s discovery.Sighting) {
	broken := new(discovery.Error)
	switch {
	case s.Packet == nil && errors.As(s.Err, &broken):
		fmt.Fprintf(out, "%%%%%% [Decompress error] %s\n%q\n", broken.Reason, s.Datagram)
		return
	case s.Compressed:
		fmt.Fprintf(out, "%%%%%% [Compressed] %d %d\n", len(s.Datagram), len(s.Packet))
	default:
		fmt.Fprintf(out, "%%%%%% [Uncompressed] %d\n", len(s.Packet))
	}
	if s.Err != nil {
		fmt.Fprintf(out, "# not used: %v\n", s.Err)
	}
	fmt.Fprintf(out, "%s\n", s.Packet)
}

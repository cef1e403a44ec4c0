package main

import (
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/gudtech/scamp-sim/scamp/discovery"
	"github.com/gudtech/scamp-sim/scamp/soaconf"
	"github.com/gudtech/scamp-sim/sim"
	"github.com/gudtech/scamp-sim/sim/scenario"
)

// proxyFlags are the flags of the verb proxy.
type proxyFlags struct {
	liveFlags
	config, faults string
}

func newProxy() *cobra.Command {
	var f proxyFlags
	cmd := &cobra.Command{
		Use:   "proxy",
		Short: "Puts faults between programs that run already",
		Long: `proxy reads the configuration of a bus and its discovery cache, listens on
127.0.0.1 for each instance there, and leads connections on to it. In a directory it
keeps a configuration and a discovery cache with its own addresses: a program that is
given this soa.conf calls the same services, through the faults.

--faults names a file with link, links and faults as a scenario has them. Without it
nothing goes wrong, until the control API over HTTP says so. docs/proxy.md describes
both.

It runs until it is interrupted, or for --duration.

Exit status: 0 it has ended, 2 it could not be run, and nothing was started.`,
		Example: `  scamp-sim proxy --config /etc/scamp/soa.conf --faults faults.yaml --dir broken
  scamp-sim request --config broken/soa.conf Shop.get '{}'`,
		Args: operands(),
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	cmd.Flags().StringVar(&f.config, "config", "", "soa.conf of the bus; without it, where programs look for it")
	cmd.Flags().StringVar(&f.faults, "faults", "", "YAML file with faults and links")
	f.declare(cmd, "0", "ports to listen on, such as 31000-31999; 0 lets the system choose")
	return cmd
}

func (f *proxyFlags) run(cmd *cobra.Command) error {
	if err := f.check(cmd); err != nil {
		return err
	}
	conf, err := soaconf.Load(f.config)
	if err != nil {
		return err
	}
	path, err := conf.CachePath()
	if err != nil {
		return err
	}
	if err := f.apart(conf.File, path, conf.AuthorizedServices()); err != nil {
		return err
	}
	follow := &follower{
		cache:      discovery.Cache{Path: path},
		authorized: discovery.AuthorizedFile{Path: conf.AuthorizedServices()},
	}
	if err := follow.first(); err != nil {
		return err
	}
	s, err := f.read(follow.fronts())
	if err != nil {
		return err
	}
	if follow.ports, err = newPorts(f.ports); err != nil {
		return err
	}
	defer follow.ports.close()
	control, err := newControl(f.control)
	if err != nil {
		return err
	}
	defer control.close()
	if follow.dir, err = newProxyDir(f.dir, conf, control.address()); err != nil {
		return err
	}
	defer follow.dir.remove()
	return f.play(cmd, s, follow, control)
}

// apart refuses to read what this very proxy writes.
func (f *proxyFlags) apart(config, cache, list string) error {
	if f.dir == "" {
		return nil
	}
	for _, pair := range [][2]string{{config, "soa.conf"}, {cache, "discovery.cache"}, {list, "authorized_services"}} {
		own, err := os.Stat(filepath.Join(f.dir, pair[1]))
		read, err2 := os.Stat(pair[0])
		if err == nil && err2 == nil && os.SameFile(own, read) {
			return fmt.Errorf("%s is in the directory that this proxy writes: give another one with --dir, or the configuration of the bus with --config", pair[0])
		}
	}
	return nil
}

// read reads the file of faults.
func (f *proxyFlags) read(services []scenario.Front) (*scenario.Scenario, error) {
	if f.faults == "" {
		return scenario.ParseFaults("", nil, services)
	}
	text, err := readFile(f.faults, mostText)
	if err != nil {
		return nil, fmt.Errorf("cannot read the faults: %w", err)
	}
	s, err := scenario.ParseFaults(f.faults, text, services)
	if err == nil && f.duration > 0 {
		err = s.Within(f.duration)
	}
	return s, err
}

// play leads connections on until it is to end.
func (f *proxyFlags) play(cmd *cobra.Command, s *scenario.Scenario, follow *follower, control *control) error {
	events := newEvents(cmd.OutOrStdout())
	o := scenario.LiveOptions{
		Options: f.options(cmd, s),
		Border:  sim.Border{Listen: follow.ports.listen},
	}
	began := time.Now()
	say := narrate(events, &o.Options, began)
	o.Ended, o.Logger = nil, nil
	follow.say = func(text string) { say(time.Since(began), text) }
	ctx, cancel := f.interruptible(cmd)
	defer cancel()
	var ready atomic.Bool
	noted := o.Noted
	o.Noted = func(at time.Duration, what string) {
		if ready.Load() { // else the table says so
			noted(at, what)
		}
	}
	var failed error
	o.Prepare = func(l *scenario.Live) {
		follow.live = l
		if failed = follow.apply(); failed != nil {
			cancel()
		}
	}
	kept := make(chan struct{})
	o.Ready = func(l *scenario.Live) {
		if failed != nil {
			close(kept)
			return
		}
		newTable(events).proxied(l.State(), follow, control.url())
		ready.Store(true)
		control.serve(l)
		go func() {
			defer close(kept)
			follow.keep(ctx)
		}()
	}
	outcome := s.Live(ctx, o)
	cancel()
	<-kept
	events.close()
	if failed != nil {
		return failed
	}
	newTable(cmd.OutOrStdout()).proxyEnds(outcome.Record(), follow)
	return nil
}

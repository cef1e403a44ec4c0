package scamp

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/gudtech/scamp-sim/scamp/discovery"
	"github.com/gudtech/scamp-sim/scamp/soaconf"
)

// cacheInterval is how often a Requester looks whether its files have changed
// (DISC-CCH-09).
const cacheInterval = time.Second

// Open makes a Requester of a configuration file: with the discovery cache, the
// authorised services, the default sector and the time-outs that it names. An
// empty path looks for the file where every program of the bus does (see
// soaconf.Load). The files are watched until the Requester is closed; one that
// is missing or stale fails calls until it is there (DISC-CCH-08, 11).
//
// ctx is for making the Requester only. Config may be changed before the first
// call. Errors name the key that is wrong.
func Open(ctx context.Context, path string) (*Requester, error) {
	conf, err := soaconf.Load(path)
	if err != nil {
		return nil, err
	}
	return OpenConfig(ctx, conf, nil)
}

// OpenConfig is Open for a configuration that has been read. What is wrong with
// the files is logged; a nil logger is silent.
func OpenConfig(ctx context.Context, conf *soaconf.Config, logger *slog.Logger) (*Requester, error) {
	q := &Requester{Config: Config{Logger: logger}, Sector: conf.DefaultSector()}
	cfg := &q.Config
	cache := new(discovery.Cache)
	var errs [5]error
	cache.Path, errs[0] = conf.CachePath()
	cache.MaxAge, errs[1] = conf.CacheMaxAge()
	cfg.CallTimeout, errs[2] = conf.RPCTimeout()
	cfg.IdleTimeout, errs[3] = conf.ClientTimeout()
	cfg.Window, errs[4] = conf.MaxInflight()
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	log := cfg.logger()
	cache.Bad = func(line int, err error) {
		log.Warn("record of the discovery cache not used", "file", cache.Path, "line", line, "error", err)
	}
	authorized := &discovery.AuthorizedFile{Path: conf.AuthorizedServices(), Warn: func(m string) { log.Warn(m) }}
	q.Directory, q.Fresh, q.Authorized = &cache.Directory, cache.Check, authorized.Current
	if _, err := cache.Reload(); err != nil {
		log.Warn("the discovery cache cannot be read", "error", err)
	}
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	watching, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { cache.Watch(watching, cacheInterval) })
	q.stop = func() {
		cancel()
		wg.Wait()
	}
	return q, nil
}

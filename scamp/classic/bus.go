package scamp

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/gudtech/scamp-sim/scamp"
	"github.com/gudtech/scamp-sim/scamp/discovery"
	"github.com/gudtech/scamp-sim/scamp/soaconf"
)

// A bus is what Initialize has read.
type bus struct {
	cfg        scamp.Config
	sector     string
	cache      *discovery.Cache
	authorized *discovery.AuthorizedFile
}

var current atomic.Pointer[bus]

// ErrNotInitialized is what Connect fails with before Initialize has succeeded.
var ErrNotInitialized = errors.New("scamp: Initialize has not been called, or has failed")

// Initialize reads the configuration, from where every program of the bus looks for it, and the discovery cache that it
// names. It may be called again, for what is connected afterwards. Both files are needed; the error says what is wrong.
func Initialize() error {
	conf, err := soaconf.Load("")
	if err != nil {
		return err
	}
	for i := range conf.Warnings {
		Warning.Print(conf.Warnings[i].Error())
	}
	b := &bus{
		sector:     conf.DefaultSector(),
		cache:      new(discovery.Cache),
		authorized: &discovery.AuthorizedFile{Path: conf.AuthorizedServices(), Warn: func(m string) { Warning.Print(m) }},
	}
	var errs [5]error
	b.cache.Path, errs[0] = conf.CachePath()
	b.cache.MaxAge, errs[1] = conf.CacheMaxAge()
	b.cfg.CallTimeout, errs[2] = conf.RPCTimeout()
	b.cfg.IdleTimeout, errs[3] = conf.ClientTimeout()
	b.cfg.Window, errs[4] = conf.MaxInflight()
	if err := errors.Join(errs[:]...); err != nil {
		return err
	}
	b.cfg.Logger = slog.New(slog.NewTextHandler(Trace.Writer(), nil))
	b.cache.Bad = func(line int, err error) {
		Warning.Printf("%s:%d: the record is not used: %v", b.cache.Path, line, err)
	}
	if err := b.fresh(); err != nil {
		return err
	}
	current.Store(b)
	return nil
}

// fresh takes up what has changed in the cache file, and says why it must not be used.
func (b *bus) fresh() error {
	if _, err := b.cache.Reload(); err != nil {
		return err
	}
	return b.cache.Check()
}

// announced returns the identities that announce themselves at an address, those of one fingerprint together.
func (b *bus) announced(address string) (found [][]discovery.Identity, err error) {
	want, err := scamp.HostPort(address)
	if err != nil {
		return nil, fmt.Errorf("scamp: %w", err)
	}
	if err := b.fresh(); err != nil {
		return nil, err
	}
	for _, a := range b.cache.Directory.Instances() {
		at, err := scamp.HostPort(a.URI)
		if err != nil || !strings.EqualFold(at, want) {
			continue
		}
		i := slices.IndexFunc(found, func(ids []discovery.Identity) bool { return ids[0].Fingerprint == a.Fingerprint })
		if i < 0 {
			i = len(found)
			found = append(found, nil)
		}
		found[i] = append(found[i], a.Identity)
	}
	if found == nil {
		return nil, fmt.Errorf("scamp: nobody announces a service at %s: %s has no record of it", want, b.cache.Path)
	}
	return found, nil
}

// header makes the header of a request to one of these identities: with the name and version that are announced
// (WIRE-RPC-10), and without tickets for strangers (DISC-AUT-13). It fails if none of them offers the action, or may.
func (b *bus) header(r *Request, ids []discovery.Identity) (h scamp.Header, err error) {
	if err := b.fresh(); err != nil {
		return h, err
	}
	h = scamp.Header{Action: r.Action, Version: r.Version, Envelope: string(r.EnvelopeFormat), Sector: b.sector,
		Ticket: r.Ticket, IdentifyingToken: r.IdentifyingToken}
	if h.Version == 0 {
		h.Version = 1
	}
	if h.Envelope == "" {
		h.Envelope = string(ENVELOPE_JSON)
	}
	authorized := b.authorized.Current()
	offered := false
	for _, i := range b.cache.Directory.Lookup(nil, h.Sector, h.Action, h.Version, h.Envelope) {
		if !slices.Contains(ids, i.Identity) {
			continue
		}
		offered = true
		if !authorized.Allows(i.Fingerprint, i.Action.Sector, i.Action.Name) {
			continue
		}
		h.Action, h.Version = i.Action.Name, i.Action.Version
		if !authorized.Trusts(i.Fingerprint, i.Action.Sector, i.Action.Name) {
			h.Ticket, h.IdentifyingToken = "", ""
		}
		return h, nil
	}
	if offered {
		return h, fmt.Errorf("scamp: the service is not authorised to offer %s in sector %s; see %s", h.Action, h.Sector, b.authorized.Path)
	}
	return h, fmt.Errorf("scamp: the service does not announce %s version %d in sector %s with the envelope %s", h.Action, h.Version, h.Sector, h.Envelope)
}

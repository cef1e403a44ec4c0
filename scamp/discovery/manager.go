package discovery

import (
	"context"
	"net"
	"time"
)

// A Manager is the cache manager of a host: it hears the announcements of the group, checks them, and keeps every live one
// in the cache file, which it keeps fresh. Whether a service is authorised is not its business (DISC-CMG).
//
// Its exported fields must not be changed once it runs.
type Manager struct {
	// Observer hears the group. Its Conn must be set.
	Observer Observer
	// Store is the file.
	Store Store
	// MaxAge is the age at which readers take the file for stale: discovery.cache_max_age; 0 is 120 s.
	MaxAge time.Duration
	// Now is the clock of files and instances; nil is time.Now.
	Now func() time.Time
	// Wrote is told of every write: how many instances the file has, or why it could not be written. nil is nobody.
	Wrote func(instances int, err error)
}

// How a manager works (DISC-CMG-01d, 03, 04).
const (
	gather      = time.Second      // changes that come within this time share a write
	collectTime = 10 * time.Second // before the first write beside a fresh file
)

// NewManager makes a manager of a group's datagrams and a file.
func NewManager(conn net.PacketConn, path string) *Manager {
	return &Manager{Observer: Observer{Conn: conn}, Store: FileStore(path)}
}

func (m *Manager) now() time.Time {
	if m.Now == nil {
		return time.Now()
	}
	return m.Now()
}

func (m *Manager) maxAge() time.Duration {
	if m.MaxAge <= 0 {
		return 120 * time.Second
	}
	return m.MaxAge
}

// Run works until ctx ends, which is no error, or the group cannot be heard any more. A file that cannot be written is
// reported and tried again: readers will find it stale.
//
// Beside a file that is still fresh it collects for 10 s before it writes, so that a restart loses nothing.
func (m *Manager) Run(ctx context.Context) error {
	accept := m.Observer.Accept
	m.Observer.Now = m.Now
	m.Observer.Accept = func(packet []byte, a *Announcement) error {
		if err := relay(packet, a); err != nil || accept == nil {
			return err
		}
		return accept(packet, a)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	heard := make(chan error, 1)
	go func() {
		defer cancel()
		heard <- m.Observer.Run(ctx)
	}()
	m.keep(ctx)
	return <-heard
}

// keep writes the file until ctx ends.
func (m *Manager) keep(ctx context.Context) {
	if !sleep(ctx, m.startWait()) {
		return
	}
	refresh := m.maxAge() / 3 // before half of it (DISC-CMG-03)
	for {
		changed := m.Observer.Directory.Changed()
		err := m.write()
		if !m.idle(ctx, changed, err != nil, refresh) {
			return
		}
	}
}

// idle waits until the file must be written anew, and touches it meanwhile. It returns false when ctx has ended.
func (m *Manager) idle(ctx context.Context, changed <-chan struct{}, failed bool, refresh time.Duration) bool {
	if failed {
		return sleep(ctx, gather)
	}
	t := time.NewTicker(refresh)
	defer t.Stop()
	for {
		select {
		case <-changed:
			return sleep(ctx, gather) // more may come
		case <-t.C:
			if m.Store.Touch(m.now()) != nil {
				return true
			}
		case <-ctx.Done():
			return false
		}
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// startWait is how long the present file can stay as it is: 10 s where it does not become stale meanwhile (DISC-CMG-04a).
func (m *Manager) startWait() time.Duration {
	at, err := m.Store.ModTime()
	if err != nil || m.now().Sub(at) >= m.maxAge()*9/10-collectTime {
		return 0
	}
	return collectTime
}

// write writes the file.
func (m *Manager) write() error {
	instances := m.Observer.Directory.Instances()
	err := m.Store.Replace(AppendFile(nil, instances))
	if m.Wrote != nil {
		m.Wrote(len(instances), err)
	}
	return err
}

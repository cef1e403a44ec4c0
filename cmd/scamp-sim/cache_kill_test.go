package main

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io/fs"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gudtech/scamp-sim/scamp/discovery"
)

// A load sends announcements of many instances to a bus, each of which says something new, and knows what it has sent. Each is news.
type load struct {
	news
	tens news // of ten announcements each
	seed maphash.Seed
	sent sync.Map // hashes of packets
}

// The instances of a load, and about how many octets each of their packets has: together a file that takes a while to write.
const (
	loadInstances = 100
	loadPacket    = 50 << 10
)

// run sends until ctx ends. Each announcement has arrived before the next one is made: so the managers are given no more than the
// group carries.
func (l *load) run(ctx context.Context, b *bus, s *discovery.Signer) error {
	in, err := discovery.Listen(ctx, b.at, []netip.Addr{loopback})
	if err != nil {
		return err
	}
	defer in.Close()
	arrived := make([]byte, discovery.MaxDatagram)
	padding := strings.Repeat("f", loadPacket)
	var clock discovery.Clock
	for n := 0; ctx.Err() == nil; n++ {
		a := &discovery.Announcement{
			Sector: "main", Weight: 1, Interval: 5000, URI: "beepish+tls://127.0.0.1:30100", Envelopes: []string{"json"}, Timestamp: clock.Next(time.Now()),
			Actions: []discovery.Action{{Name: "Foo.bar", Flags: padding}},
		}
		a.Ident = fmt.Sprint("service", n%loadInstances)
		packet, err := s.Sign(a, discovery.FormAuto)
		if err != nil {
			return err
		}
		l.sent.Store(l.hash(packet), true)
		if err := b.write(packet); err != nil {
			return err
		}
		in.SetReadDeadline(time.Now().Add(longest))
		if _, _, err := in.ReadFrom(arrived); err != nil {
			return err
		}
		if l.happens(); n%10 == 0 {
			l.tens.happens()
		}
	}
	return nil
}

// hash is that of a record, whatever stands behind its last section.
func (l *load) hash(record []byte) uint64 {
	return maphash.String(l.seed, strings.TrimRight(string(record), "\n"))
}

// whole says what is wrong with a cache file: each record is a packet that was sent, octet by octet, each instance has one, and
// nothing else is in the file. It returns the number of records.
func (l *load) whole(file string) (records int, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	rest := len(text)
	idents := map[string]bool{}
	discovery.Records(text, func(line int, record []byte) bool {
		records++
		rest -= len("\n%%%\n") + len(record)
		ident := claimed(record)
		switch _, sent := l.sent.Load(l.hash(record)); {
		case !sent:
			err = fmt.Errorf("the record in line %d of %d octets was never sent", line, len(record))
		case idents[ident]:
			err = fmt.Errorf("%s is there twice", ident)
		case !strings.HasSuffix(string(record), "\n\n"):
			err = fmt.Errorf("the record in line %d has no end", line)
		}
		idents[ident] = true
		return err == nil
	})
	if err == nil && rest != 0 {
		err = fmt.Errorf("%d octets of the file are in no record", rest)
	}
	return records, err
}

// A killing is what has happened to the managers.
type killing struct {
	*load
	kills, writing, looks, full atomic.Int64
}

// A manager that is killed outright, at random moments under load and every other time when it has begun to write, leaves a whole file:
// for those who read it afterwards, for those who read it meanwhile, and for the next one (DISC-CMG-02a).
func TestKilledManagersLeaveAWholeFile(t *testing.T) {
	b, ok := multicast(t)
	if !ok {
		return // it has passed elsewhere
	}
	t.Parallel()
	const (
		kills, managers = 50, 5
		fewest          = 5   // of them are to be writing
		mostSent        = 250 // announcements that a manager lives for
	)
	k := &killing{load: &load{seed: maphash.MakeSeed()}}
	ctx, cancel := context.WithCancel(t.Context())
	signer := smallSigner(t)
	var sending, reading, killing sync.WaitGroup
	sending.Go(func() {
		if err := k.run(ctx, b, signer); err != nil {
			t.Error(err)
		}
	})
	var configs, caches [managers]string
	var files [managers]news
	for i := range managers {
		configs[i], caches[i] = b.config(t, t.TempDir(), "discovery.cache_max_age = 10") // so it does not wait beside a fresh file
		files[i].watch(t, filepath.Dir(caches[i]))
		reading.Go(func() {
			if err := k.look(ctx, caches[i], &files[i]); err != nil {
				t.Errorf("a reader finds: %v", err)
			}
		})
		killing.Go(func() {
			rng := rand.New(rand.NewPCG(50, uint64(i)))
			for n := 0; n < kills/managers || n < kills && k.writing.Load() < fewest; n++ {
				if err := k.kill(configs[i], caches[i], &files[i], rng.IntN(mostSent), n%2*(1+rng.IntN(3))); err != nil {
					t.Errorf("kill %d of manager %d: %v", n, i, err)
				}
			}
		})
	}
	killing.Wait()
	takeOver(t, configs[:], caches[:])
	cancel()
	reading.Wait()
	sending.Wait()
	_, sent := k.coming()
	t.Logf("%d kills, %d of them in the middle of a write; %d looks at the files, %d at all %d instances; %d announcements",
		k.kills.Load(), k.writing.Load(), k.looks.Load(), k.full.Load(), loadInstances, sent)
	if k.kills.Load() < kills || k.writing.Load() < fewest || k.full.Load() == 0 {
		t.Error("that proves too little")
	}
}

// look reads a file whenever something happens to it or beside it, and while announcements are sent.
func (k *killing) look(ctx context.Context, cache string, files *news) error {
	for ctx.Err() == nil {
		changed, _ := files.coming()
		sent, _ := k.tens.coming()
		n, err := k.whole(cache)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if k.looks.Add(1); n == loadInstances {
			k.full.Add(1)
		}
		select {
		case <-changed:
		case <-sent:
		case <-ctx.Done():
		}
	}
	return nil
}

// kill starts a manager and kills it after so many announcements and then so many things that have happened to its files, of which
// the first are the beginning of a write, its first octets and its last ones. The error says what is wrong then.
func (k *killing) kill(config, cache string, files *news, sent, happened int) error {
	limit, cancel := context.WithTimeout(context.Background(), longest)
	defer cancel()
	cmd := exec.Command(binary, "cache", "manage", "--config", config)
	if err := cmd.Start(); err != nil {
		return err
	}
	err := k.more(limit, sent)
	if err == nil {
		err = files.more(limit, happened)
	}
	cmd.Process.Kill()
	ended := (*exec.ExitError)(nil)
	if errors.As(cmd.Wait(), &ended); err != nil || ended == nil || ended.Exited() {
		return fmt.Errorf("it was not to be killed: %v, %v", ended, err)
	}
	k.kills.Add(1)
	if _, err := os.Stat(cache + ".new"); err == nil {
		k.writing.Add(1)
	}
	if _, err := k.whole(cache); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// takeOver starts managers beside what is left of others, and stops them in order.
func takeOver(t *testing.T, configs, caches []string) {
	before := time.Now()
	var daemons []*daemon
	for _, c := range configs {
		d := start(t, "cache", "manage", "--config", c)
		d.watch(t, filepath.Dir(c))
		daemons = append(daemons, d)
	}
	for i, cache := range caches {
		daemons[i].eventually(t, "a new file", func() bool {
			info, err := os.Stat(cache)
			return err == nil && info.ModTime().After(before) && info.Size() > 0
		})
		daemons[i].stop(t)
		if left, _ := filepath.Glob(cache + ".*"); len(left) > 0 {
			t.Errorf("left over: %v", left)
		}
		if o := scampSim(t, "", "cache", "check", "--quiet", cache); o.code != 0 {
			t.Errorf("in the end: %+v", o)
		}
	}
}

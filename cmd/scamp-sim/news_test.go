package main

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
)

// A news tells whoever waits that something has happened, and it is time to look again. The zero value is ready.
type news struct {
	mu   sync.Mutex
	all  int
	next chan struct{} // closed by what happens next
}

// happens ends the waiting of everybody.
func (n *news) happens() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.all++
	if n.next != nil {
		close(n.next)
		n.next = nil
	}
}

// coming is closed when something happens after the call. So far so much has happened.
func (n *news) coming() (next <-chan struct{}, so int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.next == nil {
		n.next = make(chan struct{})
	}
	return n.next, n.all
}

// more waits until so many more things have happened than before.
func (n *news) more(ctx context.Context, things int) error {
	coming, before := n.coming()
	for so := before; so < before+things; coming, so = n.coming() {
		select {
		case <-coming:
		case <-ctx.Done():
			return fmt.Errorf("after %d of %d things that were to happen: %w", so-before, things, ctx.Err())
		}
	}
	return nil
}

// longest bounds how long a test waits for what must happen.
const longest = 30 * time.Second

// eventually waits until something holds. It looks at the beginning and whenever there are news: what is to hold must come with some.
func (n *news) eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	limit, cancel := context.WithTimeout(t.Context(), longest)
	defer cancel()
	for {
		coming, _ := n.coming()
		if holds() {
			return
		}
		select {
		case <-coming:
		case <-limit.Done():
			t.Fatalf("not within %v: %s", longest, what)
		}
	}
}

// watch has news of all that happens to the files of directories, until the test ends.
func (n *news) watch(t *testing.T, dirs ...string) {
	t.Helper()
	w := watching(t, dirs...)
	go func() {
		for range w.Events {
			n.happens()
		}
	}()
	n.happens() // what was before nobody has seen
}

// follow has news of all that changes, of which next is the next, until the test ends.
func (n *news) follow(t *testing.T, next func() <-chan struct{}) {
	ctx := t.Context()
	go func() {
		for {
			changed := next()
			n.happens()
			select {
			case <-changed:
			case <-ctx.Done():
				return
			}
		}
	}()
}

// watching tells what happens to the files of directories, until the test ends.
func watching(t *testing.T, dirs ...string) *fsnotify.Watcher {
	t.Helper()
	w, err := fsnotify.NewWatcher()
	if err != nil {
		t.Fatal(err)
	}
	var told sync.WaitGroup
	told.Go(func() {
		for err := range w.Errors {
			t.Errorf("watching %s: %v", dirs, err)
		}
	})
	t.Cleanup(func() {
		w.Close()
		told.Wait()
	})
	for _, dir := range dirs {
		if err := w.Add(dir); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gudtech/scamp-sim/scamp/discovery"
)

func newCache() *cobra.Command {
	return group("cache", "Works with discovery caches: makes records, checks, lists, manages and watches",
		newCacheMake(), newCacheCheck(), newCacheList(), newCacheManage(), newCacheWatch())
}

// A cacheFile is a cache file that is looked at, and an authorised-services file where one is named.
type cacheFile struct {
	name, listName string
	text           []byte
	age            time.Duration
	authorized     *discovery.Authorized // nil: none is named
}

// readCache reads the files. What in the authorised-services file has no effect is told to warn.
func readCache(file, authorized string, warn io.Writer) (*cacheFile, error) {
	text, err := readFile(file, mostCache)
	if err != nil {
		return nil, fmt.Errorf("cannot read the cache: %w", err)
	}
	c := &cacheFile{name: file, listName: authorized, text: text}
	if info, err := os.Stat(file); err == nil {
		c.age = time.Since(info.ModTime())
	}
	if authorized == "" {
		return c, nil
	}
	list, err := readFile(authorized, mostText)
	if err != nil {
		return nil, fmt.Errorf("cannot read the authorised services: %w", err)
	}
	c.authorized = discovery.ParseAuthorized(list)
	for _, w := range c.authorized.Warnings {
		fmt.Fprintf(warn, "%s: %s\n", authorized, visible(w))
	}
	return c, nil
}

// usualMaxAge is discovery.cache_max_age where nobody has set it.
const usualMaxAge = 120 * time.Second

// tellAge says when the file is so old that requesters do not use it.
func (c *cacheFile) tellAge(w io.Writer) {
	if c.age > usualMaxAge {
		fmt.Fprintf(w, "%s is %v old: requesters take it for stale after %.0f s, or discovery.cache_max_age; is its cache manager running?\n",
			c.name, c.age.Round(time.Second), usualMaxAge.Seconds())
	}
}

// none is the error of a file that has something in it, but no record.
func (c *cacheFile) none() error {
	return &statusError{1, fmt.Errorf("%s has %s and no record: a record stands behind a line %%%%%%", c.name, counted(len(c.text), "octet"))}
}

// allows reports whether an instance may offer an action, as far as is known.
func (c *cacheFile) allows(a *discovery.Announcement, act *discovery.Action) bool {
	return c.authorized == nil || c.authorized.Allows(a.Fingerprint, act.Sector, act.Name)
}

// count counts the actions of an instance and those of them that it may offer. What everybody may offer does not count
// (DISC-TOL-01d).
func (c *cacheFile) count(a *discovery.Announcement) (all, allowed int) {
	for i := range a.Actions {
		if strings.HasPrefix(a.Actions[i].Name, "_meta.") {
			continue
		}
		if all++; c.allows(a, &a.Actions[i]) {
			allowed++
		}
	}
	return all, allowed
}

// printable makes a name of somebody else's fit for a terminal and for a column; one that is not is quoted.
func printable(s string) string {
	quoted := strconv.Quote(s)
	if quoted[1:len(quoted)-1] == s {
		return s
	}
	return quoted
}

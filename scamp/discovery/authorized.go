package discovery

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// An Authorized is what an authorised-services file says: which certificates may offer what. It does not change. A nil
// Authorized authorises nothing but _meta.
type Authorized struct {
	grants map[string][]grant // by fingerprint, in upper case
	// Warnings are lines that have no effect although they look as if they should, with their numbers.
	Warnings []string
}

// A grant is one token: all of a sector, or what a prefix covers.
type grant struct {
	sector, prefix string // in ASCII lower case
	all            bool
}

// maxAuthorized bounds an authorised-services file, in octets.
const maxAuthorized = 64 << 20

// ParseAuthorized reads the text of an authorised-services file. It takes every text: lines that make no sense count for
// nobody and become Warnings (DISC-AUT-01 to 06).
func ParseAuthorized(text []byte) *Authorized {
	x := &Authorized{grants: map[string][]grant{}}
	lines := map[string]int{}
	number := 0
	for line := range bytes.Lines(text) {
		number++
		s, _, _ := strings.Cut(string(line), "#")
		if s = trimBlanks(s); s == "" {
			continue
		}
		fingerprint, tokens := s, ""
		if i := strings.IndexAny(s, " \t"); i >= 0 {
			fingerprint, tokens = s[:i], s[i:]
		}
		fingerprint = upper(fingerprint)
		if !isFingerprint(fingerprint) {
			x.warn(number, "it does not begin with a fingerprint: 20 hexadecimal octets joined with colons")
			continue
		}
		if before := lines[fingerprint]; before > 0 {
			x.warn(before, fmt.Sprintf("line %d names the same fingerprint, and only the last one counts", number))
		}
		lines[fingerprint] = number
		x.grants[fingerprint] = parseTokens(tokens)
	}
	return x
}

func (x *Authorized) warn(line int, message string) {
	x.Warnings = append(x.Warnings, fmt.Sprintf("line %d has no effect: %s", line, message))
}

func trimBlanks(s string) string { return strings.Trim(s, " \t\r\n") }

func isFingerprint(s string) bool {
	if len(s) != 59 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if i%3 == 2 {
			if c != ':' {
				return false
			}
		} else if (c < '0' || c > '9') && (c < 'A' || c > 'F') {
			return false
		}
	}
	return true
}

// parseTokens reads what stands behind a fingerprint (DISC-AUT-03, 05).
func parseTokens(text string) (grants []grant) {
	for token := range strings.SplitSeq(text, ",") {
		sector, prefix, ok := strings.Cut(trimBlanks(token), ":")
		if !ok {
			sector, prefix = "main", sector
		}
		if sector == "" || prefix == "" {
			continue
		}
		if all := ok && prefix == "ALL"; all || !strings.Contains(prefix, ":") {
			grants = append(grants, grant{lower(sector), lower(prefix), all})
		}
	}
	return grants
}

// metaPrefix begins the names that everybody may offer (DISC-AUT-07).
const metaPrefix = "_meta."

// Allows reports whether a certificate may offer an action, by its real full name (DISC-AUT-04 to 09).
func (x *Authorized) Allows(fingerprint, sector, action string) bool {
	if strings.IndexByte(sector, ':') >= 0 || strings.IndexByte(action, ':') >= 0 {
		return false
	}
	return strings.HasPrefix(action, metaPrefix) || x.grantsAction(fingerprint, sector, action)
}

// Trusts is Allows without what is open to everybody: whether the operator has listed the certificate for the action. A
// call that is allowed only because of its name carries no ticket (DISC-AUT-13).
func (x *Authorized) Trusts(fingerprint, sector, action string) bool {
	return strings.IndexByte(sector, ':') < 0 && strings.IndexByte(action, ':') < 0 && x.grantsAction(fingerprint, sector, action)
}

func (x *Authorized) grantsAction(fingerprint, sector, action string) bool {
	if x == nil {
		return false
	}
	if action == "" || action[0] == '.' { // an empty namespace is nobody's (DISC-AUT-05)
		return false
	}
	for _, g := range x.grants[fingerprint] {
		if equalFold(g.sector, sector) && (g.all || covers(g.prefix, action)) {
			return true
		}
	}
	return false
}

// covers reports whether an action is the prefix, or begins with it and a dot (DISC-AUT-04a).
func covers(prefix, action string) bool {
	n := len(prefix)
	return len(action) >= n && equalFold(prefix, action[:n]) && (len(action) == n || action[n] == '.')
}

// equalFold compares with the ASCII letters taken without case; a is in lower case already.
func equalFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(b) {
		c := b[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if a[i] != c {
			return false
		}
	}
	return true
}

func lower(s string) string {
	for i := range len(s) {
		if 'A' <= s[i] && s[i] <= 'Z' {
			b := []byte(s)
			for j := range b {
				if 'A' <= b[j] && b[j] <= 'Z' {
					b[j] += 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return s
}

func upper(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'a' <= c && c <= 'z' {
			b[i] = c - 'a' + 'A'
		}
	}
	return string(b)
}

// An AuthorizedFile is an authorised-services file that is read again when it changes. A file that is missing or cannot be
// read authorises nothing but _meta (DISC-AUT-10, 11). Its methods may be called from any goroutine.
type AuthorizedFile struct {
	// Path is the file.
	Path string
	// FS is where Path is looked up, as fs.FS does; nil is the file system of the process.
	FS fs.FS
	// Warn is told what is wrong with the file, when it is read; nil is nobody.
	Warn func(message string)

	current atomic.Pointer[authorizedState]
	mu      sync.Mutex // held by who reads the file
}

type authorizedState struct {
	list *Authorized // nil: the file cannot be read
	seen fileState
	err  error // why it could not be read
}

// holds reports whether the state is that of a file. What could not be read is tried again, unless it is missing: the reason may
// go away without a trace in the file.
func (s *authorizedState) holds(seen fileState) bool {
	return s != nil && s.seen.same(seen) && (s.err == nil || seen.info == nil)
}

// A fileState tells versions of a file apart: by time, size and identity (DISC-AUT-10b).
type fileState struct {
	info  fs.FileInfo // nil: there is none
	mtime time.Time
	size  int64
}

func stateOf(info fs.FileInfo, err error) fileState {
	if err != nil {
		return fileState{}
	}
	return fileState{info, info.ModTime(), info.Size()}
}

func (s fileState) same(o fileState) bool {
	if s.info == nil || o.info == nil {
		return s.info == nil && o.info == nil
	}
	return s.mtime.Equal(o.mtime) && s.size == o.size && (s.info.Sys() == nil || os.SameFile(s.info, o.info))
}

// Current returns what the file says now: it looks whether the file has changed, and reads it if so. It is never nil but
// where the file cannot be read, and a nil Authorized can be asked, too.
func (f *AuthorizedFile) Current() *Authorized {
	fsys, name := place(f.FS, f.Path)
	seen := stateOf(fs.Stat(fsys, name))
	if s := f.current.Load(); s.holds(seen) {
		return s.list
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	seen = stateOf(fs.Stat(fsys, name)) // before it is read: a change meanwhile is seen the next time
	before := f.current.Load()
	if before.holds(seen) {
		return before.list
	}
	s := &authorizedState{seen: seen}
	text, err := readBounded(fsys, name, maxAuthorized)
	if err == nil {
		s.list = ParseAuthorized(text)
	} else {
		err = named(err, f.Path)
	}
	s.err = err
	f.current.Store(s)
	if f.Warn != nil {
		if err != nil {
			if before == nil || before.err == nil || before.err.Error() != err.Error() {
				f.Warn("the authorised-services file cannot be read; nothing is authorised: " + err.Error())
			}
		} else {
			for _, w := range s.list.Warnings {
				f.Warn(f.Path + ": " + w)
			}
		}
	}
	return s.list
}

// place returns a file system and a name in it for a path.
func place(fsys fs.FS, path string) (fs.FS, string) {
	if fsys != nil {
		return fsys, path
	}
	return os.DirFS(filepath.Dir(path)), filepath.Base(path)
}

// named is an error about a file, with its path in place of the name by which place has it.
func named(err error, path string) error {
	var e *fs.PathError
	if errors.As(err, &e) {
		return &fs.PathError{Op: e.Op, Path: path, Err: e.Err}
	}
	return err
}

// readBounded reads a file of at most so many octets.
func readBounded(fsys fs.FS, name string, most int64) ([]byte, error) {
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return nil, err
	}
	if info.Size() > most {
		return nil, fmt.Errorf("%s has %d octets, more than %d", name, info.Size(), most)
	}
	return fs.ReadFile(fsys, name)
}

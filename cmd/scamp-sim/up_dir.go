package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gudtech/scamp-sim/fixtures"
	"github.com/gudtech/scamp-sim/scamp/discovery"
)

// A busDir is the directory with what programs need to take part in a bus.
type busDir struct {
	path       string
	temporary  bool
	own        string
	authorized *discovery.AuthorizedFile

	announced map[string]*announcedFile // by name of its file; of who keeps the directory
	crowded   bool                      // there are more files than are read
}

// markOf begins the first line of a configuration that a verb has written, and may write
// anew.
func markOf(verb string) string { return "# Written by scamp-sim " + verb + "." }

// newBusDir makes the directory, or what is missing in it. Keys and authorised services
// that are there stay as they are.
func newBusDir(path, own string, sectors []string, control string) (*busDir, error) {
	d := &busDir{path: path, temporary: path == "", own: own, announced: map[string]*announcedFile{}}
	var err error
	if d.temporary {
		if d.path, err = os.MkdirTemp("", "scamp-sim-up-"); err != nil {
			return nil, fmt.Errorf("cannot make a directory: %w; name one with --dir", err)
		}
	} else if d.path, err = filepath.Abs(path); err != nil {
		return nil, err
	}
	if err := d.fill(sectors, control); err != nil {
		if d.temporary {
			os.RemoveAll(d.path)
		}
		return nil, err
	}
	d.authorized = &discovery.AuthorizedFile{Path: d.file("authorized_services")}
	return d, nil
}

func (d *busDir) file(names ...string) string {
	return filepath.Join(append([]string{d.path}, names...)...)
}

func (d *busDir) fill(sectors []string, control string) error {
	if strings.ContainsAny(d.path, "#\n") {
		return fmt.Errorf("--dir %q: a configuration file takes no path with a number sign", d.path)
	}
	if err := checkOwn(d.path, "up"); err != nil {
		return err
	}
	if err := os.MkdirAll(d.path, 0o755); err != nil {
		return fmt.Errorf("cannot make the directory: %w", err)
	}
	if err := discovery.FileStore(d.file("soa.conf")).Replace(d.config()); err != nil { // first: it says whose the directory is
		return fmt.Errorf("cannot write the directory: %w", err)
	}
	for _, sub := range []string{"services", "auth", "announcements"} {
		if err := os.MkdirAll(d.file(sub), 0o755); err != nil {
			return fmt.Errorf("cannot make the directory: %w", err)
		}
	}
	p := &pair{name: d.own, keyFile: d.file("services", d.own+".key"), certFile: d.file("services", d.own+".crt"), notes: io.Discard}
	der, err := p.provide(2048)
	if err != nil {
		return err
	}
	list := d.file("authorized_services")
	if err := errors.Join(entrust(list, fixtures.Fingerprint("server"), sectors, true), entrust(list, discovery.Fingerprint(der), sectors, false)); err != nil {
		return fmt.Errorf("cannot write the authorised services: %w", err)
	}
	for _, f := range []struct {
		fixture, name string
		mode          fs.FileMode
	}{
		{"server.cert.pem", "services/simulated.crt", 0o644},
		{"other.cert.pem", "services/unauthorized.crt", 0o644},
		{"ticket.pub.pem", "auth/ticket_verify_public_key.pem", 0o644},
		{"ticket.key.pem", "auth/ticket_signing_key.pem", 0o600},
	} {
		text, err := fixtures.FS.ReadFile(f.fixture)
		if err == nil {
			err = writeNew(d.file(filepath.FromSlash(f.name)), text, f.mode)
		}
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("cannot write %s: %w", f.name, err)
		}
	}
	err = errors.Join(
		discovery.FileStore(d.file("discovery.cache")).Replace(nil),
		os.WriteFile(d.file("control"), []byte(control+"\n"), 0o644),
	)
	if err != nil {
		return fmt.Errorf("cannot write the directory: %w", err)
	}
	return nil
}

// config is the configuration file.
func (d *busDir) config() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s It is written anew whenever that starts.\n", markOf("up"))
	for _, line := range [][2]string{
		{"bus.address", "127.0.0.1"},
		{"discovery.cache_path", d.file("discovery.cache")},
		{"bus.authorized_services", d.file("authorized_services")},
		{"auth.ticket_verify_public_key", d.file("auth", "ticket_verify_public_key.pem")},
		{d.own + ".soa_key", d.file("services", d.own+".key")},
		{d.own + ".soa_cert", d.file("services", d.own+".crt")},
	} {
		fmt.Fprintf(&b, "%s = %s\n", line[0], line[1])
	}
	return b.Bytes()
}

// checkOwn refuses a directory that belongs to something else than a verb.
func checkOwn(dir, verb string) error {
	file := filepath.Join(dir, "soa.conf")
	text, err := readFile(file, mostText)
	switch {
	case err == nil && !bytes.HasPrefix(text, []byte(markOf(verb))):
		return fmt.Errorf("%s is there, and was not written by scamp-sim %s: choose another directory with --dir", file, verb)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("cannot use the directory: %w", err)
	}
	for _, name := range []string{"discovery.cache", "authorized_services"} {
		if there, e := exists(filepath.Join(dir, name)); err != nil && there && e == nil {
			return fmt.Errorf("%s is there, without a soa.conf that scamp-sim %s has written: it may be that of a bus; choose another directory with --dir", filepath.Join(dir, name), verb)
		}
	}
	control := filepath.Join(dir, "control")
	text, err = readFile(control, mostText)
	if err != nil {
		return nil
	}
	address := strings.TrimSpace(string(text))
	if !answers(address) {
		return nil // it was ended without a chance to clean up
	}
	return fmt.Errorf("another scamp-sim %s runs in %s, with its control API at %s: choose another directory with --dir; if something else is there, remove %s", verb, dir, visible(address), control)
}

// answers reports whether there is a control API at an address, or somebody who is
// slow: it may be one that is beginning.
func answers(address string) bool {
	client := &http.Client{Timeout: 2 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	r, err := client.Get("http://" + address + "/v1/state")
	if err != nil {
		slow := net.Error(nil)
		return errors.As(err, &slow) && slow.Timeout()
	}
	defer r.Body.Close()
	return r.StatusCode == http.StatusOK && r.Header.Get("Content-Type") == "application/json"
}

// entrust lets a certificate offer all of some sectors. What the file says of it already
// stays, unless it must be enough.
func entrust(file, fingerprint string, sectors []string, enough bool) error {
	text, err := readFile(file, mostText)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	trusted := discovery.ParseAuthorized(text)
	named := bytes.Contains(bytes.ToUpper(text), []byte(fingerprint))
	lacks := slices.ContainsFunc(sectors, func(s string) bool { return !trusted.Trusts(fingerprint, s, "\x00.\x00") }) // no prefix covers it
	if named && (!enough || !lacks) {
		return nil
	}
	if len(text) > 0 && text[len(text)-1] != '\n' {
		text = append(text, '\n')
	}
	text = append(text, fingerprint+"    "...)
	for i, s := range sectors {
		if i > 0 {
			text = append(text, ", "...)
		}
		text = append(text, s+":ALL"...)
	}
	return discovery.FileStore(file).Replace(append(text, '\n'))
}

// remove takes away what is of use only while the bus runs.
func (d *busDir) remove() {
	if d.temporary {
		os.RemoveAll(d.path)
		return
	}
	os.Remove(d.file("control"))
	discovery.FileStore(d.file("discovery.cache")).Replace(nil) // nobody is there any more
}

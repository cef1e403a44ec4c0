package main

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gudtech/scamp-sim/scamp/discovery"
	"github.com/gudtech/scamp-sim/scamp/soaconf"
)

// A proxyDir is the directory with what programs need to call through a proxy.
type proxyDir struct {
	path      string
	temporary bool
	stands    map[string]*standIn // by the fingerprint of a certificate of the bus
}

// A standIn is the certificate that a proxy shows in the place of another one. All
// have one key: what tells them apart is their fingerprints.
type standIn struct {
	fingerprint string
	certificate tls.Certificate
	signer      *discovery.Signer
}

// newProxyDir makes the directory, or what is missing in it.
func newProxyDir(path string, conf *soaconf.Config, control string) (*proxyDir, error) {
	d := &proxyDir{path: path, temporary: path == "", stands: map[string]*standIn{}}
	var err error
	if d.temporary {
		if d.path, err = os.MkdirTemp("", "scamp-sim-proxy-"); err != nil {
			return nil, fmt.Errorf("cannot make a directory: %w; name one with --dir", err)
		}
	} else if d.path, err = filepath.Abs(path); err != nil {
		return nil, err
	}
	if err := d.fill(conf, control); err != nil {
		if d.temporary {
			os.RemoveAll(d.path)
		}
		return nil, err
	}
	return d, nil
}

func (d *proxyDir) file(names ...string) string {
	return filepath.Join(append([]string{d.path}, names...)...)
}

func (d *proxyDir) fill(conf *soaconf.Config, control string) error {
	if strings.ContainsAny(d.path, "#\n") {
		return fmt.Errorf("--dir %q: a configuration file takes no path with a number sign", d.path)
	}
	if err := checkOwn(d.path, "proxy"); err != nil {
		return err
	}
	text, err := d.config(conf)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(d.file("certificates"), 0o755); err != nil {
		return fmt.Errorf("cannot make the directory: %w", err)
	}
	err = errors.Join(
		discovery.FileStore(d.file("soa.conf")).Replace(text), // first: it says whose the directory is
		d.empty(),
		discovery.FileStore(d.file("authorized_services")).Replace(nil),
		os.WriteFile(d.file("control"), []byte(control+"\n"), 0o644),
	)
	if err != nil {
		return fmt.Errorf("cannot write the directory: %w", err)
	}
	return nil
}

// mostNamed is in how many files beside a configuration key pairs are looked for.
const mostNamed = 2000

// config is the configuration of the bus, but for the files that the proxy has in their
// places. Paths are such that they lead to the same files from here.
func (d *proxyDir) config(conf *soaconf.Config) ([]byte, error) {
	paths := map[string]bool{}
	for _, k := range soaconf.Table {
		if k.Unit == soaconf.Path {
			paths[k.Name], paths[k.Older] = true, true
		}
	}
	values := map[string]string{}
	for _, key := range conf.Keys() {
		value, _ := conf.Lookup(key)
		kind := key
		if _, last, ok := strings.Cut(key, "."); ok && paths["<name>."+last] {
			kind = "<name>." + last
		}
		if value != "" && paths[kind] {
			full, err := filepath.Abs(value)
			if err != nil {
				return nil, err
			}
			value = full
		}
		values[key] = value
	}
	var err error
	if values["auth.ticket_verify_public_key"], err = filepath.Abs(conf.TicketKey()); err != nil {
		return nil, err
	}
	files, _ := os.ReadDir(filepath.Join(conf.Dir, "services")) // none is none
	for _, file := range files[:min(len(files), mostNamed)] {
		name, isKey := strings.CutSuffix(file.Name(), ".key")
		if !isKey || !serviceName.MatchString(name) {
			continue
		}
		key, cert := conf.KeyPair(name)
		for of, file := range map[string]string{"soa_key": key, "soa_cert": cert} {
			if values[name+"."+of], err = filepath.Abs(file); err != nil {
				return nil, err
			}
		}
	}
	values["discovery.cache_path"] = d.file("discovery.cache")
	values["bus.authorized_services"] = d.file("authorized_services")
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s It is written anew whenever that starts, from %s.\n", markOf("proxy"), visible(conf.File))
	keys := make([]string, 0, len(values))
	for key := range values {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		if strings.ContainsAny(values[key], "#\n") {
			return nil, fmt.Errorf("%s is %q, which no configuration file can say: there is a number sign in the path of %s; move it, or give another path to it with --config", key, values[key], conf.File)
		}
		fmt.Fprintf(&b, "%s = %s\n", key, values[key])
	}
	return b.Bytes(), nil
}

// standIn returns the certificate in the place of another one, which is made where
// there is none.
func (d *proxyDir) standIn(fingerprint string) (*standIn, error) {
	if s := d.stands[fingerprint]; s != nil {
		return s, nil
	}
	p := &pair{
		name: "scamp-sim proxy", notes: io.Discard, keyFile: d.file("certificates", "proxy.key"),
		certFile: d.file("certificates", strings.ReplaceAll(fingerprint, ":", "")+".crt"),
	}
	der, err := p.provide(2048)
	if err != nil {
		return nil, err
	}
	s := &standIn{fingerprint: discovery.Fingerprint(der)}
	if s.certificate, err = tls.LoadX509KeyPair(p.certFile, p.keyFile); err == nil {
		s.signer, err = loadSigner(p.keyFile, p.certFile)
	}
	if err != nil {
		return nil, err
	}
	d.stands[fingerprint] = s
	return s, nil
}

// forget forgets the certificates in the places of others than these. When one comes
// again, its file is still there.
func (d *proxyDir) forget(but map[string]bool) {
	maps.DeleteFunc(d.stands, func(fingerprint string, _ *standIn) bool { return !but[fingerprint] })
}

// authorize lets the certificates of the proxy offer what those in whose places they
// stand may; text is the authorised-services file of the bus.
func (d *proxyDir) authorize(text []byte) error {
	var b bytes.Buffer
	for line := range bytes.Lines(text) {
		line, _, _ = bytes.Cut(line, []byte("#"))
		line = bytes.Trim(line, " \t\r\n")
		n := bytes.IndexAny(line, " \t")
		if n < 0 {
			n = len(line)
		}
		if s := d.stands[strings.ToUpper(string(line[:n]))]; s != nil {
			fmt.Fprintf(&b, "%s%s\n", s.fingerprint, line[n:])
		}
	}
	return discovery.FileStore(d.file("authorized_services")).Replace(b.Bytes())
}

// writeCache makes text the cache file, with the time of the file that it is made of: it
// looks as old as that at every moment. nil removes it.
func (d *proxyDir) writeCache(text []byte, at time.Time) error {
	path := d.file("discovery.cache")
	if text == nil {
		if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	fresh := path + ".new"
	if err := os.WriteFile(fresh, text, 0o644); err != nil {
		return err
	}
	if err := os.Chtimes(fresh, at, at); err != nil {
		return err
	}
	return os.Rename(fresh, path)
}

// empty is the cache file while nobody can be reached.
func (d *proxyDir) empty() error { return d.writeCache([]byte{}, time.Now()) }

// remove takes away what is of use only while the proxy runs.
func (d *proxyDir) remove() {
	if d.temporary {
		os.RemoveAll(d.path)
		return
	}
	os.Remove(d.file("control"))
	d.empty()
}

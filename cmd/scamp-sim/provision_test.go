package main

import (
	"crypto/x509"
	"encoding/pem"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/gudtech/scamp-sim/fixtures"
	"github.com/gudtech/scamp-sim/scamp/discovery"
)

// contents are all files below a directory.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		found[path] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func same(t *testing.T, what string, before, after map[string]string) {
	t.Helper()
	for name, content := range before {
		if after[name] != content {
			t.Errorf("%s: %s has changed", what, name)
		}
	}
	if len(after) != len(before) {
		t.Errorf("%s: %d files became %d", what, len(before), len(after))
	}
}

// A new service gets its pair, its line and its configuration; a second run changes nothing (DISC-PRV-01).
func TestProvision(t *testing.T) {
	if bits := newProvision().Flags().Lookup("bits").DefValue; bits != "4096" {
		t.Errorf("a key has %s bits by default", bits)
	}
	dir := filepath.Join(t.TempDir(), "etc")
	provision := func(args ...string) outcome {
		return scampSim(t, "", append([]string{"provision", "ledger", "--dir", dir, "--bits", "2048"}, args...)...)
	}
	o := provision()
	key, cert := filepath.Join(dir, "services", "ledger.key"), filepath.Join(dir, "services", "ledger.crt")
	der, err := readCertificate(cert)
	if err != nil {
		t.Fatal(err)
	}
	fingerprint := discovery.Fingerprint(der)
	want := "# " + fingerprint + "\nledger.soa_key = " + key + "\nledger.soa_cert = " + cert + "\n"
	if o.code != 0 || o.stdout != want || !strings.Contains(o.stderr, "2048 bits") {
		t.Errorf("%+v", o)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	if err := parsed.CheckSignature(parsed.SignatureAlgorithm, parsed.RawTBSCertificate, parsed.Signature); err != nil || !strings.HasSuffix(parsed.Subject.CommonName, " ledger") {
		t.Errorf("%v, %q", err, parsed.Subject.CommonName)
	}
	if days := parsed.NotAfter.Sub(parsed.NotBefore).Hours() / 24; days < 3650 || days > 3651 {
		t.Errorf("valid for %v days", days)
	}
	if info, err := os.Stat(key); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	before := contents(t, dir)
	if line := before[filepath.Join(dir, "authorized_services")]; line != fingerprint+"    main:ALL\n" {
		t.Errorf("the line is %q", line)
	}
	if o := scampSim(t, "", "fingerprint", cert); o.stdout != fingerprint+"\n" || o.code != 0 {
		t.Errorf("fingerprint: %+v", o)
	}

	if o = provision(); o.code != 0 || o.stdout != want || strings.Count(o.stderr, "left as it is\n") != 2 {
		t.Errorf("again: %+v", o)
	}
	same(t, "again", before, contents(t, dir))
	if o = provision("--sector", "web"); o.code != 1 || !strings.Contains(o.stderr, "without web:ALL") {
		t.Errorf("another sector: %+v", o)
	}
	same(t, "another sector", before, contents(t, dir))

	// The certificate is made anew for a key that has lost it; that is another fingerprint.
	os.Remove(cert)
	if o = provision(); o.code != 0 || !strings.Contains(o.stderr, "making its certificate") {
		t.Errorf("without certificate: %+v", o)
	}
	if b, err := os.ReadFile(key); err != nil || string(b) != before[key] {
		t.Errorf("the key has changed: %v", err)
	}
	if _, err := loadSigner(key, cert); err != nil {
		t.Error(err)
	}
	if lines := strings.Count(contents(t, dir)[filepath.Join(dir, "authorized_services")], "main:ALL\n"); lines != 2 {
		t.Errorf("%d lines", lines)
	}
}

// What is there is never overwritten, whatever state it is in.
func TestProvisionOverwritesNothing(t *testing.T) {
	read := func(name string) string {
		b, err := fixtures.FS.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	for name, tc := range map[string]struct {
		files map[string]string // in services
		words []string
	}{
		"a key that is none":          {map[string]string{"x.key": "mine\n"}, []string{"x.key has no private key"}},
		"a key of another kind":       {map[string]string{"x.key": read("ticket.pub.pem")}, []string{"PUBLIC KEY", "not a PRIVATE KEY"}},
		"a certificate without a key": {map[string]string{"x.crt": read("server.cert.pem")}, []string{"x.crt is there without its key", "move the certificate away"}},
		"a pair that does not match":  {map[string]string{"x.key": read("server.key.pem"), "x.crt": read("other.cert.pem")}, []string{"x.key", "x.crt", "belongs to the key"}},
		"a certificate that is none":  {map[string]string{"x.key": read("server.key.pem"), "x.crt": "mine\n"}, []string{"x.crt"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			os.Mkdir(filepath.Join(dir, "services"), 0o755)
			for file, content := range tc.files {
				write(t, filepath.Join(dir, "services", file), content)
			}
			before := contents(t, dir)
			o := scampSim(t, "", "provision", "x", "--dir", dir, "--bits", "2048")
			if strings.Contains(o.stderr, "making its certificate") {
				t.Error("it makes a certificate")
			}
			o.stderr = o.stderr[strings.Index(o.stderr, "scamp-sim: "):]
			o.oneLine(t, 2, tc.words...)
			same(t, name, before, contents(t, dir))
		})
	}
}

// A pair that is there is registered, beside whatever else the file has.
func TestProvisionRegisters(t *testing.T) {
	fp := fixtures.Fingerprint("server")
	const another = "AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD main:Foo"
	for name, tc := range map[string]struct {
		before, after string
		code          int
	}{
		"another service":     {another + "\n", another + "\n" + fp + "    main:ALL\n", 0},
		"no LF at the end":    {another, another + "\n" + fp + "    main:ALL\n", 0},
		"already there":       {fp + " main:ALL", fp + " main:ALL", 0},
		"in lower case":       {strings.ToLower(fp) + " web:ALL, MAIN:ALL\n", strings.ToLower(fp) + " web:ALL, MAIN:ALL\n", 0},
		"for less":            {fp + " Foo\n", fp + " Foo\n", 1},
		"revoked":             {"#" + fp + " main:ALL\n", "#" + fp + " main:ALL\n", 1},
		"revoked by a second": {fp + " main:ALL\n" + fp + "\n", fp + " main:ALL\n" + fp + "\n", 1},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			os.Mkdir(filepath.Join(dir, "services"), 0o755)
			copyFixtures(t, filepath.Join(dir, "services"), "x")
			list := filepath.Join(dir, "authorized_services")
			write(t, list, tc.before)
			o := scampSim(t, "", "provision", "x", "--dir", dir)
			if got := contents(t, dir)[list]; o.code != tc.code || got != tc.after || !strings.Contains(o.stdout, fp) {
				t.Errorf("%+v\n%s", o, got)
			}
		})
	}
}

// copyFixtures writes the fixture pair as NAME.key and NAME.crt.
func copyFixtures(t *testing.T, dir, name string) (key, cert string) {
	t.Helper()
	key, cert = filepath.Join(dir, name+".key"), filepath.Join(dir, name+".crt")
	for from, to := range map[string]string{"server.key.pem": key, "server.cert.pem": cert} {
		b, err := fixtures.FS.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		write(t, to, string(b))
	}
	return key, cert
}

func TestProvisionRefuses(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	write(t, file, "")
	for name, tc := range map[string]struct{ args, words []string }{
		"a path":        {[]string{"../x"}, []string{`"../x"`}},
		"a blank":       {[]string{"a b"}, []string{`"a b"`, "begins with a letter"}},
		"an empty name": {[]string{""}, []string{`""`}},
		"a weak key":    {[]string{"x", "--bits", "1024"}, []string{"--bits 1024", "2048"}},
		"a huge key":    {[]string{"x", "--bits", "100000"}, []string{"--bits 100000"}},
		"no sector":     {[]string{"x", "--sector", ""}, []string{"--sector"}},
		"a colon":       {[]string{"x", "--sector", "a:ALL"}, []string{"--sector", "colon"}},
		"a line":        {[]string{"x", "--sector", "a\nb"}, []string{"--sector"}},
		"no directory":  {[]string{"x", "--dir", file}, []string{"cannot make the directory", "file"}},
	} {
		t.Run(name, func(t *testing.T) {
			scampSim(t, "", append([]string{"provision"}, tc.args...)...).oneLine(t, 2, tc.words...)
		})
	}
	if left := contents(t, dir); len(left) != 1 {
		t.Errorf("left over: %v", left)
	}
}

// The fingerprint is that of the first certificate, whatever stands around it.
func TestFingerprint(t *testing.T) {
	dir := t.TempDir()
	key, cert := copyFixtures(t, dir, "x")
	b, _ := os.ReadFile(cert)
	k, _ := os.ReadFile(key)
	other, _ := fixtures.FS.ReadFile("other.cert.pem")
	for name, text := range map[string]string{
		"alone": string(b), "behind its key": string(k) + string(b), "before another": string(b) + string(other),
		"behind text": "subject: x\n" + string(b), "CRLF": strings.ReplaceAll(string(b), "\n", "\r\n"),
	} {
		file := filepath.Join(dir, "it")
		write(t, file, text)
		if o := scampSim(t, "", "fingerprint", file); o.code != 0 || o.stdout != fixtures.Fingerprint("server")+"\n" || o.stderr != "" {
			t.Errorf("%s: %+v", name, o)
		}
	}
	scampSim(t, "", "fingerprint", key).oneLine(t, 2, "has no certificate", "BEGIN CERTIFICATE")
	damaged := filepath.Join(dir, "damaged")
	write(t, damaged, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("nonsense")})))
	scampSim(t, "", "fingerprint", damaged).oneLine(t, 2, "damaged")
}

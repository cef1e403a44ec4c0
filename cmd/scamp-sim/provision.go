package main

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gudtech/scamp-sim/scamp/discovery"
)

func newProvision() *cobra.Command {
	var sector, dir string
	var bits int
	cmd := &cobra.Command{
		Use:   "provision NAME",
		Short: "Makes a service's key and certificate and authorises it",
		Long: `provision makes what a new service needs in a configuration directory:

  services/NAME.key, services/NAME.crt   its key pair
  authorized_services                    a line that lets it offer all of a sector

and prints the fingerprint and the lines for soa.conf. What is there already is
left as it is: a second run changes nothing.`,
		Example: `  scamp-sim provision ledger --dir /etc/scamp`,
		Args:    operands("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return provision(cmd, args[0], sector, dir, bits)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&sector, "sector", "main", "sector whose actions the service may offer")
	flags.StringVar(&dir, "dir", ".", "configuration directory")
	flags.IntVar(&bits, "bits", 4096, "size of the key; at least 2048")
	return cmd
}

var serviceName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

func provision(cmd *cobra.Command, name, sector, dir string, bits int) error {
	switch {
	case !serviceName.MatchString(name):
		return fmt.Errorf("%q is no name of a service: it has letters, digits, dots, hyphens and underscores, and begins with a letter or digit", name)
	case sector == "" || strings.ContainsAny(sector, ":,#") || strings.ContainsFunc(sector, func(r rune) bool { return hidden(r) || r == ' ' }):
		return fmt.Errorf("--sector %q is no name of a sector: a name has no colon, comma, number sign or blank", sector)
	case bits < 2048 || bits > 8192:
		return fmt.Errorf("--bits %d: a key has 2048 to 8192 bits", bits)
	}
	dir, err := filepath.Abs(dir) // the lines for soa.conf hold wherever a program runs
	if err != nil {
		return err
	}
	p := &pair{name: name, keyFile: filepath.Join(dir, "services", name+".key"), certFile: filepath.Join(dir, "services", name+".crt"), notes: cmd.ErrOrStderr()}
	if err := os.MkdirAll(filepath.Dir(p.keyFile), 0o755); err != nil {
		return fmt.Errorf("cannot make the directory of the key: %w", err)
	}
	der, err := p.provide(bits)
	if err != nil {
		return err
	}
	fingerprint := discovery.Fingerprint(der)
	list := filepath.Join(dir, "authorized_services")
	before, err := authorize(list, fingerprint, sector)
	if err != nil {
		return fmt.Errorf("cannot add to the authorised services: %w", err)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "# %s\n%s.soa_key = %s\n%s.soa_cert = %s\n", fingerprint, name, p.keyFile, name, p.certFile)
	switch before {
	case listedFully:
		fmt.Fprintf(p.notes, "%s authorises this certificate already and is left as it is\n", list)
	case listedOtherwise:
		return &statusError{1, fmt.Errorf("%s names this certificate without %s:ALL and is left as it is; edit its line", list, sector)}
	}
	return nil
}

// A pair is the key and the certificate of a service.
type pair struct {
	name, keyFile, certFile string
	notes                   io.Writer
}

// provide returns the certificate in DER form, and makes what is not there of the pair.
func (p *pair) provide(bits int) ([]byte, error) {
	hasKey, err := exists(p.keyFile)
	if err != nil {
		return nil, err
	}
	hasCert, err := exists(p.certFile)
	switch {
	case err != nil:
		return nil, err
	case hasKey && hasCert:
		if _, err := loadSigner(p.keyFile, p.certFile); err != nil {
			return nil, err
		}
		fmt.Fprintf(p.notes, "%s is there already and is left as it is\n", p.keyFile)
		return readCertificate(p.certFile)
	case hasCert:
		return nil, fmt.Errorf("%s is there without its key %s; put the key there, or move the certificate away", p.certFile, p.keyFile)
	}
	var key *rsa.PrivateKey
	if hasKey {
		if key, err = readPrivateKey(p.keyFile); err != nil {
			return nil, err
		}
		fmt.Fprintf(p.notes, "%s is there already and is left as it is; making its certificate\n", p.keyFile)
	} else {
		fmt.Fprintf(p.notes, "making a key of %d bits …\n", bits)
		if key, err = rsa.GenerateKey(rand.Reader, bits); err != nil {
			return nil, err
		}
		pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			return nil, err
		}
		if err := writeNew(p.keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), 0o600); err != nil {
			return nil, fmt.Errorf("cannot write the private key: %w", err)
		}
	}
	der, err := selfSigned(key, p.name)
	if err != nil {
		return nil, err
	}
	if err := writeNew(p.certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644); err != nil {
		return nil, fmt.Errorf("cannot write the certificate: %w", err)
	}
	return der, nil
}

func exists(file string) (bool, error) {
	_, err := os.Lstat(file)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// selfSigned makes the certificate of a service of this host (DISC-PRV-01b).
func selfSigned(key *rsa.PrivateKey, name string) ([]byte, error) {
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: host + " " + name},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(0, 0, 3650),
	}
	return x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
}

// writeNew writes a file that must not be there.
func writeNew(file string, content []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Close())
}

// How a certificate stands in an authorised-services file.
type listing int

const (
	unlisted        listing = iota
	listedFully             // for all of the sector
	listedOtherwise         // for something else, or in a comment
)

// authorize appends a line to an authorised-services file, unless the fingerprint is in it. It returns how it was in it before.
func authorize(file, fingerprint, sector string) (listing, error) {
	text, err := readFile(file, mostText)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return unlisted, err
	}
	if bytes.Contains(bytes.ToUpper(text), []byte(fingerprint)) {
		const any = "\x00.\x00" // no prefix covers it
		if discovery.ParseAuthorized(text).Trusts(fingerprint, sector, any) {
			return listedFully, nil
		}
		return listedOtherwise, nil
	}
	line := fingerprint + "    " + sector + ":ALL\n"
	if len(text) > 0 && text[len(text)-1] != '\n' {
		line = "\n" + line
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return unlisted, err
	}
	_, err = f.WriteString(line)
	return unlisted, errors.Join(err, f.Close())
}

func newFingerprint() *cobra.Command {
	return &cobra.Command{
		Use:   "fingerprint CERT",
		Short: "Prints the fingerprint of a certificate",
		Long:  `fingerprint prints the SHA-1 of a certificate as announcements and authorised-services files write it. CERT is a PEM file.`,
		Args:  operands("CERT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			der, err := readCertificate(args[0])
			if err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), discovery.Fingerprint(der))
			return nil
		},
	}
}

// readCertificate returns the first certificate of a PEM file in DER form.
func readCertificate(file string) ([]byte, error) {
	text, err := readFile(file, mostText)
	if err != nil {
		return nil, fmt.Errorf("cannot read the certificate: %w", err)
	}
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			return nil, fmt.Errorf("%s has no certificate in it: text that begins with -----BEGIN CERTIFICATE-----", file)
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		if rest, err := asn1.Unmarshal(block.Bytes, new(asn1.RawValue)); err != nil || len(rest) > 0 {
			return nil, fmt.Errorf("the certificate in %s is damaged", file)
		}
		return block.Bytes, nil
	}
}

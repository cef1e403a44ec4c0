package main

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
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

and prints the lines for soa.conf. What is there already is left as it is: a
second run changes nothing.`,
		Example: `  scamp-sim provision ledger --dir /etc/scamp`,
		Args:    cobra.ExactArgs(1),
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
		return fmt.Errorf("%q is no name of a service: letters, digits, dots, hyphens and underscores, a letter or digit first", name)
	case sector == "" || strings.ContainsAny(sector, ":,# \t\n"):
		return fmt.Errorf("--sector %q is no name of a sector: it has no colon, comma, number sign or blank", sector)
	case bits < 2048 || bits > 8192:
		return fmt.Errorf("--bits %d: a key has 2048 to 8192 bits", bits)
	}
	keyFile, certFile := filepath.Join(dir, "services", name+".key"), filepath.Join(dir, "services", name+".crt")
	if err := os.MkdirAll(filepath.Dir(keyFile), 0o755); err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	der, err := keyPair(cmd, name, keyFile, certFile, bits)
	if err != nil {
		return err
	}
	fingerprint := discovery.Fingerprint(der)
	added, err := authorize(filepath.Join(dir, "authorized_services"), fingerprint, sector)
	if err != nil {
		return err
	}
	if !added {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s names this certificate already and is left as it is\n", filepath.Join(dir, "authorized_services"))
	}
	fmt.Fprintf(out, "# %s\n%s.soa_key = %s\n%s.soa_cert = %s\n", fingerprint, name, keyFile, name, certFile)
	return nil
}

// keyPair returns the certificate in DER form, and makes the pair unless it is there.
func keyPair(cmd *cobra.Command, name, keyFile, certFile string, bits int) ([]byte, error) {
	if _, err := os.Stat(keyFile); err == nil {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s is there already and is left as it is\n", keyFile)
		return readCertificate(certFile)
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "making a key of %d bits …\n", bits)
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		return nil, err
	}
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
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	if err := writeNew(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), 0o600); err != nil {
		return nil, err
	}
	return der, writeNew(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644)
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

// authorize appends a line to an authorised-services file, unless the fingerprint is in it.
func authorize(file, fingerprint, sector string) (added bool, err error) {
	text, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	if bytes.Contains(bytes.ToUpper(text), []byte(fingerprint)) {
		return false, nil
	}
	line := fingerprint + "    " + sector + ":ALL\n"
	if len(text) > 0 && text[len(text)-1] != '\n' {
		line = "\n" + line
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return false, err
	}
	_, err = f.WriteString(line)
	return true, errors.Join(err, f.Close())
}

func newFingerprint() *cobra.Command {
	return &cobra.Command{
		Use:   "fingerprint CERT",
		Short: "Prints the fingerprint of a certificate",
		Long:  `fingerprint prints the SHA-1 of a certificate as announcements and authorised-services files write it. CERT is a PEM file.`,
		Args:  cobra.ExactArgs(1),
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
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("cannot read the certificate: %w", err)
	}
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			return nil, fmt.Errorf("%s has no certificate in PEM: it is text that begins with -----BEGIN CERTIFICATE-----", file)
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			return nil, fmt.Errorf("the certificate in %s cannot be read: %w", file, err)
		}
		return block.Bytes, nil
	}
}

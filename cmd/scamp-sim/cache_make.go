package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/gudtech/scamp-sim/scamp/discovery"
)

type cacheMakeFlags struct {
	announce, key, cert, out, form string
	add                            bool
}

func newCacheMake() *cobra.Command {
	var f cacheMakeFlags
	cmd := &cobra.Command{
		Use:   "make",
		Short: "Signs the description of a service into a record of a cache file",
		Long: `make joins programs with no discovery running: it signs what a service offers
into a record of a cache file, which requesters read.

The description is YAML:

  name: ledger                            # or ident: the whole ident
  uri: beepish+tls://127.0.0.1:30100
  sector: main                            # this and what follows may be left out
  envelopes: [json]
  weight: 1
  interval: 5s
  actions:
    - Ledger.list
    - {name: Ledger.post, version: 2, flags: [t30]}
    - {name: Shop.page, sector: web, envelopes: [web], flags: [noauth]}

or the JSON array of an announcement, which is signed as it stands, in one line.

A name gets a random end, so that every run describes another instance; an ident
is taken as it is. --form says how actions are announced: in the classes of
version 3, in the vectors of version 4, in both, or (auto) in the vectors only
where version 3 cannot say it.

Requesters look at the age of the file: by default they do not use one that is
older than two minutes. Raise discovery.cache_max_age for a file that nobody
keeps fresh, or touch it.`,
		Example: `  scamp-sim cache make --announcepath ledger.yaml --keypath services/ledger.key --certpath services/ledger.crt --out cache`,
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.announce, "announcepath", "", "file of the description, YAML or JSON")
	flags.StringVar(&f.key, "keypath", "", "PEM file of the service's private key")
	flags.StringVar(&f.cert, "certpath", "", "PEM file of its certificate")
	flags.StringVar(&f.out, "out", "", "cache file to write; without it, standard output")
	flags.BoolVar(&f.add, "add", false, "add the record to what --out has")
	flags.StringVar(&f.form, "form", "auto", "auto, v3, v4 or both")
	return cmd
}

var forms = map[string]discovery.Form{"auto": discovery.FormAuto, "v3": discovery.FormV3, "v4": discovery.FormV4, "both": discovery.FormBoth}

func (f *cacheMakeFlags) run(cmd *cobra.Command) error {
	if err := missing(cmd, "announcepath", "keypath", "certpath"); err != nil {
		return err
	}
	form, ok := forms[f.form]
	if !ok {
		return fmt.Errorf("--form %q is not auto, v3, v4 or both", f.form)
	}
	if f.add && f.out == "" {
		return errors.New("--add needs --out: the cache file to add to")
	}
	signer, err := loadSigner(f.key, f.cert)
	if err != nil {
		return err
	}
	packet, err := f.packet(signer, form)
	if err != nil {
		return err
	}
	a, err := discovery.Verify(packet)
	if err != nil {
		return fmt.Errorf("%s: receivers would not use this announcement: %s", f.announce, visible(err.Error()))
	}
	for _, s := range a.Skipped {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s: receivers skip an action: %s (%s)\n", f.announce, visible(s.Reason), s.Rule)
	}
	if len(a.Actions) == 0 {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s: there is no action in it that can be called\n", f.announce)
	}
	return f.write(cmd.OutOrStdout(), discovery.AppendRecord(nil, a))
}

// write writes the record where the flags say.
func (f *cacheMakeFlags) write(out io.Writer, record []byte) error {
	if f.out == "" {
		_, err := out.Write(record)
		return err
	}
	if f.add {
		before, err := readFile(f.out, mostText)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("cannot add to the cache: %w", err)
		}
		record = append(before, record...)
	}
	if err := discovery.FileStore(f.out).Replace(record); err != nil {
		return fmt.Errorf("cannot write the cache: %w", err)
	}
	return nil
}

func loadSigner(keyFile, certFile string) (*discovery.Signer, error) {
	key, err := readFile(keyFile, mostText)
	if err != nil {
		return nil, fmt.Errorf("cannot read the private key: %w", err)
	}
	cert, err := readFile(certFile, mostText)
	if err != nil {
		return nil, fmt.Errorf("cannot read the certificate: %w", err)
	}
	signer, err := discovery.NewSigner(key, cert)
	if err != nil {
		return nil, fmt.Errorf("cannot sign with the key %s and the certificate %s: %s", keyFile, certFile, unprefixed(err))
	}
	return signer, nil
}

// packet signs the description.
func (f *cacheMakeFlags) packet(signer *discovery.Signer, form discovery.Form) ([]byte, error) {
	text, err := readFile(f.announce, mostText)
	if err != nil {
		return nil, fmt.Errorf("cannot read the description: %w", err)
	}
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("[")) {
		data, err := oneLine(f.announce, text)
		if err != nil {
			return nil, err
		}
		return signer.SignData(data)
	}
	d, err := readDescription(f.announce, text)
	if err != nil {
		return nil, err
	}
	packet, err := d.sign(signer, form)
	if err != nil {
		return nil, located(f.announce, err)
	}
	return packet, nil
}

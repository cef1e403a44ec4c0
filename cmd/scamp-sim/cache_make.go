package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
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

or the JSON array of an announcement, which is signed as it stands. --form says
how actions are announced: in the classes of version 3, in the vectors of version
4, in both, or (auto) in the vectors only where version 3 cannot say it.`,
		Example: `  scamp-sim cache make --announcepath ledger.yaml --keypath services/ledger.key --certpath services/ledger.crt --out cache`,
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.announce, "announcepath", "", "file of the description, YAML or JSON")
	flags.StringVar(&f.key, "keypath", "", "PEM file of the service's private key")
	flags.StringVar(&f.cert, "certpath", "", "PEM file of its certificate")
	flags.StringVar(&f.out, "out", "", "cache file to write; without it, standard output")
	flags.BoolVar(&f.add, "add", false, "add the record to --out instead of writing it anew")
	flags.StringVar(&f.form, "form", "auto", "auto, v3, v4 or both")
	return cmd
}

var forms = map[string]discovery.Form{"auto": discovery.FormAuto, "v3": discovery.FormV3, "v4": discovery.FormV4, "both": discovery.FormBoth}

func (f *cacheMakeFlags) run(cmd *cobra.Command) error {
	for flag, value := range map[string]string{"--announcepath": f.announce, "--keypath": f.key, "--certpath": f.cert} {
		if value == "" {
			return fmt.Errorf("%s is missing: make needs --announcepath, --keypath and --certpath", flag)
		}
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
		return fmt.Errorf("%s: receivers would not use this announcement: %w", f.announce, err)
	}
	for _, s := range a.Skipped {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s: receivers skip an action: %s (%s)\n", f.announce, s.Reason, s.Rule)
	}
	record := discovery.AppendRecord(nil, a)
	if f.out == "" {
		_, err := cmd.OutOrStdout().Write(record)
		return err
	}
	if f.add {
		before, err := os.ReadFile(f.out)
		if err != nil {
			return fmt.Errorf("cannot add to the cache: %w", err)
		}
		record = append(before, record...)
	}
	return discovery.FileStore(f.out).Replace(record)
}

func loadSigner(keyFile, certFile string) (*discovery.Signer, error) {
	key, err := os.ReadFile(keyFile)
	if err != nil {
		return nil, fmt.Errorf("cannot read the private key: %w", err)
	}
	cert, err := os.ReadFile(certFile)
	if err != nil {
		return nil, fmt.Errorf("cannot read the certificate: %w", err)
	}
	signer, err := discovery.NewSigner(key, cert)
	if err != nil {
		return nil, fmt.Errorf("cannot sign with %s and %s: %w", keyFile, certFile, err)
	}
	return signer, nil
}

// packet signs the description.
func (f *cacheMakeFlags) packet(signer *discovery.Signer, form discovery.Form) ([]byte, error) {
	text, err := os.ReadFile(f.announce)
	if err != nil {
		return nil, fmt.Errorf("cannot read the description: %w", err)
	}
	if trimmed := bytes.TrimSpace(text); bytes.HasPrefix(trimmed, []byte("[")) {
		return signer.SignData(trimmed)
	}
	a, err := describe(f.announce, text)
	if err != nil {
		return nil, err
	}
	packet, err := signer.Sign(a, form)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.announce, err)
	}
	return packet, nil
}

// The form of a description.
type description struct {
	Name      string            `yaml:"name"`
	Ident     string            `yaml:"ident"`
	URI       string            `yaml:"uri"`
	Sector    string            `yaml:"sector"`
	Envelopes []string          `yaml:"envelopes"`
	Weight    *float64          `yaml:"weight"`
	Interval  string            `yaml:"interval"`
	Timestamp float64           `yaml:"timestamp"`
	Actions   []describedAction `yaml:"actions"`
}

type describedAction struct {
	Name      string   `yaml:"name"`
	Version   int      `yaml:"version"`
	Flags     []string `yaml:"flags"`
	Sector    string   `yaml:"sector"`
	Envelopes []string `yaml:"envelopes"`
}

// UnmarshalYAML takes a bare name for an action of version 1 without flags.
func (a *describedAction) UnmarshalYAML(decode func(any) error) error {
	var name string
	if decode(&name) == nil {
		*a = describedAction{Name: name}
		return nil
	}
	type plain describedAction
	return decode((*plain)(a))
}

// describe reads a YAML description. Errors have the line and the column.
func describe(file string, text []byte) (*discovery.Announcement, error) {
	var d description
	if err := yaml.UnmarshalWithOptions(text, &d, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("%s: %s", file, strings.TrimSpace(yaml.FormatError(err, false, false)))
	}
	a := &discovery.Announcement{Sector: "main", Weight: 1, Interval: 5000, URI: d.URI, Envelopes: d.Envelopes, Timestamp: d.Timestamp}
	switch {
	case d.Ident != "":
		a.Ident = d.Ident
	case d.Name != "":
		a.Ident = discovery.NewIdent(d.Name)
	default:
		return nil, fmt.Errorf("%s: the service has neither name nor ident", file)
	}
	if d.Sector != "" {
		a.Sector = d.Sector
	}
	if a.Envelopes == nil {
		a.Envelopes = []string{"json"}
	}
	if d.Weight != nil {
		a.Weight = *d.Weight
	}
	if d.Interval != "" {
		interval, err := time.ParseDuration(d.Interval)
		if err != nil || interval < time.Millisecond {
			return nil, fmt.Errorf("%s: interval %q is not a time such as 5s or 500ms", file, d.Interval)
		}
		a.Interval = float64(interval.Milliseconds())
	}
	if a.Timestamp == 0 {
		a.Timestamp = new(discovery.Clock).Next(time.Now())
	}
	for _, act := range d.Actions {
		a.Actions = append(a.Actions, discovery.Action{
			Name: act.Name, Version: act.Version, Flags: strings.Join(act.Flags, ","), Sector: act.Sector, Envelopes: act.Envelopes,
		})
	}
	return a, nil
}

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/gudtech/scamp-sim/scamp/discovery"
)

type cacheListFlags struct {
	authorized                string
	actions, all, raw, asJSON bool
}

func newCacheList() *cobra.Command {
	var f cacheListFlags
	cmd := &cobra.Command{
		Use:   "list FILE",
		Short: "Lists the instances of a cache file, or their actions",
		Long: `list prints a row for each instance: ident, sector, weight, interval in seconds,
address, envelopes, the beginning of the fingerprint, and the number of actions
that it is authorised for. Without --authorized every action counts.

docs/operators.md describes the output of --json.`,
		Example: `  scamp-sim cache list /var/cache/scamp/discovery --authorized /etc/scamp/authorized_services --actions`,
		Args:    operands("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.run(cmd.OutOrStdout(), cmd.ErrOrStderr(), args[0])
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.authorized, "authorized", "", "authorised-services file")
	flags.BoolVar(&f.actions, "actions", false, "list the actions of each instance: sector, name, version, flags, authorised")
	flags.BoolVar(&f.all, "all", false, "list instances without an authorised action, too")
	flags.BoolVar(&f.raw, "raw", false, "separate columns by TAB, without a header")
	flags.BoolVar(&f.asJSON, "json", false, "print JSON")
	return cmd
}

func (f *cacheListFlags) run(out, notes io.Writer, file string) error {
	if f.asJSON && f.raw {
		return errors.New("--json and --raw exclude each other")
	}
	c, err := readCache(file, f.authorized, notes)
	if err != nil {
		return err
	}
	instances, refused := c.instances()
	if len(instances) == 0 && refused == 0 && len(c.text) > 0 {
		return c.none()
	}
	var shown []*discovery.Announcement
	for _, a := range instances {
		if _, allowed := c.count(a); f.all || c.authorized == nil || allowed > 0 {
			shown = append(shown, a)
		}
	}
	switch {
	case f.asJSON:
		err = listJSON(out, c, shown)
	case f.actions:
		err = f.listActions(out, c, shown)
	default:
		err = f.listInstances(out, c, shown)
	}
	if refused > 0 {
		fmt.Fprintf(notes, "%s not usable; \"scamp-sim cache check --quiet %s\" says why\n", plural(refused, "record is", "records are"), file)
	}
	if n := len(instances) - len(shown); n > 0 {
		fmt.Fprintf(notes, "%s without an authorised action; --all shows them\n", plural(n, "instance is", "instances are"))
	}
	c.tellAge(notes)
	return err
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return grouped(n) + " " + many
}

// instances returns the instances that the records describe, sorted by identity, and the number of records that are not usable.
func (c *cacheFile) instances() (found []*discovery.Announcement, refused int) {
	var announcements []*discovery.Announcement
	discovery.Records(c.text, func(_ int, record []byte) bool {
		a, err := discovery.Verify(record)
		if err != nil {
			refused++
			return true
		}
		announcements = append(announcements, a)
		return true
	})
	var d discovery.Directory
	d.Replace(announcements)
	return d.Instances(), refused
}

// rows prints a table: aligned with a header, or raw.
func (f *cacheListFlags) rows(out io.Writer, header string, rows [][]string) error {
	if !f.raw {
		w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, header)
		defer w.Flush()
		out = w
	}
	for _, r := range rows {
		if _, err := fmt.Fprintln(out, strings.Join(r, "\t")); err != nil {
			return err
		}
	}
	return nil
}

func (f *cacheListFlags) listInstances(out io.Writer, c *cacheFile, shown []*discovery.Announcement) error {
	var rows [][]string
	for _, a := range shown {
		_, allowed := c.count(a)
		rows = append(rows, []string{
			printable(a.Ident), printable(a.Sector), number(a.Weight), number(a.Interval / 1000), printable(a.URI),
			printable(strings.Join(a.Envelopes, ",")), a.Fingerprint[:8], strconv.Itoa(allowed),
		})
	}
	return f.rows(out, "ID\tSector\tWeight\tInterval\tAddress\tEnvelopes\tFingerprint\tActions", rows)
}

func (f *cacheListFlags) listActions(out io.Writer, c *cacheFile, shown []*discovery.Announcement) error {
	var rows [][]string
	for _, a := range shown {
		for i := range a.Actions {
			act := &a.Actions[i]
			verdict := "N"
			switch {
			case c.authorized == nil:
				verdict = "-" // nobody has looked
			case c.allows(a, act):
				verdict = "Y"
			}
			rows = append(rows, []string{printable(a.Ident), printable(act.Sector), printable(act.Name), strconv.Itoa(act.Version), printable(act.Flags), verdict})
		}
	}
	return f.rows(out, "ID\tSector\tName\tVersion\tFlags\tAuthorised", rows)
}

// number writes a number in digits, unless there are too many of them.
func number(f float64) string {
	if math.Abs(f) < 1e15 {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}

// The form of list --json.
type (
	listedInstance struct {
		Ident       string         `json:"ident"`
		Fingerprint string         `json:"fingerprint"`
		Sector      string         `json:"sector"`
		Weight      float64        `json:"weight"`
		IntervalMS  float64        `json:"interval_ms"`
		URI         string         `json:"uri"`
		Envelopes   []string       `json:"envelopes"`
		Timestamp   float64        `json:"timestamp"`
		Actions     []listedAction `json:"actions"`
	}
	listedAction struct {
		Sector     string   `json:"sector"`
		Name       string   `json:"name"`
		Version    int      `json:"version"`
		Envelopes  []string `json:"envelopes"`
		Flags      string   `json:"flags"`
		Authorized *bool    `json:"authorized"` // null: no authorised-services file was named
	}
)

func listJSON(out io.Writer, c *cacheFile, shown []*discovery.Announcement) error {
	instances := []listedInstance{}
	for _, a := range shown {
		l := listedInstance{
			Ident: a.Ident, Fingerprint: a.Fingerprint, Sector: a.Sector, Weight: a.Weight, IntervalMS: a.Interval, URI: a.URI,
			Envelopes: append([]string{}, a.Envelopes...), Timestamp: a.Timestamp, Actions: []listedAction{},
		}
		for i := range a.Actions {
			act := &a.Actions[i]
			listed := listedAction{act.Sector, act.Name, act.Version, append([]string{}, act.Envelopes...), act.Flags, nil}
			if c.authorized != nil {
				allowed := c.allows(a, act)
				listed.Authorized = &allowed
			}
			l.Actions = append(l.Actions, listed)
		}
		instances = append(instances, l)
	}
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(instances)
}

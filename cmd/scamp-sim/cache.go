package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/gudtech/scamp-sim/scamp/discovery"
)

func newCache() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "cache",
		Short: "Works with discovery caches: makes records, checks, lists, manages and watches",
	}
	cmd.AddCommand(newCacheMake(), newCacheCheck(), newCacheList(), newCacheManage(), newCacheWatch())
	return cmd
}

func newCacheCheck() *cobra.Command {
	var authorized string
	cmd := &cobra.Command{
		Use:   "check FILE",
		Short: "Says of every record of a cache file whether it can be used",
		Long: `check prints a line for every record: the line of the file in which it begins,
the verdict, and what it is, or the rule that it breaks and why. It exits with 1
if any record is not usable. With --authorized a record that offers nothing that
its certificate is authorised for is not usable either.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return checkCache(cmd.OutOrStdout(), args[0], authorized)
		},
	}
	cmd.Flags().StringVar(&authorized, "authorized", "", "authorised-services file")
	return cmd
}

// readCache reads the text of a cache file, and the authorised-services file where one is named.
func readCache(file, authorized string) ([]byte, *discovery.Authorized, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot read the cache: %w", err)
	}
	if authorized == "" {
		return text, nil, nil
	}
	list, err := os.ReadFile(authorized)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot read the authorised services: %w", err)
	}
	return text, discovery.ParseAuthorized(list), nil
}

func checkCache(out io.Writer, file, authorized string) error {
	text, list, err := readCache(file, authorized)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	used, refused := 0, 0
	discovery.Records(text, func(line int, record []byte) bool {
		a, err := discovery.Verify(record)
		broken := new(discovery.Error)
		switch {
		case errors.As(err, &broken):
			refused++
			fmt.Fprintf(w, "line %d\trefused\t%s\t%s: %s\n", line, broken.Rule, broken.Layer, broken.Reason)
		case list != nil && allowed(list, a) == 0:
			refused++
			fmt.Fprintf(w, "line %d\trefused\tDISC-AUT-01a\t%s: none of its %d actions is authorised for %s\n", line, printable(a.Ident), len(a.Actions), a.Fingerprint)
		default:
			used++
			fmt.Fprintf(w, "line %d\tok\t%s\t%s, %s\n", line, printable(a.Ident), counted(len(a.Actions), "action"), a.URI)
			for _, s := range a.Skipped {
				fmt.Fprintf(w, "line %d\tskipped\t%s\t%s\n", line, s.Rule, printable(s.Reason))
			}
		}
		return true
	})
	w.Flush()
	fmt.Fprintf(out, "%s: %d usable, %d not\n", counted(used+refused, "record"), used, refused)
	if refused > 0 {
		return &statusError{code: 1}
	}
	return nil
}

// allowed counts the actions that the certificate of an instance is authorised for; nil is no list: all count.
func allowed(list *discovery.Authorized, a *discovery.Announcement) (n int) {
	for i := range a.Actions {
		if strings.HasPrefix(a.Actions[i].Name, "_meta.") {
			continue // DISC-TOL-01d
		}
		if list == nil || list.Allows(a.Fingerprint, a.Actions[i].Sector, a.Actions[i].Name) {
			n++
		}
	}
	return n
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// printable makes a text of somebody else's fit for a terminal.
func printable(s string) string {
	quoted := strconv.Quote(s)
	if quoted[1:len(quoted)-1] == s {
		return s
	}
	return quoted
}

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
that it is authorised for. Without --authorized every action counts.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd.OutOrStdout(), args[0]) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.authorized, "authorized", "", "authorised-services file")
	flags.BoolVar(&f.actions, "actions", false, "list the actions of each instance: name, version, flags, authorised")
	flags.BoolVar(&f.all, "all", false, "list instances without an authorised action, too")
	flags.BoolVar(&f.raw, "raw", false, "separate columns by TAB, without a header")
	flags.BoolVar(&f.asJSON, "json", false, "print JSON")
	return cmd
}

func (f *cacheListFlags) run(out io.Writer, file string) error {
	text, list, err := readCache(file, f.authorized)
	if err != nil {
		return err
	}
	var directory discovery.Directory
	var announcements []*discovery.Announcement
	discovery.Records(text, func(_ int, record []byte) bool {
		if a, err := discovery.Verify(record); err == nil {
			announcements = append(announcements, a)
		}
		return true
	})
	directory.Replace(announcements)
	var shown []*discovery.Announcement
	for _, a := range directory.Instances() {
		if f.all || list == nil || allowed(list, a) > 0 {
			shown = append(shown, a)
		}
	}
	switch {
	case f.asJSON:
		return listJSON(out, shown, list)
	case f.actions:
		return f.listActions(out, shown, list)
	}
	return f.listInstances(out, shown, list)
}

// rows prints a table: aligned with a header, or raw.
func (f *cacheListFlags) rows(out io.Writer, header string, rows [][]string) error {
	if f.raw {
		for _, r := range rows {
			fmt.Fprintln(out, strings.Join(r, "\t"))
		}
		return nil
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, header)
	for _, r := range rows {
		fmt.Fprintln(w, strings.Join(r, "\t"))
	}
	return w.Flush()
}

func (f *cacheListFlags) listInstances(out io.Writer, shown []*discovery.Announcement, list *discovery.Authorized) error {
	var rows [][]string
	for _, a := range shown {
		rows = append(rows, []string{
			printable(a.Ident), printable(a.Sector), number(a.Weight), number(a.Interval / 1000), printable(a.URI),
			printable(strings.Join(a.Envelopes, ",")), a.Fingerprint[:8], strconv.Itoa(allowed(list, a)),
		})
	}
	return f.rows(out, "ID\tSector\tWeight\tInterval\tAddress\tEnvelopes\tFingerprint\tActions", rows)
}

func (f *cacheListFlags) listActions(out io.Writer, shown []*discovery.Announcement, list *discovery.Authorized) error {
	var rows [][]string
	for _, a := range shown {
		for i := range a.Actions {
			act := &a.Actions[i]
			yes := "N"
			if list == nil || list.Allows(a.Fingerprint, act.Sector, act.Name) {
				yes = "Y"
			}
			rows = append(rows, []string{printable(a.Ident), printable(act.Sector), printable(act.Name), strconv.Itoa(act.Version), printable(act.Flags), yes})
		}
	}
	return f.rows(out, "ID\tSector\tName\tVersion\tFlags\tAuthorised", rows)
}

func number(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }

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
		Authorized bool     `json:"authorized"`
	}
)

func listJSON(out io.Writer, shown []*discovery.Announcement, list *discovery.Authorized) error {
	listed := []listedInstance{}
	for _, a := range shown {
		l := listedInstance{
			Ident: a.Ident, Fingerprint: a.Fingerprint, Sector: a.Sector, Weight: a.Weight, IntervalMS: a.Interval, URI: a.URI,
			Envelopes: append([]string{}, a.Envelopes...), Timestamp: a.Timestamp, Actions: []listedAction{},
		}
		for _, act := range a.Actions {
			l.Actions = append(l.Actions, listedAction{
				act.Sector, act.Name, act.Version, append([]string{}, act.Envelopes...), act.Flags,
				list == nil || list.Allows(a.Fingerprint, act.Sector, act.Name),
			})
		}
		listed = append(listed, l)
	}
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(listed)
}

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/fatih/color"
	"github.com/spf13/cobra"

	"github.com/gudtech/scamp-sim/scamp/discovery"
)

func newCacheCheck() *cobra.Command {
	var authorized string
	var quiet bool
	cmd := &cobra.Command{
		Use:   "check FILE",
		Short: "Says of every record of a cache file whether it can be used",
		Long: `check prints a line for every record: the line of the file in which it begins,
the verdict, and what it is, or the rule that it breaks and why. It exits with 1
if any record is not usable. With --authorized a record whose actions are not
authorised for its certificate, none of them, is not usable either.`,
		Example: `  scamp-sim cache check /var/cache/scamp/discovery --authorized /etc/scamp/authorized_services --quiet`,
		Args:    operands("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := readCache(args[0], authorized, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			out := bufio.NewWriter(cmd.OutOrStdout())
			defer out.Flush()
			k := &checker{cacheFile: c, out: out, quiet: quiet, good: color.New(color.FgGreen), bad: color.New(color.FgRed, color.Bold), odd: color.New(color.FgYellow)}
			for _, c := range []*color.Color{k.good, k.bad, k.odd} {
				if c.DisableColor(); colored(cmd.OutOrStdout()) {
					c.EnableColor()
				}
			}
			return k.run()
		},
	}
	cmd.Flags().StringVar(&authorized, "authorized", "", "authorised-services file")
	cmd.Flags().BoolVarP(&quiet, "quiet", "q", false, "print only what is not usable, and the summary")
	return cmd
}

// A checker prints verdicts.
type checker struct {
	*cacheFile
	out            io.Writer
	quiet          bool
	good, bad, odd *color.Color
	used           int
	refused        []int // lines of the file
}

func (k *checker) run() error {
	discovery.Records(k.text, func(line int, record []byte) bool {
		k.record(line, record)
		return true
	})
	all := k.used + len(k.refused)
	if all == 0 && len(k.text) > 0 {
		return k.none()
	}
	fmt.Fprintf(k.out, "%s: %s usable, %s not%s\n", counted(all, "record"), grouped(k.used), grouped(len(k.refused)), listed(k.refused))
	k.tellAge(k.out)
	if len(k.refused) > 0 {
		return &statusError{code: 1}
	}
	return nil
}

// listed is where the refused records begin.
func listed(lines []int) string {
	const most = 10
	if len(lines) == 0 {
		return ""
	}
	text := strings.Trim(strings.ReplaceAll(fmt.Sprint(lines[:min(len(lines), most)]), " ", ", "), "[]")
	if len(lines) == 1 {
		return " (line " + text + ")"
	}
	if len(lines) > most {
		text += ", …"
	}
	return " (lines " + text + ")"
}

// print prints a line: where, verdict, the rest.
func (k *checker) print(line int, c *color.Color, verdict, format string, args ...any) {
	fmt.Fprintf(k.out, "line %-7d %s  %s\n", line, c.Sprintf("%-7s", verdict), fmt.Sprintf(format, args...))
}

func (k *checker) record(line int, record []byte) {
	a, err := discovery.Verify(record)
	if broken := new(discovery.Error); errors.As(err, &broken) {
		who := ""
		if ident := claimed(record); ident != "" {
			who = "; it says it is of " + printable(ident)
		}
		k.refuse(line, broken.Rule, "%s: %s%s", broken.Layer, visible(broken.Reason), who)
		return
	}
	if all, allowed := k.count(a); all > 0 && allowed == 0 {
		k.refuse(line, "DISC-AUT-01a", "%s: %s for %s in %s", printable(a.Ident), noneOf(all), a.Fingerprint, k.listName)
		return
	}
	k.used++
	if !k.quiet {
		k.print(line, k.good, "ok", "%s  %s, %s", printable(a.Ident), counted(len(a.Actions), "action"), printable(a.URI))
	}
	for _, s := range a.Skipped {
		k.print(line, k.odd, "skipped", "%s  %s: %s", s.Rule, printable(a.Ident), visible(s.Reason))
	}
}

func (k *checker) refuse(line int, rule, format string, args ...any) {
	k.refused = append(k.refused, line)
	k.print(line, k.bad, "refused", "%s  %s", rule, fmt.Sprintf(format, args...))
}

func noneOf(n int) string {
	if n == 1 {
		return "its action is not authorised"
	}
	return fmt.Sprintf("none of its %s actions is authorised", grouped(n))
}

// claimed is the ident that a record gives itself, if it can be found; nobody vouches for it.
func claimed(record []byte) string {
	data, _, _ := bytes.Cut(record, []byte("\n"))
	d := json.NewDecoder(bytes.NewReader(data[:min(len(data), 4096)]))
	var tokens [3]json.Token // [ 3 "ident"
	for i := range tokens {
		tokens[i], _ = d.Token()
	}
	ident, _ := tokens[2].(string)
	if tokens[0] != json.Delim('[') {
		return ""
	}
	return ident
}

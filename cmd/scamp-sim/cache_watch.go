package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gudtech/scamp-sim/scamp/discovery"
)

func newCacheWatch() *cobra.Command {
	var config string
	cmd := &cobra.Command{
		Use:   "watch",
		Short: "Prints the announcements of the group as they arrive",
		Long: `watch prints every datagram of the group as it arrives: a line that begins with #
and says when and from whom it came and what became of it, a line that begins
with %%% and says how it was sent, and the packet. It runs until it is told to
stop. On a terminal what could disturb it is shown as an escape.

Keys of the configuration: discovery.multicast_address, discovery.port,
discovery.address, bus.address.`,
		Args: operands(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := loadConfig(config, slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil)))
			if err != nil {
				return err
			}
			var o discovery.Observer
			group, addresses, err := listen(cmd.Context(), c, &o)
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "listening to %v on %v\n", group, addresses)
			out := cmd.OutOrStdout()
			tame := isTerminal(out)
			o.Saw = func(s discovery.Sighting) { io.WriteString(out, sighting(s, time.Now(), tame)) }
			if err := o.Run(cmd.Context()); err != nil {
				return fmt.Errorf("the group cannot be heard any more: %w", err)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&config, "config", "", "configuration file; without it, $SCAMP and the usual places")
	return cmd
}

// sighting is what is printed of a datagram (DISC-TOL-02).
func sighting(s discovery.Sighting, now time.Time, tame bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s from %v: %s\n", now.Format("15:04:05.000"), s.From, outcomeOf(s))
	broken := new(discovery.Error)
	switch {
	case s.Packet == nil && errors.As(s.Err, &broken):
		fmt.Fprintf(&b, "%%%%%% [Decompress error] %s\n%q\n", visible(broken.Reason), s.Datagram)
		return b.String()
	case s.Compressed:
		fmt.Fprintf(&b, "%%%%%% [Compressed] %d %d\n", len(s.Datagram), len(s.Packet))
	default:
		fmt.Fprintf(&b, "%%%%%% [Uncompressed] %d\n", len(s.Packet))
	}
	text := string(s.Packet)
	if tame {
		lines := strings.Split(text, "\n")
		for i := range lines {
			lines[i] = visible(lines[i])
		}
		text = strings.Join(lines, "\n")
	}
	return b.String() + text + "\n"
}

// outcomeOf says what became of a datagram.
func outcomeOf(s discovery.Sighting) string {
	switch {
	case s.Err != nil:
		return "not used: " + visible(s.Err.Error())
	case s.Announcement == nil || s.Heard == discovery.Refreshed:
		return "known"
	}
	a := s.Announcement
	return fmt.Sprintf("%s, %s, weight %s, %s", printable(a.Ident), counted(len(a.Actions), "action"), number(a.Weight), printable(a.URI))
}

package main

import (
	"bufio"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gudtech/scamp-sim/scamp/ticket"
)

func newTicket() *cobra.Command {
	return group("ticket", "Issues and verifies tickets", newTicketIssue(), newTicketVerify())
}

func newTicketIssue() *cobra.Command {
	var keyFile, privileges, start string
	var user, client uint64
	var ttl time.Duration
	cmd := &cobra.Command{
		Use:     "issue",
		Short:   "Signs a ticket and prints it",
		Example: `  scamp-sim ticket issue --key auth.key --user 482 --client 17 --privs 3,14`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := missing(cmd, "key", "user", "client"); err != nil {
				return err
			}
			const most = 1e18 - 1 // 18 digits
			switch {
			case user > most:
				return fmt.Errorf("--user %d has more than 18 digits", user)
			case client > most:
				return fmt.Errorf("--client %d has more than 18 digits", client)
			case ttl < 0 || ttl%time.Second != 0:
				return fmt.Errorf("--ttl %v is not a number of whole seconds, such as 90s or 1h", ttl)
			}
			key, err := readPrivateKey(keyFile)
			if err != nil {
				return err
			}
			at, err := parseTime("--start", start)
			if err != nil {
				return err
			}
			if at.Unix() < 0 {
				return fmt.Errorf("--start %s is before 1970", start)
			}
			ids, err := ticket.Privileges(privileges)
			if err != nil {
				return fmt.Errorf("--privs: %w", err)
			}
			text, err := ticket.Issue(ticket.Ticket{User: user, Client: client, Start: at.Truncate(time.Second), Length: ttl, Privileges: ids}, key)
			if err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), text)
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&keyFile, "key", "", "PEM file of the private key that signs tickets")
	flags.Uint64Var(&user, "user", 0, "user id")
	flags.Uint64Var(&client, "client", 0, "client id")
	flags.StringVar(&privileges, "privs", "", "privilege ids, separated by commas")
	flags.StringVar(&start, "start", "", "time from which it is valid, in Unix seconds or as 2006-01-02T15:04:05Z; now by default")
	flags.DurationVar(&ttl, "ttl", time.Hour, "how long it is valid")
	return cmd
}

func newTicketVerify() *cobra.Command {
	var keyFile, at string
	var privileges []string
	cmd := &cobra.Command{
		Use:   "verify TICKET|-",
		Short: "Checks a ticket and prints what it says",
		Long: `verify checks a ticket with the public key, at a time, and with --priv that it
has these privileges. It exits with 1 if the ticket is not valid or lacks one.
"-" reads the ticket from standard input.`,
		Example: `  scamp-sim ticket verify --pubkey auth.pub --priv 3 1,482,17,…`,
		Args:    operands("TICKET"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := missing(cmd, "pubkey"); err != nil {
				return err
			}
			key, err := ticket.LoadPublicKey(keyFile)
			if err != nil {
				return err
			}
			now, err := parseTime("--at", at)
			if err != nil {
				return err
			}
			ids, err := ticket.Privileges(strings.Join(privileges, ","))
			if err != nil {
				return fmt.Errorf("--priv: %w", err)
			}
			text := args[0]
			if text == "-" {
				line, err := bufio.NewReader(io.LimitReader(cmd.InOrStdin(), 1<<20)).ReadString('\n')
				if err != nil && !errors.Is(err, io.EOF) {
					return fmt.Errorf("cannot read the ticket: %w", err)
				}
				text = strings.TrimRight(line, "\r\n")
			}
			return verifyTicket(cmd.OutOrStdout(), text, key, now, ids)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&keyFile, "pubkey", "", "PEM file of the public key that verifies tickets")
	flags.StringVar(&at, "at", "", "time at which it is checked, in Unix seconds or as 2006-01-02T15:04:05Z; now by default")
	flags.StringSliceVar(&privileges, "priv", nil, "privilege that it must have; may be given several times")
	return cmd
}

func verifyTicket(out io.Writer, text string, key *rsa.PublicKey, now time.Time, privileges []uint64) error {
	t, err := ticket.Verify(text, key, now)
	if err != nil {
		return &statusError{1, err}
	}
	fmt.Fprintf(out, "user %d\nclient %d\nfrom %s\nuntil %s\nprivileges %s\n", t.User, t.Client,
		t.Start.UTC().Format(time.RFC3339), t.Start.Add(t.Length).UTC().Format(time.RFC3339), joined(t.Privileges))
	for _, p := range privileges {
		if !t.Holds(p) {
			return &statusError{1, &ticket.PrivilegeError{Privilege: p}}
		}
	}
	return nil
}

func joined(ids []uint64) string {
	if len(ids) == 0 {
		return "none"
	}
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = strconv.FormatUint(id, 10)
	}
	return strings.Join(texts, " ")
}

// parseTime reads a time of a flag; "" is now.
func parseTime(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Now(), nil
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return time.Unix(n, 0), nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, fmt.Errorf("%s %q is neither Unix seconds nor a time such as 2006-01-02T15:04:05Z", flag, text)
	}
	return t, nil
}

// readPrivateKey reads an RSA key in PEM, PKCS #1 or PKCS #8.
func readPrivateKey(file string) (*rsa.PrivateKey, error) {
	text, err := readFile(file, mostText)
	if err != nil {
		return nil, fmt.Errorf("cannot read the private key: %w", err)
	}
	block, _ := pem.Decode(text)
	var parsed any
	switch {
	case block == nil:
		return nil, fmt.Errorf("%s has no private key in it: text that begins with -----BEGIN PRIVATE KEY----- or -----BEGIN RSA PRIVATE KEY-----", file)
	case block.Type == "RSA PRIVATE KEY":
		parsed, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case block.Type == "PRIVATE KEY":
		parsed, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	default:
		return nil, fmt.Errorf("%s has a %s in it, not a PRIVATE KEY or RSA PRIVATE KEY", file, visible(block.Type))
	}
	if err != nil {
		return nil, fmt.Errorf("the private key in %s cannot be read: %w", file, err)
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("the private key in %s is not RSA", file)
	}
	return key, nil
}

// Package ticket verifies and issues the tickets that prove who a caller is and which privileges it holds, and decides by
// the authorisation table what it may call (DISC-TKT, DISC-AZ).
//
// A ticket is one line of text:
//
//	1,USER,CLIENT,START,LENGTH[,PRIVILEGE+PRIVILEGE…],SIGNATURE
//
// Whatever is wrong with a ticket, a key or a table leads to a denial. Errors can be told apart with errors.Is; their texts
// have nothing of the ticket in them, so that they can be logged and sent.
package ticket

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Why a ticket is invalid, in the order of the checks (DISC-TKT-04a).
var (
	ErrNone      = errors.New("there is no ticket")
	ErrFields    = errors.New("the ticket has too few fields")
	ErrType      = errors.New("the ticket is not of type 1")
	ErrKey       = errors.New("there is no key to check tickets with")
	ErrSignature = errors.New("the signature of the ticket is not valid")
	ErrNumber    = errors.New("a field of the ticket is not a number of 1 to 18 digits")
	ErrNotYet    = errors.New("the ticket is not valid yet")
	ErrExpired   = errors.New("the ticket has expired")
)

// A Ticket is what a valid ticket says.
type Ticket struct {
	User, Client uint64
	Start        time.Time     // valid from
	Length       time.Duration // valid for; at most about 292 years, whatever the ticket says
	Privileges   []uint64      // sorted; none makes it an authentication ticket
}

// Holds reports whether the ticket has a privilege.
func (t *Ticket) Holds(privilege uint64) bool {
	_, ok := slices.BinarySearch(t.Privileges, privilege)
	return ok
}

const (
	maxTicket  = 128 << 10 // octets; a header has no room for more
	maxDigits  = 18        // of a number (DISC-TKT-04b)
	typeUser   = "1"
	mostLength = int64(1<<63-1) / int64(time.Second)
)

// Verify checks a ticket with the key that verifies tickets, at a time. A nil key denies every ticket (DISC-TKT-08b). The
// checks are made in the order of the errors above; the first that fails decides.
func Verify(text string, key *rsa.PublicKey, now time.Time) (*Ticket, error) {
	if text == "" {
		return nil, ErrNone
	}
	fields := strings.Split(text, ",")
	if len(fields) < 6 || len(text) > maxTicket {
		return nil, ErrFields
	}
	if fields[0] != typeUser {
		return nil, ErrType
	}
	if key == nil {
		return nil, ErrKey
	}
	end := strings.LastIndexByte(text, ',')
	if !signed(text[:end], text[end+1:], key) {
		return nil, ErrSignature
	}
	return read(fields[:len(fields)-1], now)
}

// signed checks the signature over everything before the last comma (DISC-TKT-03).
func signed(text, signature string, key *rsa.PublicKey) bool {
	signature = strings.TrimRight(signature, "=")
	if strings.ContainsAny(signature, "\r\n") { // the decoder would skip them
		return false
	}
	octets, err := base64.RawURLEncoding.DecodeString(signature)
	if err != nil {
		return false
	}
	sum := sha256.Sum256([]byte(text))
	return rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], octets) == nil
}

// read takes the fields before the signature.
func read(fields []string, now time.Time) (*Ticket, error) {
	var numbers [4]uint64
	for i := range numbers {
		n, ok := number(fields[1+i])
		if !ok {
			return nil, ErrNumber
		}
		numbers[i] = n
	}
	t := &Ticket{User: numbers[0], Client: numbers[1], Start: time.Unix(int64(numbers[2]), 0)}
	if len(fields) > 5 && fields[5] != "" { // an empty field is an empty list (DISC-TKT-06b)
		for p := range strings.SplitSeq(fields[5], "+") {
			n, ok := number(p)
			if !ok {
				return nil, ErrNumber
			}
			t.Privileges = append(t.Privileges, n)
		}
		slices.Sort(t.Privileges)
		t.Privileges = slices.Compact(t.Privileges)
	}
	start, length, at := int64(numbers[2]), int64(numbers[3]), now.Unix()
	t.Length = time.Duration(min(length, mostLength)) * time.Second
	switch { // both have at most 18 digits: their sum does not overflow (DISC-TKT-04c)
	case at < start:
		return nil, ErrNotYet
	case at >= start+length:
		return nil, ErrExpired
	}
	return t, nil
}

// number reads 1 to 18 ASCII digits.
func number(s string) (uint64, bool) {
	if s == "" || len(s) > maxDigits {
		return 0, false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
	}
	n, err := strconv.ParseUint(s, 10, 64)
	return n, err == nil
}

// Issue signs a ticket. It fails for values that a ticket cannot carry.
func Issue(t Ticket, key *rsa.PrivateKey) (string, error) {
	const most = 1e18 - 1
	start, length := t.Start.Unix(), int64(t.Length/time.Second)
	if t.User > most || t.Client > most || start < 0 || length < 0 || t.Length%time.Second != 0 {
		return "", fmt.Errorf("ticket: user and client have at most %d digits; start and length are whole seconds, not below 0", maxDigits)
	}
	text := fmt.Sprintf("%s,%d,%d,%d,%d", typeUser, t.User, t.Client, start, length)
	privileges := slices.Clone(t.Privileges)
	slices.Sort(privileges)
	for i, p := range slices.Compact(privileges) {
		if p > most {
			return "", fmt.Errorf("ticket: privilege %d has more than %d digits", p, maxDigits)
		}
		text += string(",+"[min(i, 1)]) + strconv.FormatUint(p, 10)
	}
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	if err != nil {
		return "", fmt.Errorf("ticket: sign: %w", err)
	}
	return text + "," + base64.RawURLEncoding.EncodeToString(signature), nil
}

// ParsePublicKey reads the key that verifies tickets: RSA, in a PEM block PUBLIC KEY (DISC-TKT-08a).
func ParsePublicKey(text []byte) (*rsa.PublicKey, error) {
	block, _ := pem.Decode(text)
	switch {
	case block == nil:
		return nil, fmt.Errorf("%w: no PEM block", ErrKey)
	case block.Type != "PUBLIC KEY":
		return nil, fmt.Errorf("%w: the PEM block is %q, not \"PUBLIC KEY\"", ErrKey, block.Type)
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	key, ok := parsed.(*rsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("%w: the key is not RSA", ErrKey)
	}
	return key, nil
}

// LoadPublicKey reads the key from a file.
func LoadPublicKey(file string) (*rsa.PublicKey, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	key, err := ParsePublicKey(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return key, nil
}

package discovery

import (
	"crypto/rand"
	"encoding/base64"
)

// NewIdent makes an ident for one start of a service: its name and 18 random octets (DISC-IDT-01).
func NewIdent(service string) string {
	random := make([]byte, 18)
	rand.Read(random) // never fails
	return service + ":" + base64.StdEncoding.EncodeToString(random)
}

package conformance

type (
	// Below says how a connection is opened whose TLS the case is about.
	Below struct {
		Plain   bool   // no TLS: octets go as they are
		Version string // "1.2", "1.3": this version alone; "" is both
		Suite   string // this cipher suite of TLS 1.2 alone; "" is all that are usual
	}
	// ExpectTLS waits for nothing: the handshake is over when the connection has been opened. It looks at what came of it.
	ExpectTLS struct{ Pattern *Pattern }
)

func (ExpectTLS) action() {}

// The versions of TLS that a connection may be opened with.
var tlsVersions = []string{"1.2", "1.3"}

// aboutTLS reports whether the case can only be played where the subject, a server, is reached over TLS.
func (c *Case) aboutTLS() bool {
	return c.Role == "server" && uses(c.Steps, func(do Action) bool {
		switch do := do.(type) {
		case Connect:
			return do.Below != nil
		case ExpectTLS:
			return true
		case No:
			return do.What == "octets"
		}
		return false
	})
}

package conformance

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// quick are options for tests that wait in real time.
var quick = Options{Timeout: 5 * time.Second, Quiet: 20 * time.Millisecond}

var certificate = sync.OnceValues(func() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "toy"}, NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
})

// A listening is a toy on a port of the loopback, over TLS. It can die, as a process can.
type listening struct {
	t       *testing.T
	address string
	toy     *toy

	mu      sync.Mutex
	ln      net.Listener
	open    map[net.Conn]bool
	refused int // connections to come that are closed at once
	wg      sync.WaitGroup
}

func listen(t *testing.T, y *toy) *listening {
	t.Helper()
	y.hasty = true
	l := &listening{t: t, address: "127.0.0.1:0", toy: y, open: map[net.Conn]bool{}}
	l.run()
	t.Cleanup(func() {
		l.kill()
		l.wg.Wait()
	})
	return l
}

// run starts the server.
func (l *listening) run() {
	cert, err := certificate()
	if err != nil {
		l.t.Fatal(err)
	}
	ln, err := net.Listen("tcp", l.address)
	if err != nil {
		l.t.Error(err)
		return
	}
	serve, _ := l.toy.start()
	l.mu.Lock()
	l.address, l.ln = ln.Addr().String(), ln
	l.mu.Unlock()
	l.wg.Go(func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			l.mu.Lock()
			serves := l.ln == ln && l.refused <= 0
			l.refused--
			if serves {
				l.open[nc] = true
			}
			l.mu.Unlock()
			if !serves {
				nc.Close()
				continue
			}
			l.wg.Go(func() {
				serve(tls.Server(nc, &tls.Config{Certificates: []tls.Certificate{cert}}))
				nc.Close()
				l.mu.Lock()
				defer l.mu.Unlock()
				delete(l.open, nc)
			})
		}
	})
}

// crash ends all connections, and those that come next.
func (l *listening) crash(refused int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refused = refused
	for nc := range l.open {
		nc.(*net.TCPConn).SetLinger(0)
		nc.Close()
	}
}

// kill ends the server and its connections.
func (l *listening) kill() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ln != nil {
		l.ln.Close()
		l.ln = nil
	}
	for nc := range l.open {
		nc.(*net.TCPConn).SetLinger(0)
		nc.Close()
	}
}

func (l *listening) subject() *Subject {
	l.t.Helper()
	s, err := ServerAt(l.address, "")
	if err != nil {
		l.t.Fatal(err)
	}
	return s
}

func TestServerAtAddresses(t *testing.T) {
	for address, want := range map[string]string{
		"127.0.0.1:30100":                "",
		"beepish+tls://127.0.0.1:30100":  "",
		"scamp+tls://[::1]:30100":        "",
		"https://127.0.0.1:30100":        "the scheme is not beepish+tls",
		"127.0.0.1":                      "is not HOST:PORT",
		":30100":                         "is not HOST:PORT",
		"host:":                          "is not HOST:PORT",
		"beepish+tls://127.0.0.1:1/path": "", // the port tells
	} {
		_, err := ServerAt(address, "")
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want …%s…", address, err, want)
		}
	}
}

// Check says in one sentence why a subject cannot be tested.
func TestCheck(t *testing.T) {
	t.Parallel()
	// tell makes a server that says something to everybody, as it is or over TLS.
	tell := func(encrypted bool, what string, then func(nc net.Conn)) string {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { ln.Close() })
		cert, err := certificate()
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			for {
				nc, err := ln.Accept()
				if err != nil {
					return
				}
				go func() {
					if encrypted {
						nc = tls.Server(nc, &tls.Config{Certificates: []tls.Certificate{cert}})
					}
					io.WriteString(nc, what)
					if then != nil {
						then(nc)
					}
					nc.Close()
				}()
			}
		}()
		return ln.Addr().String()
	}
	listens := func(nc net.Conn) { nc.Read(make([]byte, 4096)) }
	holds := func(nc net.Conn) { io.Copy(io.Discard, nc) }
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody.Close()
	good := listen(t, &toy{})
	cert, _ := certificate()
	fingerprint := fingerprintOf(cert.Certificate[0])
	for _, tc := range []struct {
		name, address, fingerprint string
		want                       string
		silent                     bool // it takes its time to say nothing
	}{
		{"good", good.address, "", "", false},
		{"its fingerprint", good.address, fingerprint, "", false},
		{"in lower case", good.address, strings.ToLower(fingerprint), "", false},
		{"another fingerprint", good.address, "00" + fingerprint[2:], "the certificate has the fingerprint " + fingerprint + ", not 00" + fingerprint[2:], false},
		{"nobody listens", nobody.Addr().String(), "", "connection refused", false},
		{"no TLS", tell(false, "HTTP/1.1 400 Bad Request\r\n\r\n", listens), "", "TLS handshake: tls: first record does not look like a TLS handshake", false},
		{"closes before the handshake", tell(false, "", nil), "", "TLS handshake", false},
		{"never answers the handshake", tell(false, "", holds), "", "TLS handshake", true},
		{"says nothing", tell(true, "", holds), "", "the server does not answer a request for Conformance.echo; add this action to it", true},
		{"closes", tell(true, "", nil), "", "the server closes the connection when it is sent a request for Conformance.echo", false},
		{"says something else", tell(true, "220 smtp ready\r\n", listens), "", `the server does not return what Conformance.echo is sent; what came begins with "220 smtp ready\r\n"`, false},
		{"refuses", tell(true, string(packetsOf(packet{"HEADER", 0, []byte(`{"type":"reply","request_id":1,"error_code":"not_found","error":"no echo"}`)}, packet{"EOF", 0, nil})), listens), "",
			`the server refuses Conformance.echo: "not_found" "no echo"; add this action to it (its reply is its request), or name one with --echo-action`, false},
		{"returns something else", tell(true, string(packetsOf(packet{"HEADER", 0, []byte(`{"type":"reply","request_id":1}`)}, packet{"DATA", 0, []byte("{}")}, packet{"EOF", 0, nil})), listens), "",
			"does not return what Conformance.echo is sent", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, err := ServerAt(tc.address, tc.fingerprint)
			if err != nil {
				t.Fatal(err)
			}
			opt := quick
			if tc.silent {
				opt.Timeout = time.Second
			}
			err = s.Check(t.Context(), opt)
			if tc.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if !errors.Is(err, ErrNoTest) || !strings.HasPrefix(err.Error(), "could not test: ") || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v, want …%s…", err, tc.want)
			}
			var other *FingerprintError
			if errors.As(err, &other) != (tc.name == "another fingerprint") {
				t.Errorf("%T", err)
			}
		})
	}
}

// Check needs an echo in any form that is one, and finds out what else there is.
func TestCheckFindsFixtures(t *testing.T) {
	all := "blob count echo fail slow"
	without := func(names ...string) func(c *toyConn, p packet) bool {
		return func(c *toyConn, p packet) bool {
			if m := c.messages[p.number]; p.kind == "EOF" && m != nil && slices.Contains(names, strings.TrimPrefix(m.action, "Conformance.")) {
				m.action = "unknown " + m.action
			}
			return false
		}
	}
	answer := func(action, body string) func(c *toyConn, p packet) bool {
		return func(c *toyConn, p packet) bool {
			m := c.messages[p.number]
			if p.kind != "EOF" || m == nil || m.action != "Conformance."+action {
				return false
			}
			delete(c.messages, p.number)
			c.reply(m.id, "", []byte(body))
			return true
		}
	}
	for _, tc := range []struct {
		name string
		toy  *toy
		want string // "" is no echo
		why  string
	}{
		{"all", &toy{}, all, ""},
		{"octet by octet", &toy{edit: on("DATA", func(p packet) (ps []packet) {
			for i := range p.body {
				ps = append(ps, packet{"DATA", p.number, p.body[i : i+1]})
			}
			return ps
		})}, all, ""},
		{"an action in its replies", &toy{edit: member("all", `"action":"x"`)}, all, ""},
		{"a banner", &toy{greet: func(c *toyConn) { c.raw("hello\r\n") }}, "echo", ""},
		{"no count and no slow", &toy{odd: without("count", "slow")}, "blob echo fail", ""},
		{"no fail", &toy{odd: without("fail")}, "blob count echo slow", ""},
		{"fail without code", &toy{edit: replaced(`"error_code":`, `"x":`)}, all, ""},
		{"fail that gives up", &toy{odd: func(c *toyConn, p packet) bool {
			m := c.messages[p.number]
			gives := p.kind == "EOF" && m != nil && (strings.HasSuffix(m.action, ".fail") || strings.HasSuffix(m.action, ".this"))
			if gives {
				v, _ := parseJSON(m.body)
				text, _ := v.get("text")
				c.say("TXERR", c.begin(m.id, ""), "failed"[:6-6*min(1, len(text.text))]+text.text)
			}
			return gives
		}}, all, ""},
		{"fail that never answers", &toy{odd: func(c *toyConn, p packet) bool {
			m := c.messages[p.number]
			return p.kind == "EOF" && m != nil && strings.HasSuffix(m.action, ".fail")
		}}, all, ""},
		{"another blob", &toy{odd: answer("blob", `"yyy"`)}, "count echo fail slow", ""},
		{"a slow that is quick", &toy{odd: answer("slow", `{}`)}, "blob count echo fail", ""},
		{"a count that is no number", &toy{odd: answer("count", `"1"`)}, "blob echo fail slow", ""},
		{"a count with a fraction", &toy{odd: answer("count", `1.5`)}, "blob echo fail slow", ""},
		{"an echo of something else", &toy{odd: answer("echo", `{}`)}, "", "does not return what Conformance.echo is sent"},
		{"a mirror", &toy{deaf: true, greet: func(c *toyConn) { io.Copy(c.Conn, c.Conn) }}, "", "sends back what it is sent; it does not speak SCAMP"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := ServerValue(tc.toy.start)
			err := s.Check(t.Context(), Options{})
			if tc.want == "" {
				if !errors.Is(err, ErrNoTest) || !strings.Contains(err.Error(), tc.why) {
					t.Errorf("%v, want …%s…", err, tc.why)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var found []string
			for name, ok := range s.fixtures {
				if ok {
					found = append(found, name)
				}
			}
			slices.Sort(found)
			if got := strings.Join(found, " "); got != tc.want {
				t.Errorf("it has %s, want %s", got, tc.want)
			}
		})
	}
}

func TestOtherEcho(t *testing.T) {
	y := &toy{odd: func(c *toyConn, p packet) bool {
		m := c.messages[p.number]
		if p.kind != "EOF" || m == nil || m.action != "Mirror.back" {
			return false
		}
		delete(c.messages, p.number)
		c.reply(m.id, "", m.body)
		return true
	}}
	s := ServerValue(y.start)
	s.Echo = "Mirror.back"
	report, err := Run(t.Context(), s, []*Case{caseOf(t, "request 0 echo {\"a\":[1]}\nexpect echo 1\nsend HEADER 1 {\"type\":\"request\",\"action\":$echo,\"version\":1,\"envelope\":\"json\",\"request_id\":2}\nsend EOF 1\nexpect echo 2\nbarrier\n")}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	report.Results[0].wants(t, Pass, "")
}

// A server that cannot be left in order is a failure, and not of the tester.
func TestServerThatCannotBeLeft(t *testing.T) {
	hangs := func() (func(net.Conn), func()) {
		serve, stop := (&toy{}).start()
		return func(nc net.Conn) {
			serve(nc)
			select {}
		}, stop
	}
	s := ServerValue(hangs)
	if err := s.Check(t.Context(), Options{}); !errors.Is(err, ErrNoTest) || !strings.Contains(err.Error(), "cannot be left in order") {
		t.Error(err)
	}
	s.fixtures = everything
	report, err := Run(t.Context(), s, []*Case{caseOf(t, "barrier\n")}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	report.Results[0].wants(t, Fail, "the subject cannot be left in order")
}

// realCases are played over TLS on the loopback.
func realCases(t *testing.T, steps ...string) (cases []*Case) {
	t.Helper()
	for i, s := range steps {
		c := caseOf(t, s)
		c.Name = fmt.Sprintf("case/%d", i)
		cases = append(cases, c)
	}
	return cases
}

// Everything works over TLS on a real connection, too: closes, resets, half-closes, writes that stall.
func TestOverTLS(t *testing.T) {
	t.Parallel()
	l := listen(t, &toy{})
	report, err := Run(t.Context(), l.subject(), realCases(t,
		"request 0 echo json(repeat(\"x\", 99998))\nexpect echo 1\n",
		"raw \"x\\r\\n\"\nexpect close\n",
		"open 0 echo\nreset\nalive\n",
		"open 0 echo\nclose\nalive\n",
		"request 0 echo {}\nexpect echo 1\nhalf-close\nexpect close\n",
		"split 3 settle {\n  request 0 echo {}\n}\nexpect echo 1\nidle\n",
		with("needs: count")+"request 0 count {}\nexpect reply 1\nexecuted 1\n",
		with("needs: count")+"open 0 count\nclose\nexecuted 0\n",
		with("clock: virtual")+"wait 1h\n",
		with("profile: heartbeat")+"barrier\n",
	), quick)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"", "", "", "", "", "", "", "", "takes virtual time", "does not declare the profile heartbeat"}
	for i, w := range want {
		verdict := Pass
		if w != "" {
			verdict = Unsupported
		}
		report.Results[i].wants(t, verdict, w)
	}
	if report.Count(Fail) > 0 || len(report.Died) > 0 {
		t.Errorf("%+v", report)
	}
}

// A subject that takes no octets fails the case over TLS, too, and the run goes on.
func TestOverTLSWriteStalls(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	l := listen(t, &toy{odd: func(c *toyConn, p packet) bool {
		if p.kind == "HEADER" && textOfMember(string(p.body), "type") == "x" {
			<-release
		}
		return false
	}})
	t.Cleanup(func() { close(release) })
	report, err := Run(t.Context(), l.subject(), realCases(t, "open 0 echo with {\"type\":\"x\"}\nrepeat 200 {\n  send DATA 0 repeat(\"x\", 131072)\n}\n", "barrier\n"), Options{Timeout: 500 * time.Millisecond, Quiet: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	report.Results[0].wants(t, Fail, "has taken no octets on connection a for 500ms")
	report.Results[1].wants(t, Pass, "")
}

package conformance

import (
	"crypto/tls"
	"net"
	"testing"
	"time"
)

// securedToy makes a subject of a toy that is reached over TLS with these settings; they say nothing of certificates.
func securedToy(t *testing.T, cfg *tls.Config, fingerprint string) *Subject {
	t.Helper()
	cert, err := certificate()
	if err != nil {
		t.Fatal(err)
	}
	cfg.Certificates = []tls.Certificate{cert}
	y := &toy{}
	s := ServerValue(y.start).OverTLS(func() (func(net.Conn), func()) {
		serve, stop := y.start()
		return func(nc net.Conn) { serve(tls.Server(nc, cfg)) }, stop
	}, fingerprint)
	s.fixtures = everything
	return s
}

// toyFingerprint is that of the toy's certificate.
func toyFingerprint(t *testing.T) string {
	t.Helper()
	cert, err := certificate()
	if err != nil {
		t.Fatal(err)
	}
	return fingerprintOf(cert.Certificate[0])
}

func resultWith(t *testing.T, s *Subject, steps string) *Result {
	t.Helper()
	report, err := Run(t.Context(), s, []*Case{caseOf(t, steps)}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return &report.Results[0]
}

// What came of a handshake can be looked at, whether it has succeeded or not.
func TestHandshakes(t *testing.T) {
	const other = "00:11"
	right := toyFingerprint(t)
	echo := "on b request 0 echo {}\non b expect echo 1\n"
	for name, tc := range map[string]struct {
		cfg         *tls.Config
		fingerprint string
		steps       string
		verdict     Verdict
		why         string
	}{
		"ordinary":        {&tls.Config{}, right, "connect b tls\non b expect tls\n" + echo, Pass, ""},
		"1.2":             {&tls.Config{}, right, "connect b tls 1.2\non b expect tls {\"version\":\"1.2\",\"established\":true}\n" + echo, Pass, ""},
		"1.3":             {&tls.Config{}, right, "connect b tls 1.3\non b expect tls {\"version\":\"1.3\"}\n" + echo, Pass, ""},
		"another version": {&tls.Config{}, right, "connect b tls 1.3\non b expect tls {\"version\":\"1.2\"}\n", Fail, "the handshake differs"},
		"a suite": {&tls.Config{}, right,
			"connect b tls 1.2 suite TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384\non b expect tls {\"suite\":\"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384\"}\n", Pass, ""},
		"a suite that fails": {&tls.Config{}, right,
			"connect b tls 1.2 suite TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256\non b expect tls {\"established\":false}\non b expect close\n", Pass, ""},
		"no 1.2":               {&tls.Config{MinVersion: tls.VersionTLS13}, right, "connect b tls 1.2\non b expect tls\n", Fail, "the handshake failed"},
		"no 1.2, expected":     {&tls.Config{MinVersion: tls.VersionTLS13}, right, "connect b tls 1.2\non b expect close\n", Pass, ""},
		"no 1.2, not awaited":  {&tls.Config{MinVersion: tls.VersionTLS13}, right, "connect b tls 1.2\nbarrier\n", Fail, "which no step expected"},
		"the certificate":      {&tls.Config{}, right, "connect b tls\non b expect tls {\"certificate\":\"expected\"}\n", Pass, ""},
		"another certificate":  {&tls.Config{}, other, "connect b tls\non b expect tls {\"certificate\":\"another\"}\non b close\n", Fail, "the certificate has the fingerprint"}, // alive says so
		"any certificate":      {&tls.Config{}, "", "connect b tls\non b expect tls {\"certificate\":\"unknown\"}\n", Pass, ""},
		"no certificate asked": {&tls.Config{}, right, "connect b tls\non b expect tls {\"asks\":false}\n", Pass, ""},
		"certificate asked":    {&tls.Config{ClientAuth: tls.RequestClientCert}, right, "connect b tls\non b expect tls {\"asks\":true,\"established\":true}\n" + echo, Pass, ""},
		"certificate demanded": {&tls.Config{ClientAuth: tls.RequireAnyClientCert}, right,
			"connect b tls 1.2\non b expect tls {\"asks\":true,\"established\":false}\non b anything\nbarrier\n", Fail, "closed the connection"},
		"not looked at": {&tls.Config{}, right, "connect b plain\non b expect tls\n", Errored, "open it with connect b tls"},
	} {
		t.Run(name, func(t *testing.T) {
			resultWith(t, securedToy(t, tc.cfg, tc.fingerprint), tc.steps).wants(t, tc.verdict, tc.why)
		})
	}
}

// Below TLS octets go as they are, and what comes must be TLS or nothing.
func TestPlainConnections(t *testing.T) {
	right := toyFingerprint(t)
	s := securedToy(t, &tls.Config{}, right)
	resultWith(t, s, "connect b plain\non b no octets\non b close\n").wants(t, Pass, "")
	resultWith(t, s, "connect b plain\non b request 0 echo {}\non b expect close\nbarrier\n").wants(t, Pass, "")
	resultWith(t, s, "connect b plain\non b raw hex(16 03 01 00 04 01 00 00 00)\non b quiet\non b no octets\n").wants(t, Fail, "octets came")
	y := &toy{}
	frank := ServerValue(y.start).OverTLS(y.start, "")
	frank.fixtures = everything
	resultWith(t, frank, "connect b plain\non b request 0 echo {}\non b expect close within 1s\n").wants(t, Fail, "an answer in plain text")
}

// A handshake that hangs is a hang, for every level.
func TestHandshakesThatHang(t *testing.T) {
	s := ServerValue((&toy{}).start).OverTLS(func() (func(net.Conn), func()) {
		over := make(chan struct{})
		return func(nc net.Conn) {
			<-over
			nc.Close()
		}, func() { close(over) }
	}, "")
	s.fixtures = everything
	began := time.Now()
	resultWith(t, s, "connect b tls\non b expect close\n").wants(t, Fail, "not over within 5s")
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("it takes %v of real time", took)
	}
}

// Where a subject is not reached over TLS, cases about that are unsupported.
func TestWithoutTLS(t *testing.T) {
	for _, steps := range []string{"connect b plain\nbarrier\n", "connect b tls\nbarrier\n", "no octets\n"} {
		resultWith(t, func() *Subject {
			s := ServerValue((&toy{}).start)
			s.fixtures = everything
			return s
		}(), steps).wants(t, Unsupported, "reached without")
	}
}

// Over a port it is the same.
func TestHandshakesOverAPort(t *testing.T) {
	l := listen(t, &toy{})
	s, err := ServerAt(l.address, toyFingerprint(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, steps := range []string{
		"connect b tls 1.2\non b expect tls {\"version\":\"1.2\",\"certificate\":\"expected\",\"asks\":false}\non b request 0 echo {}\non b expect echo 1\n",
		"connect b plain\non b no octets\non b raw \"GET / HTTP/1.0\\r\\n\\r\\n\"\non b expect close\n",
		"connect b plain\non b reset\nconnect c plain\non c half-close\nalive\n",
	} {
		report, err := Run(t.Context(), s, []*Case{caseOf(t, steps)}, quick)
		if err != nil {
			t.Fatal(err)
		}
		report.Results[0].wants(t, Pass, "")
	}
}

// What a subject shows need not be declared: it answers a PING.
func TestProfilesThatAreShown(t *testing.T) {
	const steps = "# Something is tried here.\nrule: WIRE-TIME-08a\nrole: server\nprofile: heartbeat\n\nsend PING 0\nexpect PONG 0\n"
	pongs := &toy{odd: func(c *toyConn, p packet) bool {
		if p.kind == "PING" {
			c.say("PONG", p.number, "")
		}
		return p.kind == "PING"
	}}
	for _, tc := range []struct {
		y       *toy
		verdict Verdict
		why     string
	}{{pongs, Pass, ""}, {&toy{}, Unsupported, "does not declare the profile heartbeat"}} {
		resultWith(t, ServerValue(tc.y.start), steps).wants(t, tc.verdict, tc.why)
	}
}

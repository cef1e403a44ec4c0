package conformance

import (
	"crypto/tls"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gudtech/scamp-sim/fixtures"
	"github.com/gudtech/scamp-sim/scamp"
	"github.com/gudtech/scamp-sim/sim/reference"
)

// Servers with other times than the specification's, or none, are not called wrong where that is tolerated.
func TestTimesAreNotCalledWrong(t *testing.T) {
	t.Parallel()
	var cases []*Case
	for _, c := range parsedGolden(t) {
		if strings.HasPrefix(c.Name, "wire-time/") || strings.HasPrefix(c.Name, "wire-conn/") {
			cases = append(cases, c)
		}
	}
	for i, tc := range []struct {
		name string
		cfg  scamp.Config
	}{
		{"no times", scamp.Config{IdleTimeout: -1, HandlerTimeout: -1, MessageTimeout: -1}},
		{"no idle time", scamp.Config{IdleTimeout: -1}},
		{"idle for a minute", scamp.Config{IdleTimeout: time.Minute}},
		{"idle for ten seconds", scamp.Config{IdleTimeout: 10 * time.Second}},
		{"idle for an hour", scamp.Config{IdleTimeout: time.Hour}},
		{"handlers of ten seconds", scamp.Config{HandlerTimeout: 10 * time.Second}},
		{"messages of half a minute", scamp.Config{MessageTimeout: 30 * time.Second}},
		{"messages of an hour", scamp.Config{MessageTimeout: time.Hour}},
		{"bounds of a hundred requests", scamp.Config{MaxMessages: 100, MaxRequest: 1 << 20}},
		{"no bounds", scamp.Config{MaxMessages: -1, MaxRequest: -1, MaxBuffered: -1}},
	} {
		if RaceDetector && i%5 != 0 { // each costs ten times as much
			continue
		}
		t.Run(tc.name, func(t *testing.T) {
			d := dialect{tc.name, "section 8", way{cfg: tc.cfg}}
			blameless(t, d, settled(t, d.way.start, cases))
			blameless(t, d, unsettled(t, ServerValue(d.way.start), cases))
		})
	}
}

// Servers that do of TLS what is tolerated are not called wrong.
func TestTLSIsNotCalledWrong(t *testing.T) {
	t.Parallel()
	var cases []*Case
	for _, c := range parsedGolden(t) {
		if c.aboutTLS() {
			cases = append(cases, c)
		}
	}
	for name, tc := range map[string]struct {
		cfg  *tls.Config
		want string // notes of a dialect that is seen
	}{
		"the reference's":      {&tls.Config{}, ""},
		"1.2 alone":            {&tls.Config{MaxVersion: tls.VersionTLS12}, "there is no TLS 1.3"},
		"1.3 alone":            {&tls.Config{MinVersion: tls.VersionTLS13}, "there is no TLS 1.2"},
		"asks for certificate": {&tls.Config{ClientAuth: tls.RequestClientCert}, "a certificate is asked for"},
		"one suite":            {&tls.Config{CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384}}, "AES-256 alone"},
		"the other suite":      {&tls.Config{CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}}, "AES-128 alone"},
	} {
		t.Run(name, func(t *testing.T) {
			tc.cfg.Certificates = []tls.Certificate{fixtures.Certificate("server")}
			start := func() (func(net.Conn), func()) {
				svc := &scamp.Service{Mux: reference.NewMux(), Config: scamp.Config{Logger: slog.New(slog.DiscardHandler)}}
				return func(nc net.Conn) {
					conn := tls.Server(nc, tc.cfg)
					nc.SetDeadline(time.Now().Add(300 * time.Second)) // longer than the rule wants
					if conn.Handshake() == nil {
						nc.SetDeadline(time.Time{})
						svc.ServeConn(conn)
					}
				}, func() { svc.Close() }
			}
			s := ServerValue(way{}.start).OverTLS(start, fixtures.Fingerprint("server"))
			report, err := Run(t.Context(), s, cases, Options{})
			if err != nil {
				t.Fatal(err)
			}
			blameless(t, dialect{about: "section 9"}, report)
			seen := ""
			for _, r := range report.Results {
				seen += strings.Join(r.Notes, "\n")
			}
			if !strings.Contains(seen, tc.want) {
				t.Errorf("the dialect is not seen: %s", seen)
			}
		})
	}
}

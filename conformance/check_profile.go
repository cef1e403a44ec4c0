package conformance

import "net"

// goodTicket is valid for ever and has the privilege that Conformance.secured needs: user 1, client 1, privilege 7,
// signed with fixtures/ticket.key.pem.
const goodTicket = "1,1,1,915148800,3153600000,7,X7Vd19e1zmlY5gcOQkIgzGeO2hTC0bn8VBDkDO6oF4xAii04Oq5QErF-3e8wqvGpRhFWxoBwTzR1yNgU9As7JpAQeyol7Jf-EE_k6fwlryUaps-Rpmwuu2-A2msqBVqwAnu8bBffUZFZLStLg-S0btnAaA2L1RnUvo5X4K4wFL6kFAmFzr782RqKGjf6HCcDl5I-ZucoV4PD9FHN2BupwY5x3sdAMOUOesciXtvpj01e2a4-QxoHk37BGP7ElTRJxtxOQPiq2rNIzXfQMbMQTqIVjmeIXHfyh48HZWoemqOU4BvaKrLLUc0v0M8Dxcudwuzgih-1FaEDNmuadhnFEA"

// isCount reports whether the body is a whole number.
func (m *incoming) isCount() bool {
	v, err := parseJSON(m.body)
	return err == nil && v.kind == '0' && isInteger(v.text)
}

// shows reports whether the subject behaves as one that has a profile, so that it need not be declared.
func (s *Subject) shows(profile string) bool { return profile == "heartbeat" && s.fixtures[profile] }

// answersPing reports whether a PONG comes for a PING. One without the heartbeat profile closes the connection.
func (s *Subject) answersPing(dial func() (net.Conn, error), opt *Options) bool {
	pl := newPlay(&Case{Role: "server", Rules: []string{"WIRE-TIME-08a"}}, s, opt)
	pl.dial = dial
	defer pl.leave()
	p, err := pl.connect("a")
	if err != nil || pl.send(p, Send{Type: "PING", Number: Literal{0}}) != nil {
		return false
	}
	pl.mu.Lock()
	defer pl.mu.Unlock()
	pl.await(opt.Timeout, func() bool { return len(p.pongs) > 0 || p.unusable() != nil })
	return len(p.pongs) > 0
}

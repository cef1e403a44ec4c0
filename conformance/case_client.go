package conformance

import "time"

// The actions of cases whose subject is a client. The tester plays everything around it: instances of services with
// their addresses, the files that tell of them, and the application that makes calls.
type (
	// Announce puts the record of an instance into the discovery cache.
	Announce struct {
		Instance string
		With     Text // JSON object, nil: the plain record
	}
	// Withdraw takes the record of an instance out of the cache.
	Withdraw struct{ Instance string }
	// Authorize writes the authorised-services file.
	Authorize struct{ File Text }
	// Config sets a key of the configuration file.
	Config struct {
		Key   string
		Value Text
	}
	// Age makes a file as old as this, and leaves it so.
	Age struct {
		File string
		By   time.Duration
	}
	// Remove takes a file away.
	Remove struct{ File string }
	// Reload lets so much time pass that the subject has taken up what the files say.
	Reload struct{}

	// Behave says what becomes of connections to an instance from now on.
	Behave struct {
		Instance string
		How      Behaviour
	}
	// Accept takes the next connection to an instance. It is one of the expectations.
	Accept struct {
		Instance    string // any: whichever has one; other: another one than any was
		As          string // the name of the connection; "" is a
		Plain       bool   // TCP alone: no TLS
		Certificate string // of another instance; "" is the instance's own
		TLS         string // "1.2", "1.3"; "" is what the subject likes best
	}

	// DoCall makes the application of the subject call an action.
	DoCall struct {
		Name                            string
		Action                          Text
		Fixture                         bool // Action is a short name
		Body                            Text // nil: {}
		Version                         Number
		Envelope, Sector, Ident, Ticket Text
		Timeout                         time.Duration
	}
	// DoCancel makes the application give a call up.
	DoCancel struct{ Name string }
	// DoClose makes the application close the client.
	DoClose struct{}

	// Reply sends a whole reply.
	Reply struct {
		ID      Value
		Body    Text // nil: {}
		With    Text
		Without []string
		In      []Number
		Window  Number
	}

	// ExpectRequest waits for a whole request.
	ExpectRequest struct {
		ID     Value
		Body   Text
		JSON   *Pattern
		Header *Pattern
	}
	// ExpectOutcome waits for what the application is told of its call.
	ExpectOutcome struct {
		Name    string
		Failure bool
		Either  bool     // a result or a failure
		Body    Text     // a result
		JSON    *Pattern // a result
		Members *Pattern // a failure: code, text, data
	}
	// ExpectConnection waits for an attempt to connect.
	ExpectConnection struct{ Instance string }
	// ExpectHello waits for a ClientHello on a connection without TLS.
	ExpectHello struct{}
	// Count compares how many connections to an instance have been tried, or how many requests it has answered by itself.
	Count struct {
		What     string // connections, answered
		Instance string
		Compare  string
		Total    Number
	}
)

// Behaviour is what becomes of the connections to an instance.
type Behaviour string

// The behaviours, spelled as in the language.
const (
	BehaveListen Behaviour = "listen" // they wait to be accepted
	BehaveRefuse Behaviour = "refuse" // they are refused
	BehaveServe  Behaviour = "serve"  // they are accepted, and requests get their own bodies back
)

func (Announce) action()         {}
func (Withdraw) action()         {}
func (Authorize) action()        {}
func (Config) action()           {}
func (Age) action()              {}
func (Remove) action()           {}
func (Reload) action()           {}
func (Behave) action()           {}
func (Accept) action()           {}
func (DoCall) action()           {}
func (DoCancel) action()         {}
func (DoClose) action()          {}
func (Reply) action()            {}
func (ExpectRequest) action()    {}
func (ExpectOutcome) action()    {}
func (ExpectConnection) action() {}
func (ExpectHello) action()      {}
func (Count) action()            {}

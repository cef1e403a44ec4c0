package conformance

import "time"

// A Case is one scenario: a header and the steps that play the peer of the subject.
// docs/case-language.md is the definition of the language; Parse reads it and
// Format writes it back.
type Case struct {
	Name     string   // file name without suffix; ParseFS puts the directories before it: wire-frame/bare-lf
	File     string   // where it was read from, for messages
	Source   []byte   // as it was read
	Title    string   // the first line: what is tried, in plain words
	Notes    []string // further comment lines of the header
	Rules    []string // ids of the specification; the first is what the case is about
	Role     string   // what the subject plays: server, client, …
	Needs    []string // fixture actions besides echo
	Profiles []string // profiles the subject must declare, core aside
	Virtual  bool     // clock: virtual
	AcksOff  bool     // acks: off
	Each     *Each    // nil: the case runs once
	Steps    []Step

	Lines map[string]int // where the keys of the header stand, for messages
}

// Each makes a case run once per text, with the variable set to it.
type Each struct {
	Line  int
	Name  string
	Texts []Text
}

// A Step is one instruction of a case.
type Step struct {
	Line    int           // in the file, from 1
	Comment string        // behind the step, without the number sign
	Above   []string      // comment lines above the step; "" is a blank line
	Below   []string      // likewise between the last step of a block, or of the case, and its end
	On      string        // connection; "" is the one of the enclosing block
	Do      Action        // what to do
	Within  time.Duration // how long an expectation waits; 0 is the default for its kind
	After   time.Duration // what an expectation must take at least
}

// An Action is what a step does. It is one of the types below.
type Action interface{ action() }

type (
	// Connect opens a connection.
	Connect struct {
		Name  string
		Below *Below // nil: TLS, nothing special
	}
	// Close ends a connection from the tester's side.
	Close struct{ How CloseHow }
	// Reading stops or resumes taking octets from the connection.
	Reading struct{ On bool }
	// Acks switches the tester's own acknowledgements.
	Acks struct{ On bool }

	// Send sends one packet. Total is used for ACK N NUMBER, Body otherwise; both may be absent.
	Send struct {
		Type   string
		Number Number
		Body   Text
		Total  Number

		Line, Trailer Text // in place of the packet's own; # in the line is the body's length
	}
	// Raw sends octets as they are.
	Raw struct{ Octets Text }
	// Request sends a request: all of it, or its HEADER only.
	Request struct {
		Open    bool // HEADER only
		Number  Number
		Action  Text // fixture action by short name (Fixture true) or any name
		Fixture bool // Action is a short name
		Body    Text // nil: {}
		With    Text // JSON object, nil: none
		Without []string
		In      []Number // DATA sizes; the last repeats
		Window  Number   // nil: none
	}
	// Together sends what its steps send in one write.
	Together struct{ Steps []Step }
	// Split sends what its steps send in writes of Size octets.
	Split struct {
		Size   Number
		Settle bool
		Steps  []Step
	}
	// On runs steps on another connection.
	On struct {
		Conn  string
		Steps []Step
	}

	// ExpectPacket waits for a packet, or for octets of a message.
	ExpectPacket struct {
		Type    string // HEADER, DATA, EOF, TXERR, ACK, PONG
		Number  Number
		Header  *Pattern // HEADER
		Body    Text     // DATA
		Octets  Number   // DATA N NUMBER octets
		Match   string   // TXERR: regular expression
		Compare string   // ACK: "=", ">=", ">"
		Total   Number   // ACK
	}
	// ExpectReply waits for a whole reply.
	ExpectReply struct {
		Kind   ReplyKind
		ID     Value
		Body   Text     // ReplyPlain
		JSON   *Pattern // ReplyPlain
		Header *Pattern // ReplyEcho, ReplyPlain, ReplyError
		Match  string   // ReplyAbort
		Before Value    // nil: in any order
	}
	// ExpectClose waits for the end of the connection.
	ExpectClose struct{}
	// Anything accepts whatever comes on the connection.
	Anything struct{}
	// No says that something has not come so far.
	No struct {
		What    string // reply, success, failure, ACK, DATA, EOF, close, octets; of clients: request, octets, outcome, connection
		ID      Value  // reply, success, failure
		Number  Number // ACK, DATA, EOF
		Name    string // outcome: of the call; connection: of the instance
		Greater Number // ACK: nil is any
	}
	// Barrier makes a complete echo: what was sent before has been read by then.
	Barrier struct{}
	// Idle checks that nothing has come that no step has expected.
	Idle struct{}
	// Quiet lets T_quiet pass.
	Quiet struct{}
	// Alive checks that the subject serves on a new connection.
	Alive struct{}
	// Stall waits until a message has stopped before its end.
	Stall struct{ Number Number }
	// Executed checks how the counter has grown.
	Executed struct{ Times Number }
	// Wait lets time pass.
	Wait struct{ For time.Duration }

	// Either takes the first branch that can be satisfied.
	Either struct{ Branches []Branch }
	// Repeat runs its steps a number of times.
	Repeat struct {
		Times Number
		Steps []Step
	}
	// UntilEnded repeats its steps until a message has ended.
	UntilEnded struct {
		Number Number
		Steps  []Step
	}
)

// CloseHow is the manner in which the tester ends a connection.
type CloseHow string

// The manners of Close, spelled as in the language.
const (
	CloseOrderly CloseHow = "close"
	CloseReset   CloseHow = "reset"
	CloseHalf    CloseHow = "half-close"
)

// ReplyKind is the kind of outcome that ExpectReply waits for.
type ReplyKind string

// The kinds of ExpectReply, spelled as in the language.
const (
	ReplyEcho    ReplyKind = "echo"
	ReplyPlain   ReplyKind = "reply"
	ReplyError   ReplyKind = "error"
	ReplyAbort   ReplyKind = "abort"
	ReplyFailure ReplyKind = "failure"
)

// A Branch is one alternative of Either.
type Branch struct {
	Line  int
	Grade Grade
	Note  string
	Steps []Step
}

// Grade is what taking a branch means for the verdict.
type Grade string

// The grades, spelled as in the language; strict is not written.
const (
	GradeStrict      Grade = ""
	GradeDialect     Grade = "dialect"
	GradeUnsupported Grade = "unsupported"
	GradeFail        Grade = "fail"
)

func (Connect) action()      {}
func (Close) action()        {}
func (Reading) action()      {}
func (Acks) action()         {}
func (Send) action()         {}
func (Raw) action()          {}
func (Request) action()      {}
func (Together) action()     {}
func (Split) action()        {}
func (On) action()           {}
func (ExpectPacket) action() {}
func (ExpectReply) action()  {}
func (ExpectClose) action()  {}
func (No) action()           {}
func (Anything) action()     {}
func (Barrier) action()      {}
func (Idle) action()         {}
func (Quiet) action()        {}
func (Alive) action()        {}
func (Stall) action()        {}
func (Executed) action()     {}
func (Wait) action()         {}
func (Either) action()       {}
func (Repeat) action()       {}
func (UntilEnded) action()   {}

// uses reports whether one of the steps, or of those in their blocks, is such a one.
func uses(steps []Step, is func(Action) bool) bool {
	for i := range steps {
		if is(steps[i].Do) {
			return true
		}
		for _, block := range blocks(steps[i].Do) {
			if uses(block, is) {
				return true
			}
		}
	}
	return false
}

// blocks returns the steps that an action has in its blocks.
func blocks(do Action) (found [][]Step) {
	switch do := do.(type) {
	case On:
		return [][]Step{do.Steps}
	case Together:
		return [][]Step{do.Steps}
	case Split:
		return [][]Step{do.Steps}
	case Repeat:
		return [][]Step{do.Steps}
	case UntilEnded:
		return [][]Step{do.Steps}
	case Either:
		for _, b := range do.Branches {
			found = append(found, b.Steps)
		}
	}
	return found
}

func isExecuted(do Action) bool {
	_, ok := do.(Executed)
	return ok
}

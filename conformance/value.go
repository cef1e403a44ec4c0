package conformance

// A Text is an expression for a sequence of octets. It is one of Quoted, JSON,
// Repeated, JSONString, Cased, Hex, Var and Joined.
type Text interface{ text() }

type (
	// Quoted is a string literal.
	Quoted struct{ Octets string }
	// JSON is a JSON object or array as written; $name outside strings is replaced.
	JSON struct{ Source string }
	// Repeated is a text several times.
	Repeated struct {
		Text  Text
		Times Number
	}
	// JSONString is the JSON string that stands for a text.
	JSONString struct{ Text Text }
	// Cased is a text with its ASCII letters in upper case, or in lower case.
	Cased struct {
		Text  Text
		Upper bool
	}
	// Hex is octets in hexadecimal.
	Hex struct{ Octets string }
	// Var is a variable, as a text, a number or a value.
	Var struct{ Name string }
	// Joined is texts one after the other.
	Joined struct{ Texts []Text }
)

// A Number is an expression for a number of octets, a total or a message number.
// It is one of Literal, Var, Next, Half and Sum.
type Number interface{ number() }

type (
	// Literal is decimal digits.
	Literal struct{ N uint64 }
	// Next is the next HEADER number of the connection.
	Next struct{}
	// Half is half of a number, rounded up.
	Half struct{ Of Number }
	// Sum is A + B, or A - B.
	Sum struct {
		A, B  Number
		Minus bool
	}
)

// A Value is an expression for a request_id: Var, Scalar, or None.
type Value interface{ value() }

// Scalar is a JSON number or string as written.
type Scalar struct{ Source string }

// None is the absence of a request_id.
type None struct{}

// A Pattern is JSON with words and variables in place of values.
// Its tree is parsed once; Source is how it was written.
type Pattern struct {
	Source string
	Exact  bool
	Root   PatternNode
}

// A PatternNode is one node of a pattern's tree.
type PatternNode struct {
	Kind    PatternKind
	Scalar  string        // PatternScalar: the JSON text; PatternVar: the name; PatternRegexp: the expression
	Names   []string      // PatternObject: member names in order
	Members []PatternNode // PatternObject, PatternArray
}

// PatternKind says what a node matches.
type PatternKind string

// The kinds of pattern nodes; those that are words are spelled as in the language.
const (
	PatternAny      PatternKind = "any"
	PatternString   PatternKind = "string"
	PatternNonempty PatternKind = "nonempty"
	PatternNumber   PatternKind = "number"
	PatternInteger  PatternKind = "integer"
	PatternIsArray  PatternKind = "array"
	PatternIsObject PatternKind = "object"
	PatternAbsent   PatternKind = "absent"
	PatternScalar   PatternKind = "scalar"
	PatternVar      PatternKind = "variable"
	PatternRegexp   PatternKind = "regexp"
	PatternObject   PatternKind = "members"
	PatternArray    PatternKind = "elements"
)

func (Quoted) text()     {}
func (JSON) text()       {}
func (Repeated) text()   {}
func (JSONString) text() {}
func (Cased) text()      {}
func (Hex) text()        {}
func (Var) text()        {}
func (Joined) text()     {}

func (Literal) number() {}
func (Var) number()     {}
func (Next) number()    {}
func (Half) number()    {}
func (Sum) number()     {}

func (Var) value()    {}
func (Scalar) value() {}
func (None) value()   {}

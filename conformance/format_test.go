package conformance

import (
	"bytes"
	"os"
	"reflect"
	"testing"
)

// The cases of the repository are written in the canonical form.
func TestFormatGolden(t *testing.T) {
	fsys := os.DirFS("../golden")
	cases, err := ParseFS(fsys)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		src, err := os.ReadFile("../golden/" + c.File)
		if err != nil {
			t.Fatal(err)
		}
		if got := Format(c); !bytes.Equal(got, src) {
			t.Errorf("%s is not in its canonical form; it reads\n%s", c.File, got)
		}
	}
}

// withoutPositions returns the case with nothing in it that depends on where in a file it stands.
func withoutPositions(c *Case) *Case {
	d := *c
	d.Name, d.File, d.Source, d.Lines = "", "", nil, nil
	if c.Each != nil {
		d.Each = &Each{Name: c.Each.Name, Texts: c.Each.Texts}
	}
	d.Steps = stepsWithoutPositions(c.Steps)
	return &d
}

func stepsWithoutPositions(steps []Step) []Step {
	out := make([]Step, len(steps))
	for i, s := range steps {
		s.Line = 0
		switch do := s.Do.(type) {
		case Together:
			do.Steps = stepsWithoutPositions(do.Steps)
			s.Do = do
		case Split:
			do.Steps = stepsWithoutPositions(do.Steps)
			s.Do = do
		case On:
			do.Steps = stepsWithoutPositions(do.Steps)
			s.Do = do
		case Repeat:
			do.Steps = stepsWithoutPositions(do.Steps)
			s.Do = do
		case UntilEnded:
			do.Steps = stepsWithoutPositions(do.Steps)
			s.Do = do
		case Either:
			branches := make([]Branch, len(do.Branches))
			for j, b := range do.Branches {
				b.Line, b.Steps = 0, stepsWithoutPositions(b.Steps)
				branches[j] = b
			}
			s.Do = Either{branches}
		}
		out[i] = s
	}
	return out
}

// checkFormat proves that the canonical form of a case is the same case, and its own canonical form.
func checkFormat(t *testing.T, c *Case) {
	t.Helper()
	text := Format(c)
	again, err := Parse(c.File, text)
	if err != nil {
		t.Fatalf("the canonical form does not parse: %v\n%s", err, text)
	}
	if !reflect.DeepEqual(withoutPositions(c), withoutPositions(again)) {
		t.Errorf("the canonical form is another case:\n%+v\n%+v\n%s", withoutPositions(c), withoutPositions(again), text)
	}
	if twice := Format(again); !bytes.Equal(twice, text) {
		t.Errorf("the canonical form of the canonical form differs:\n%s\n%s", text, twice)
	}
}

func TestFormatIsStable(t *testing.T) {
	cases, err := ParseFS(os.DirFS("../golden"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		checkFormat(t, c)
	}
}

package conformance

import (
	"os"
	"testing"
)

// The cases of the repository are cases.
func TestParseGolden(t *testing.T) {
	cases, err := ParseFS(os.DirFS("../golden"))
	if err != nil {
		t.Error(err)
	}
	if len(cases) == 0 {
		t.Fatal("no case found: the test is blind")
	}
}

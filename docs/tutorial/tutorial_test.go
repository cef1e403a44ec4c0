package tutorial

import (
	"os"
	"strings"
	"testing"
)

// TestTheProgramsAreThoseOfTheTutorial: they are compiled with everything else, and the command's tests run them.
func TestTheProgramsAreThoseOfTheTutorial(t *testing.T) {
	page, err := os.ReadFile("../tutorial.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"greeter/main.go", "caller/main.go"} {
		program, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(page), "(tutorial/"+name+"):\n\n```go\n"+string(program)+"```\n") {
			t.Errorf("docs/tutorial.md does not show %s as it is", name)
		}
	}
}

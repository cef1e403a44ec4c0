package sim_test

import (
	"os"
	"strings"
	"testing"
)

// TestScenarioDocsShowATest: docs/scenarios.md has the text of doc_test.go, which is compiled and run.
func TestScenarioDocsShowATest(t *testing.T) {
	code, err := os.ReadFile("doc_test.go")
	if err != nil {
		t.Fatal(err)
	}
	docs, err := os.ReadFile("../docs/scenarios.md")
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(string(code), "package sim_test\n\n")
	if !strings.Contains(string(docs), "```go\n"+body+"```\n") {
		t.Errorf("docs/scenarios.md has another text than sim/doc_test.go:\n%s", body)
	}
}

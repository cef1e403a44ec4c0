package scenario

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
)

const schemaFile = "../../docs/scenario.schema.json"

// TestScenarioSchema: the published schema is that of the parser.
func TestScenarioSchema(t *testing.T) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(Schema()); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(schemaFile, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(schemaFile); err != nil || !bytes.Equal(b.Bytes(), want) {
		t.Errorf("%s is not the schema of the parser (%v); go test ./sim/scenario -update rewrites it", schemaFile, err)
	}
}

// TestScenarioDocs: docs/scenarios.md tells of every key.
func TestScenarioDocs(t *testing.T) {
	text, err := os.ReadFile("../../docs/scenarios.md")
	if err != nil {
		t.Fatal(err)
	}
	var look func(where string, s map[string]any)
	look = func(where string, s map[string]any) {
		for key, v := range s["properties"].(map[string]any) {
			if !strings.Contains(string(text), "`"+key+"`") && !strings.Contains(string(text), "`"+key+":") {
				t.Errorf("nothing about %s of %s", key, where)
			}
			if items, ok := v.(map[string]any)["items"].(map[string]any); ok && items["properties"] != nil {
				look(key, items)
			}
		}
	}
	look("the file", Schema())
}

package scenario

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/goccy/go-yaml"
)

// misfit says where a value does not fit a schema; "" is that it fits. It knows what
// the schema of scenarios uses.
func misfit(s map[string]any, v any, where string) string {
	if any1, ok := s["oneOf"].([]any); ok {
		for _, one := range any1 {
			if misfit(one.(map[string]any), v, where) == "" {
				return ""
			}
		}
		return where + ": none of several"
	}
	if enum, ok := s["enum"].([]any); ok {
		for _, e := range enum {
			if e == v {
				return ""
			}
		}
		return fmt.Sprintf("%s: %v is not in the list", where, v)
	}
	types, ok := s["type"].([]any)
	if !ok {
		types = []any{s["type"]}
	}
	fits := false
	for _, t := range types {
		switch v := v.(type) {
		case string:
			fits = fits || t == "string" && (s["pattern"] == nil || regexp.MustCompile(s["pattern"].(string)).MatchString(v))
		case float64:
			fits = fits || t == "number" || t == "integer" && v == float64(int64(v))
		case bool:
			fits = fits || t == "boolean"
		case []any:
			fits = fits || t == "array"
		case map[string]any:
			fits = fits || t == "object"
		}
	}
	if !fits {
		return fmt.Sprintf("%s: %v does not fit", where, v)
	}
	switch v := v.(type) {
	case []any:
		for i, item := range v {
			if m := misfit(s["items"].(map[string]any), item, fmt.Sprintf("%s[%d]", where, i)); m != "" {
				return m
			}
		}
	case map[string]any:
		properties := s["properties"].(map[string]any)
		for key, item := range v {
			p, ok := properties[key].(map[string]any)
			if !ok {
				return where + " has no " + key
			}
			if m := misfit(p, item, where+"."+key); m != "" {
				return m
			}
		}
		required, _ := s["required"].([]any)
		for _, key := range required {
			if v[key.(string)] == nil {
				return where + " needs " + key.(string)
			}
		}
	}
	return ""
}

// TestScenarioSchemaFits: the schema takes the scenarios that ship, and other
// quantities that the parser takes; not those that it does not take.
func TestScenarioSchemaFits(t *testing.T) {
	var schema map[string]any
	text, err := os.ReadFile(schemaFile)
	if err == nil {
		err = json.Unmarshal(text, &schema)
	}
	if err != nil {
		t.Fatal(err)
	}
	value := func(text []byte) (v any) {
		j, err := yaml.YAMLToJSON(text)
		if err == nil {
			err = json.Unmarshal(j, &v)
		}
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, file := range goldens(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if m := misfit(schema, value(text), filepath.Base(file)); m != "" {
			t.Error(m)
		}
	}
	for text, good := range map[string]bool{
		"duration: 1h30m":                     true,
		"duration: 0":                         false,
		"duration: 0m":                        false,
		"duration: 0.0 s":                     false,
		"duration: 0h 1.05 ms":                true,
		"link: {segment: 0, latency: 0}":      true,
		"faults: [{at: 0, kill: a, for: 0s}]": false,
		"faults: [{at: 0, rolling: a, every: 10s, down: 0}]": true,
		"duration: soon": false,
		"link: {bandwidth: 1MiB/s, buffer: 16 KiB, loss: 0.5%, jitter: 1.5ms}": true,
		"link: {bandwith: 1}": false,
		"link: lan":           true,
		"link: lam":           false,
		"seed: 4711":          true,
		"tls: 5":              false,
		"faults: [{at: 1s, kill: [a, b], for: 2s}]":                          true,
		"faults: [{at: 1s, cache: torn, of: web}]":                           true,
		"faults: [{at: 1s, clock: web, by: -5m}]":                            true,
		"faults: [{kill: a}]":                                                false,
		"expect: [a, b]":                                                     true,
		"links: [{between: [a, b], profile: {preset: wan, spread: pareto}}]": true,
	} {
		if m := misfit(schema, value([]byte(text+"\n"+small)), "x"); (m == "") != good {
			t.Errorf("%s: %q", text, m)
		}
	}
}

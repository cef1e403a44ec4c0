package golden_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/gudtech/scamp-sim/golden"
)

// README.md names every directory and describes every kind of vectors, and its example is a vector.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	readme := string(text)
	directories, err := fs.ReadDir(golden.FS, ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range directories {
		if !strings.Contains(readme, "`"+d.Name()+"/`") {
			t.Errorf("the directory %s is not there", d.Name())
		}
	}
	for kind := range players {
		if !strings.Contains(readme, "\n**`"+kind+"`**: ") {
			t.Errorf("the kind %s is not described", kind)
		}
	}

	_, example, _ := strings.Cut(readme, "```json\n")
	example, _, _ = strings.Cut(example, "```")
	var want, got map[string]any
	if err := json.Unmarshal([]byte(example), &want); err != nil {
		t.Fatal(err)
	}
	file, err := golden.FS.ReadFile("disc-env/vectors.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(file) {
		var v map[string]any
		if err := json.Unmarshal(line, &v); err != nil {
			t.Fatal(err)
		}
		if v["name"] == want["name"] {
			got = v
		}
	}
	// What the example leaves out is in the middle of the packet.
	packet, _ := got["packet"].(string)
	for piece := range strings.SplitSeq(want["packet"].(string), "…") {
		_, rest, found := strings.Cut(packet, piece)
		if !found {
			t.Errorf("the packet of the example has %q", piece)
		}
		packet = rest
	}
	delete(want, "packet")
	delete(got, "packet")
	if !reflect.DeepEqual(want, got) {
		t.Errorf("the example is %v, the vector %v", want, got)
	}
}

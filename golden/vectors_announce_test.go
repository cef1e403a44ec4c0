package golden_test

import (
	"bytes"
	"compress/zlib"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gudtech/scamp-sim/scamp/discovery"
)

// A service is what an announcer is told to announce.
type service struct {
	Ident     string    `json:"ident"`
	Sector    string    `json:"sector"`
	Weight    float64   `json:"weight"`
	Interval  float64   `json:"interval"`
	URI       string    `json:"uri"`
	Envelopes []string  `json:"envelopes"`
	Actions   []offered `json:"actions"`
	Timestamp float64   `json:"timestamp"`
	Repeat    int       `json:"repeat"`
}

type offered struct {
	Sector    string   `json:"sector"`
	Name      string   `json:"name"`
	Version   int      `json:"version"`
	Envelopes []string `json:"envelopes"`
	Flags     string   `json:"flags"`
}

func playAnnounce(t *testing.T, v *vector) {
	packet, err := announce(v)
	var datagram []byte
	if err == nil {
		datagram, err = discovery.Compress(packet)
	}
	if err != nil {
		v.check(t, v.Title, verdict{Outcome: "error"})
		return
	}
	checkDatagram(t, datagram, packet)
	if !packetForm.Match(packet) {
		t.Errorf("DISC-ENV-01a, 02a, 04b, 05a, 06a, DISC-SIG-02a, 04a: the packet is not what a packet looks like:\n%.300s", packet)
	}
	if bytes.Contains(packet, []byte("\n%%%\n")) || bytes.HasSuffix(packet, []byte("\n%%%")) {
		t.Error("DISC-ENV-04a: there is a marker in the packet")
	}
	data, _, _ := bytes.Cut(packet, []byte("\n"))
	for _, wrong := range dataForm(data) {
		t.Errorf("%s:\n%.300s", wrong, data)
	}
	a, err := discovery.Verify(packet)
	if err != nil {
		t.Fatalf("what was announced is refused: %v", err)
	}
	v.check(t, v.Title, verdict{Outcome: "announced", announcement: describe(a)})
}

func announce(v *vector) ([]byte, error) {
	s, err := discovery.NewSigner(v.Key, v.Certificate)
	if err != nil {
		return nil, err
	}
	a := &discovery.Announcement{Sector: v.Service.Sector, Weight: v.Service.Weight, Interval: v.Service.Interval, URI: v.Service.URI, Envelopes: v.Service.Envelopes, Timestamp: v.Service.Timestamp}
	a.Ident = v.Service.Ident
	for i := range max(v.Service.Repeat, 1) {
		for _, o := range v.Service.Actions {
			a.Actions = append(a.Actions, discovery.Action{Sector: o.Sector, Name: strings.ReplaceAll(o.Name, "#", strconv.Itoa(i)), Version: o.Version, Envelopes: o.Envelopes, Flags: o.Flags})
		}
	}
	return s.Sign(a, discovery.FormAuto)
}

func checkDatagram(t *testing.T, datagram, packet []byte) {
	t.Helper()
	r, err := zlib.NewReader(bytes.NewReader(datagram))
	if err != nil {
		t.Fatalf("DISC-MC-02b: %v", err)
	}
	if again, err := io.ReadAll(r); err != nil || !bytes.Equal(again, packet) || datagram[0] != 0x78 || len(datagram) > 65507 {
		t.Errorf("DISC-MC-02b, 03b, 05a: the datagram of %d octets that begins with %x is not the packet (%v)", len(datagram), datagram[0], err)
	}
}

// packetForm is the grammar of a packet as it is sent (section 25 of the specification).
var packetForm = regexp.MustCompile(`\A[ -~]+\n\n-----BEGIN CERTIFICATE-----\n(?:[A-Za-z0-9+/=]{1,76}\n)+-----END CERTIFICATE-----\n\n(?:[A-Za-z0-9+/=]{1,76}\n)+\n\z`)

// dataForm says what in data is not as an announcer may write it.
func dataForm(data []byte) (wrong []string) {
	say := func(rules, what string) { wrong = append(wrong, rules+": "+what) }
	is := func(v any, form string) bool {
		n, ok := v.(json.Number)
		return ok && regexp.MustCompile(`\A(?:`+form+`)\z`).MatchString(n.String())
	}
	var e []any
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(&e); err != nil || len(e) != 9 {
		return []string{"DISC-JSN-01a: the data is no array of nine elements"}
	}
	if !is(e[0], "3") {
		say("DISC-JSN-02a", "element 0 is not 3")
	}
	if !is(e[3], "0|[1-9][0-9]*") || !is(e[4], "[1-9][0-9]*") {
		say("DISC-JSN-04f", "weight or interval is no plain integer")
	}
	if uri, _ := e[5].(string); !regexp.MustCompile(`\Abeepish\+tls://[0-9]+(?:\.[0-9]+){3}:[0-9]+\z`).MatchString(uri) {
		say("DISC-URI-01a", "the URI has another form")
	}
	list, _ := e[6].([]any)
	for i, member := range list {
		switch m := member.(type) {
		case string:
		case map[string]any:
			if i < len(list)-1 {
				say("DISC-V4-02c", "the extension is not the last member")
			}
			wrong = append(wrong, extensionForm(m)...)
		default:
			say("DISC-V4-02c", "element 6 has a member that is neither a string nor an extension")
		}
	}
	classes, ok := e[7].([]any)
	if !ok {
		say("DISC-JSN-05b", "element 7 is no array")
	}
	for _, class := range classes {
		record, _ := class.([]any)
		for i, entry := range record {
			if i == 0 {
				continue
			}
			members, _ := entry.([]any)
			if len(members) < 2 || len(members) > 3 || reflect.TypeOf(members[1]) != reflect.TypeOf("") || len(members) == 3 && !is(members[2], "[1-9][0-9]*") {
				say("DISC-ACT-04e, 05f", fmt.Sprintf("the entry %v is not name, flags and version", entry))
			}
		}
	}
	return wrong
}

// extensionForm says what in an extension is not as an announcer may write it.
func extensionForm(extension map[string]any) (wrong []string) {
	lengths := map[int]bool{}
	for key, value := range extension {
		if key == "vmaj" || key == "vmin" {
			continue
		}
		if !slices.Contains([]string{"acname", "acns", "acsec", "acenv", "acver", "acflag", "accompat"}, key) {
			wrong = append(wrong, "DISC-V4-03a: "+key+" is no key")
		}
		vector, _ := value.([]any)
		length := 0
		var last any
		for _, entry := range vector {
			n := 1
			if pair, ok := entry.([]any); ok {
				count, _ := pair[0].(json.Number).Int64()
				if n, entry = int(count), pair[1]; n < 2 {
					wrong = append(wrong, "DISC-V4-04b: a pair has a count below 2")
				}
			}
			if length > 0 && reflect.DeepEqual(entry, last) {
				wrong = append(wrong, "DISC-V4-04b: equal entries stand side by side in "+key)
			}
			length, last = length+n, entry
		}
		lengths[length] = true
	}
	if len(lengths) != 1 || lengths[0] || fmt.Sprintf("%v %v", extension["vmaj"], extension["vmin"]) != "4 0" {
		wrong = append(wrong, "DISC-V4-01d, 03a, 05c, 06d: the vectors are empty or of different lengths, or the version is not 4.0")
	}
	return wrong
}

package wire

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// grammar.rl states the grammar once more, as a state machine. It shares nothing
// with the Reader but the names of the types, so that an error in one of the two
// shows as a difference. It is written for Ragel 6.10:
//
//go:generate ragel -Z -T0 -o grammar_gen_test.go grammar.rl
//go:generate gofmt -w grammar_gen_test.go

// A verdict is what remains to be said of a stream when its packets have been
// read: it ends between packets, inside of one that can still become complete,
// or it is malformed.
type verdict string

const (
	clean     verdict = "clean"
	cutOff    verdict = "incomplete"
	malformed verdict = "malformed"
)

func byGrammar(in []byte) ([]Packet, verdict) {
	packets, taken, bad := readAll(in)
	switch {
	case bad:
		return packets, malformed
	case taken < len(in):
		return packets, cutOff
	}
	return packets, clean
}

func byReader(in []byte) ([]Packet, verdict) {
	packets, err := collect(bytes.NewReader(in))
	switch err {
	case io.EOF:
		return packets, clean
	case io.ErrUnexpectedEOF:
		return packets, cutOff
	}
	return packets, malformed
}

// agree fails the test unless Reader and grammar make the same of the input:
// packets and verdict.
func agree(t *testing.T, in []byte) verdict {
	t.Helper()
	got, said := byReader(in)
	want, shouldSay := byGrammar(in)
	if !samePackets(got, want) || said != shouldSay {
		t.Errorf("%.300q:\nthe Reader has %.300q, %s;\nthe grammar has %.300q, %s", in, texts(got), said, texts(want), shouldSay)
	}
	return said
}

// Reader and grammar agree on every beginning of every example, and so notice
// what is malformed at the same octet.
func TestGrammarOnExamples(t *testing.T) {
	for _, c := range ruleCases {
		if agree(t, []byte(c.in)) == malformed != (c.rule != "") {
			t.Errorf("%.100q is to break %q", c.in, c.rule)
		}
		agree(t, []byte(c.in+c.in))
		for n := range min(len(c.in), 200) {
			if agree(t, []byte(c.in[:n])) == malformed {
				t.Errorf("%.100q is malformed after %d octets already", c.in, n)
			}
		}
	}
}

// Both know the numbers that a line may have, around every limit.
func TestGrammarOfNumbers(t *testing.T) {
	const largest = "18446744073709551615"
	numbers := []string{"", "0", "00", "01", "131071", "131072", "131073", "131080", "131100", "132000", "140000", "200000", "1000000"}
	for i := range largest {
		for d := '0'; d <= '9'; d++ { // differs from the largest number in this digit, and then in all that follow
			numbers = append(numbers,
				largest[:i]+string(d)+largest[i+1:],
				largest[:i]+string(d)+strings.Repeat("0", len(largest)-i-1),
				largest[:i]+string(d)+strings.Repeat("9", len(largest)-i-1),
				largest[:i]+string(d))
		}
	}
	for n := range 200000 {
		if n < 1000 || n > 130000 && n < 132000 || n%997 == 0 {
			numbers = append(numbers, fmt.Sprint(n))
		}
	}
	var good int
	for _, number := range numbers {
		if agree(t, []byte("EOF "+number+" 0\r\nEND\r\n")) == clean {
			good++
		}
		agree(t, []byte("DATA 0 "+number+"\r\n"))
	}
	if good < len(numbers)/2 || good == len(numbers) {
		t.Errorf("%d of %d numbers are good", good, len(numbers))
	}
}

// Both make the same of streams with a few octets changed.
func TestGrammarOnDamagedStreams(t *testing.T) {
	const seed = 1
	random := rand.New(rand.NewPCG(seed, seed))
	var stream []byte
	for _, c := range partsAndOctets {
		stream = append(stream, c.octets...)
	}
	spice := []byte(" \t\r\n0123456789+-ENDATAOFHRXCKPIG\x00\xff")
	verdicts := map[verdict]int{}
	for range 20000 {
		from := random.IntN(len(stream))
		in := bytes.Clone(stream[:from+random.IntN(len(stream)-from)+1])
		for range random.IntN(3) {
			at, c := random.IntN(len(in)), spice[random.IntN(len(spice))]
			switch random.IntN(4) {
			case 0:
				in = append(in[:at], in[at+1:]...)
			case 1:
				in = append(in[:at+1], in[at:]...)
				in[at] = c
			case 2:
				in[at] = c
			case 3:
				in = append(in[:at], append(bytes.Repeat([]byte{c}, random.IntN(90)), in[at:]...)...)
			}
			if len(in) == 0 {
				break
			}
		}
		verdicts[agree(t, in)]++
		if t.Failed() {
			return
		}
	}
	for _, v := range []verdict{clean, cutOff, malformed} {
		if verdicts[v] < 100 {
			t.Errorf("only %d streams are %s", verdicts[v], v)
		}
	}
}

// The committed machine is the one that grammar.rl makes: the commands above,
// run elsewhere, make the same file.
func TestGrammarIsUpToDate(t *testing.T) {
	version, err := exec.Command("ragel", "--version").Output()
	if err != nil {
		t.Skip("the grammar cannot be generated here to be compared:", err)
	}
	if !bytes.Contains(version, []byte("version 6.10 ")) {
		t.Skipf("another Ragel may generate other code: %.60s", version)
	}
	dir := t.TempDir()
	content := func(name string) []byte {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	if err := os.WriteFile(filepath.Join(dir, "grammar.rl"), content("grammar.rl"), 0o666); err != nil {
		t.Fatal(err)
	}
	var ran int
	for line := range strings.Lines(string(content("grammar_test.go"))) {
		if command, ok := strings.CutPrefix(line, "//go:generate "); ok {
			words := strings.Fields(command)
			run := exec.Command(words[0], words[1:]...)
			run.Dir = dir
			if out, err := run.CombinedOutput(); err != nil {
				t.Fatalf("%s: %v\n%s", command, err, out)
			}
			ran++
		}
	}
	got, err := os.ReadFile(filepath.Join(dir, "grammar_gen_test.go"))
	if err != nil || ran == 0 {
		t.Fatalf("%d commands: %v", ran, err)
	}
	if !bytes.Equal(got, content("grammar_gen_test.go")) {
		t.Error("grammar_gen_test.go is not what grammar.rl makes: go generate ./scamp/wire")
	}
}

package wire

import (
	"bytes"
	"errors"
	"io"
)

// encode is the stream that these packets make.
func encode(packets ...Packet) (b []byte) {
	for _, p := range packets {
		b = Append(b, p)
	}
	return b
}

// collect reads packets until there is an error.
func collect(src io.Reader) (packets []Packet, err error) {
	r := NewReader(src)
	for {
		p, err := r.Read()
		if err != nil {
			return packets, err
		}
		packets = append(packets, p.Clone())
	}
}

// texts describes packets.
func texts(packets []Packet) (s []string) {
	for _, p := range packets {
		s = append(s, p.String())
	}
	return s
}

func samePackets(a, b []Packet) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Type != b[i].Type || a[i].Number != b[i].Number || !bytes.Equal(a[i].Body, b[i].Body) {
			return false
		}
	}
	return true
}

// ruleOf is the rule that err names, or what err says.
func ruleOf(err error) string {
	if syntax := new(SyntaxError); errors.As(err, &syntax) {
		return syntax.Rule
	}
	return err.Error()
}

// errSilence is what comes from a peer that has nothing more to say, so that a
// Reader which needs more octets for its verdict is found out.
var errSilence = errors.New("silence")

// thenSilence is a peer that says this and falls silent.
func thenSilence(said string) io.Reader {
	return io.MultiReader(bytes.NewReader([]byte(said)), silence{})
}

type silence struct{}

func (silence) Read([]byte) (int, error) { return 0, errSilence }

// pieces is a stream that comes in reads of these sizes, over and over.
type pieces struct {
	data  []byte
	sizes []int
	reads int
}

func (s *pieces) Read(b []byte) (int, error) {
	if len(s.data) == 0 {
		return 0, io.EOF
	}
	n := len(s.data)
	if len(s.sizes) > 0 {
		n = min(n, s.sizes[s.reads%len(s.sizes)])
	}
	s.reads++
	n = copy(b, s.data[:n])
	s.data = s.data[n:]
	return n, nil
}

// endless is the same octets again and again.
type endless struct {
	data []byte
	at   int
}

func (s *endless) Read(b []byte) (n int, err error) {
	for n < len(b) {
		k := copy(b[n:], s.data[s.at:])
		n, s.at = n+k, (s.at+k)%len(s.data)
	}
	return n, nil
}

package wire_test

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/gudtech/scamp-sim/scamp/wire"
)

// A message is written as packets into one buffer and read back from a stream.
func Example() {
	var b []byte
	b = wire.Append(b, wire.Packet{Type: wire.TypeHeader, Body: []byte(`{"action":"Greeting.say"}`)})
	b = wire.AppendPart(b, 0, wire.Data(`{"hello":"wörld"}`))
	b = wire.AppendPart(b, 0, wire.EOF{})
	fmt.Printf("%q\n", b)

	r := wire.NewReader(bytes.NewReader(b))
	for {
		p, err := r.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(p)
	}
	// Output:
	// "HEADER 0 25\r\n{\"action\":\"Greeting.say\"}END\r\nDATA 0 18\r\n{\"hello\":\"wörld\"}END\r\nEOF 0 0\r\nEND\r\n"
	// HEADER 0 25 "{\"action\":\"Greeting.say\"}"
	// DATA 0 18 "{\"hello\":\"wörld\"}"
	// EOF 0 0
}

// A reader takes packets from a stream, however it is cut.
func ExampleNewReader() {
	r := wire.NewReader(io.MultiReader(strings.NewReader("PING 7 0\r"), strings.NewReader("\nEND\r\n")))
	p, err := r.Read()
	fmt.Println(p, err)
	_, err = r.Read()
	fmt.Println(err)
	// Output:
	// PING 7 0 <nil>
	// EOF
}

// Malformed input is refused with the rule that it breaks.
func ExampleReader_Read() {
	_, err := wire.NewReader(bytes.NewReader([]byte("DATA 0 131073\r\n"))).Read()
	fmt.Println(err)
	// Output:
	// malformed packet "DATA 0 131073": the length is over 131072 (WIRE-FRAME-08d)
}

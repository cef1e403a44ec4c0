package conformance

import (
	"strings"
	"testing"
)

// Each verb and each form of what stands behind it is read and written back.
func TestParseKnowsEveryVerb(t *testing.T) {
	const src = `# Everything that the language has is tried here.
# A note.
rule: WIRE-FRAME-04a WIRE-FRAME-04b
role: server
needs: blob slow
profile: heartbeat
clock: virtual
acks: off
each: body = "a\r\n\t\"\\\x00é" | {"a":$echo} | [1,$count] | repeat("x", 3) + "y" | json("ü") | hex(ff fe) | $blob

# First the connections.
connect b  # one more
connect c plain
connect d tls
connect e tls 1.2 suite TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
connect f tls 1.3
close
reset
half-close
reading off
reading on
acks off
acks on

send HEADER 0 {"a":1}
send DATA next "x"
send TXERR $m "x"
send EOF 0
send ACK 0 5
send ACK 0 "5"
send ACK 0 $body
send ACK 0 $sent - $outstanding + half($outstanding)
send PING 0
send PING 1 "x"
send PONG 0
send DATA 0 {} line "DATA 0 #\n" trailer "end\r\n"
send EOF 0 trailer "x"
raw $body
raw upper($echo) + lower("A" + $body)
request 0 echo
request next "No.such.action" {} with {"version":2} without type, envelope in 0, 1, 16384 window 65536
open 0 count with {$name:1} without request_id
together {
  send EOF 0
  repeat 2 {
    request next echo {}
  }
}
split 7 {
  raw "x"
}
split 1 settle {
  raw "x"
}

expect HEADER 0
expect HEADER $m {"request_id":any,"type":/^re/,"x":absent}
expect DATA $m "x"
expect DATA $m 5 octets
expect DATA $m $sent octets
expect EOF 0
expect TXERR 0
expect TXERR 0 /never\/mind/
expect ACK 0 = 5
expect ACK 0 >= 5
expect ACK 0 > $sent
expect PONG 0
expect echo 1
expect echo "seven" header {"type":"reply"} before 2
expect reply none
expect reply 1.50 "x"
expect reply 1 json {"a":[1,string,nonempty,number,integer,array,object,true,null,-1.5e3,$v]} exact header {} exact
expect error $id {"error_code":nonempty}
expect abort 1 /x/ before 2
expect failure 1 within 1500ms after 1s
expect tls
expect tls {"established":true,"version":"1.3"}
no octets
expect close within 2m
no reply 1
no success 1
no failure none
no ACK 0
no ACK 0 > 5
no DATA 0
no EOF 0
no close
barrier
idle
quiet
anything
alive
stall $m
executed 1
wait 48h

on b barrier
on b {
  barrier
  # Nothing else.
}
either {
  expect close
} or dialect "something else" {
  idle
} or unsupported "no" {
  quiet
} or fail "bad" {
  executed 0
} or {
  stall 0
}
repeat $n {
  idle
}
until ended $m {
  send ACK $m $sent
}
`
	c, err := Parse("dir/everything.case", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	if c.Name != "everything" || c.Title != "Everything that the language has is tried here." || !c.Virtual || !c.AcksOff || len(c.Each.Texts) != 7 {
		t.Errorf("%+v", c)
	}
	if got := string(Format(c)); got != src {
		t.Errorf("it is written back in another way:\n%s", got)
	}
	checkFormat(t, c)
	written := map[string]bool{}
	for _, line := range strings.Split(src, "\n") {
		if f := strings.Fields(line); len(f) > 0 {
			written[f[0]] = true
		}
	}
	for _, v := range append(commonVerbs, serverVerbs...) {
		if !written[v] {
			t.Errorf("the verb %s is not tried here", v)
		}
	}
}

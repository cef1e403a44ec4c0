package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
)

// send plays a step that sends something.
func (pl *play) send(p *peer, do Action) *stop {
	pl.mu.Lock()
	p.sends++
	b := &builder{env: &pl.env, subject: pl.subject, next: p.nextOut}
	pl.mu.Unlock()
	switch do := do.(type) {
	case Request:
		if do.Window != nil {
			return pl.sendWindowed(p, b, do.Window, func() (uint64, []byte, []uint64, error) { return b.open(do) })
		}
	case Reply:
		if do.Window != nil {
			return pl.sendWindowed(p, b, do.Window, func() (uint64, []byte, []uint64, error) { return b.openReply(do) })
		}
	}
	if err := b.add(do); err != nil {
		return faulty(err)
	}
	switch do := do.(type) {
	case Together:
		return pl.say(p, bytes.Join(b.packets, nil), 0, false)
	case Split:
		size, err := EvalNumber(do.Size, &pl.env)
		if err != nil {
			return faulty(err)
		}
		return pl.say(p, bytes.Join(b.packets, nil), int(min(size, maxText)), do.Settle)
	}
	for _, octets := range b.packets {
		if end := pl.say(p, octets, 0, false); end != nil {
			return end
		}
	}
	return nil
}

// say sends octets in writes of the given size; with settle the subject has done all it can before the next one.
func (pl *play) say(p *peer, octets []byte, size int, settle bool) *stop {
	var err error
	if settle && pl.settle != nil {
		for piece := range slices.Chunk(octets, max(size, 1)) {
			if err = p.say(piece, 0); err != nil {
				break
			}
			pl.settle()
		}
	} else {
		err = p.say(octets, size)
	}
	if err != nil {
		return harmed("%v", err)
	}
	return nil
}

// sendWindowed sends a message, which open begins, and keeps at most so many of its octets unacknowledged.
func (pl *play) sendWindowed(p *peer, b *builder, w Number, open func() (uint64, []byte, []uint64, error)) *stop {
	window, err := EvalNumber(w, &pl.env)
	if err != nil {
		return faulty(err)
	}
	b.env.Next = b.next
	number, body, sizes, err := open()
	if err != nil {
		return faulty(err)
	}
	if end := pl.say(p, b.packets[0], 0, false); end != nil {
		return end
	}
	sent := uint64(0)
	for i := 0; len(body) > 0; i++ {
		size := sizes[min(i, len(sizes)-1)]
		for part := body[:min(size, uint64(len(body)))]; ; {
			room, end := pl.room(p, number, sent, window, uint64(len(part)))
			if end != nil {
				return end
			}
			n := min(room, uint64(len(part)))
			if end := pl.say(p, appendPacket(nil, packet{"DATA", number, part[:n]}, nil, nil), 0, false); end != nil {
				return end
			}
			sent += n
			body, part = body[n:], part[n:]
			if len(part) == 0 {
				break
			}
		}
	}
	return pl.say(p, appendPacket(nil, packet{"EOF", number, nil}, nil, nil), 0, false)
}

// room waits until a message may be sent on, and returns by how many octets. The end of the connection gives room: an
// expectation will tell.
func (pl *play) room(p *peer, number, sent, window, want uint64) (uint64, *stop) {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	o := p.own(number)
	outstanding := func() uint64 {
		if o == nil || len(o.acks) == 0 {
			return sent
		}
		return sent - min(sent, o.acks[len(o.acks)-1])
	}
	if !pl.awaitWith(newPatience(pl.opt.Timeout, p), func() bool { return p.unusable() != nil || want == 0 || outstanding() < window }) {
		return 0, harmed("nothing of message %d has been acknowledged for %v: of %d octets sent %d are outstanding, so that a sender with a window of %d stalls",
			number, pl.opt.Timeout, sent, outstanding(), window)
	}
	if p.unusable() != nil {
		return want, nil
	}
	return window - min(window, outstanding()), nil
}

// A builder makes the octets of steps that send.
type builder struct {
	env     *Env
	subject *Subject
	next    uint64 // number of the next HEADER
	packets [][]byte
}

// add makes what a step sends.
func (b *builder) add(do Action) error {
	b.env.Next = b.next
	switch do := do.(type) {
	case Raw:
		octets, err := EvalText(do.Octets, b.env)
		b.packets = append(b.packets, octets)
		return err
	case Send:
		return b.send(do)
	case Request:
		number, body, sizes, err := b.open(do)
		if err != nil || do.Open {
			return err
		}
		b.rest(number, body, sizes)
		return nil
	case Reply:
		number, body, sizes, err := b.openReply(do)
		if err != nil {
			return err
		}
		b.rest(number, body, sizes)
		return nil
	case Together:
		return b.steps(do.Steps)
	case Split:
		return b.steps(do.Steps)
	case Repeat:
		n, err := EvalNumber(do.Times, b.env)
		if err != nil {
			return err
		}
		for range min(n, maxRepeats) {
			if err := b.steps(do.Steps); err != nil {
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("%T does not send", do)
}

func (b *builder) steps(steps []Step) error {
	for _, s := range steps {
		if err := b.add(s.Do); err != nil {
			return err
		}
	}
	return nil
}

// rest makes what follows the HEADER of a message.
func (b *builder) rest(number uint64, body []byte, sizes []uint64) {
	for i := 0; len(body) > 0; i++ {
		n := min(sizes[min(i, len(sizes)-1)], uint64(len(body)))
		b.packet("DATA", number, body[:n])
		body = body[n:]
	}
	b.packet("EOF", number, nil)
}

func (b *builder) packet(kind string, number uint64, body []byte) {
	b.packets = append(b.packets, appendPacket(nil, packet{kind, number, body}, nil, nil))
}

func (b *builder) send(do Send) error {
	number, err := EvalNumber(do.Number, b.env)
	if err != nil {
		return err
	}
	p := packet{kind: do.Type, number: number}
	if do.Total != nil {
		total, err := EvalNumber(do.Total, b.env)
		if err != nil {
			return err
		}
		p.body = appendUint(total)
	} else if do.Body != nil {
		if p.body, err = EvalText(do.Body, b.env); err != nil {
			return err
		}
	}
	var line, trailer []byte
	if do.Line != nil {
		if line, err = EvalText(do.Line, b.env); err != nil {
			return err
		}
	}
	if do.Trailer != nil {
		if trailer, err = EvalText(do.Trailer, b.env); err != nil {
			return err
		}
	}
	b.packets = append(b.packets, appendPacket(nil, p, line, trailer))
	if p.kind == "HEADER" {
		b.next = number + 1
	}
	return nil
}

// open makes the HEADER of a request and returns what else there is to send.
func (b *builder) open(r Request) (number uint64, body []byte, sizes []uint64, err error) {
	if number, err = EvalNumber(r.Number, b.env); err != nil {
		return number, nil, nil, err
	}
	header, err := b.header(r, number)
	if err != nil {
		return number, nil, nil, err
	}
	return b.begin(number, header, r.Body, r.In)
}

// openReply is open for a reply. Its number is the next one.
func (b *builder) openReply(r Reply) (number uint64, body []byte, sizes []uint64, err error) {
	id, err := EvalValue(r.ID, b.env)
	if err != nil {
		return 0, nil, nil, err
	}
	members := []rawMember{{"type", json.RawMessage(`"reply"`)}}
	if id != nil {
		members = append(members, rawMember{"request_id", id})
	}
	header, err := b.changed(members, r.With, r.Without)
	if err != nil {
		return 0, nil, nil, err
	}
	return b.begin(b.next, header, r.Body, r.In)
}

// begin makes a HEADER and returns what else there is to send.
func (b *builder) begin(number uint64, header []byte, text Text, in []Number) (_ uint64, body []byte, sizes []uint64, err error) {
	body = []byte("{}")
	if text != nil {
		if body, err = EvalText(text, b.env); err != nil {
			return number, nil, nil, err
		}
	}
	for _, n := range in {
		size, err := EvalNumber(n, b.env)
		if err != nil {
			return number, nil, nil, err
		}
		sizes = append(sizes, size)
	}
	if sizes == nil {
		sizes = []uint64{chunkMax}
	}
	if sizes[len(sizes)-1] == 0 {
		return number, nil, nil, fmt.Errorf("the last size of in repeats and cannot be 0")
	}
	b.packet("HEADER", number, header)
	b.next = number + 1
	return number, body, sizes, nil
}

// A rawMember is a member of a header as it is written.
type rawMember struct {
	name  string
	value json.RawMessage
}

// header writes the header of a request.
func (b *builder) header(r Request, number uint64) ([]byte, error) {
	action, err := EvalText(r.Action, b.env)
	if err != nil {
		return nil, err
	}
	if r.Fixture {
		action = []byte(b.subject.action(string(action)))
	}
	members := []rawMember{
		{"type", json.RawMessage(`"request"`)}, {"action", quoteJSON(action)}, {"version", json.RawMessage("1")},
		{"envelope", json.RawMessage(`"json"`)}, {"request_id", appendUint(number + 1)},
	}
	return b.changed(members, r.With, r.Without)
}

// changed writes a header with the members that a step adds, replaces and leaves out.
func (b *builder) changed(members []rawMember, change Text, without []string) ([]byte, error) {
	if change != nil {
		with, err := EvalText(change, b.env)
		if err != nil {
			return nil, err
		}
		added, err := rawMembers(with)
		if err != nil {
			return nil, fmt.Errorf("with needs a JSON object: %w: %s", err, abbreviated(string(with)))
		}
		for _, m := range added {
			if i := slices.IndexFunc(members, func(o rawMember) bool { return o.name == m.name }); i >= 0 {
				members[i] = m
			} else {
				members = append(members, m)
			}
		}
	}
	members = slices.DeleteFunc(members, func(m rawMember) bool { return slices.Contains(without, m.name) })
	header := []byte{'{'}
	for i, m := range members {
		if i > 0 {
			header = append(header, ',')
		}
		header = append(append(header, quoteJSON([]byte(m.name))...), ':')
		header = append(header, m.value...)
	}
	return append(header, '}'), nil
}

// rawMembers reads an object and leaves its values as they are written.
func rawMembers(object []byte) (members []rawMember, err error) {
	d := json.NewDecoder(bytes.NewReader(object))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, fmt.Errorf("it does not begin with {")
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		m := rawMember{name: name.(string)}
		if err := d.Decode(&m.value); err != nil {
			return nil, err
		}
		members = append(members, m)
	}
	_, err = d.Token()
	return members, err
}

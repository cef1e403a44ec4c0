package conformance

import (
	"strings"
	"time"
)

// formatAction writes an action on one line, without the braces of a block.
func formatAction(do Action) string {
	switch do := do.(type) {
	case Connect:
		return "connect " + do.Name + formatBelow(do.Below)
	case Close:
		return string(do.How)
	case Reading:
		return "reading " + onOff(do.On)
	case Acks:
		return "acks " + onOff(do.On)
	case Send:
		return formatSend(do)
	case Raw:
		return "raw " + formatText(do.Octets)
	case Request:
		return formatRequest(do)
	case Together:
		return "together"
	case Split:
		if do.Settle {
			return "split " + formatNumber(do.Size) + " settle"
		}
		return "split " + formatNumber(do.Size)
	case On:
		return "on " + do.Conn
	case ExpectPacket:
		return formatPacket(do)
	case ExpectReply:
		return formatReply(do)
	case ExpectClose:
		return "expect close"
	case ExpectTLS:
		return formatTLS(do)
	case No:
		return formatNo(do)
	case Barrier:
		return "barrier"
	case Idle:
		return "idle"
	case Quiet:
		return "quiet"
	case Alive:
		return "alive"
	case Anything:
		return "anything"
	case Stall:
		return "stall " + formatNumber(do.Number)
	case Executed:
		return "executed " + formatNumber(do.Times)
	case Wait:
		return "wait " + formatDuration(do.For)
	case Either:
		return "either"
	case Repeat:
		return "repeat " + formatNumber(do.Times)
	case UntilEnded:
		return "until ended " + formatNumber(do.Number)
	}
	return formatClient(do)
}

func formatSend(s Send) string {
	words := []string{"send", s.Type, formatNumber(s.Number)}
	switch {
	case s.Total != nil:
		words = append(words, formatNumber(s.Total))
	case s.Body != nil:
		words = append(words, formatText(s.Body))
	}
	if s.Line != nil {
		words = append(words, "line", formatText(s.Line))
	}
	if s.Trailer != nil {
		words = append(words, "trailer", formatText(s.Trailer))
	}
	return strings.Join(words, " ")
}

func formatRequest(r Request) string {
	words := []string{"request", formatNumber(r.Number), formatName(r.Action, r.Fixture)}
	if r.Open {
		words[0] = "open"
	}
	return formatMessage(words, r.Body, r.With, r.Without, r.In, r.Window)
}

// formatName writes the name of an action.
func formatName(name Text, fixture bool) string {
	if short, ok := name.(Quoted); ok && fixture {
		return short.Octets
	}
	return formatText(name)
}

// formatMessage writes what stands behind the words that begin a request or a reply.
func formatMessage(words []string, body, with Text, without []string, in []Number, window Number) string {
	if body != nil {
		words = append(words, formatText(body))
	}
	if with != nil {
		words = append(words, "with", formatText(with))
	}
	if without != nil {
		words = append(words, "without", strings.Join(without, ", "))
	}
	if in != nil {
		sizes := make([]string, len(in))
		for i, n := range in {
			sizes[i] = formatNumber(n)
		}
		words = append(words, "in", strings.Join(sizes, ", "))
	}
	if window != nil {
		words = append(words, "window", formatNumber(window))
	}
	return strings.Join(words, " ")
}

func formatPacket(e ExpectPacket) string {
	words := []string{"expect", e.Type, formatNumber(e.Number)}
	switch {
	case e.Header != nil:
		words = append(words, formatPattern(e.Header))
	case e.Body != nil:
		words = append(words, formatText(e.Body))
	case e.Octets != nil:
		words = append(words, formatNumber(e.Octets), "octets")
	case e.Match != "":
		words = append(words, "/"+e.Match+"/")
	case e.Total != nil:
		words = append(words, e.Compare, formatNumber(e.Total))
	}
	return strings.Join(words, " ")
}

func formatReply(e ExpectReply) string {
	words := []string{"expect", string(e.Kind), formatValue(e.ID)}
	switch {
	case e.Body != nil:
		words = append(words, formatText(e.Body))
	case e.JSON != nil:
		words = append(words, "json", formatPattern(e.JSON))
	case e.Match != "":
		words = append(words, "/"+e.Match+"/")
	}
	if e.Header != nil {
		if e.Kind != ReplyError {
			words = append(words, "header")
		}
		words = append(words, formatPattern(e.Header))
	}
	if e.Before != nil {
		words = append(words, "before", formatValue(e.Before))
	}
	return strings.Join(words, " ")
}

func formatNo(n No) string {
	words := []string{"no", n.What}
	if n.Name != "" {
		words = append(words, n.Name)
	}
	if n.ID != nil {
		words = append(words, formatValue(n.ID))
	}
	if n.Number != nil {
		words = append(words, formatNumber(n.Number))
	}
	if n.Greater != nil {
		words = append(words, ">", formatNumber(n.Greater))
	}
	return strings.Join(words, " ")
}

// formatDuration writes a time in the largest unit of which it is a whole number.
func formatDuration(d time.Duration) string {
	for _, u := range units {
		if d%u.is == 0 {
			return formatUint(uint64(d/u.is)) + u.name
		}
	}
	return d.String()
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

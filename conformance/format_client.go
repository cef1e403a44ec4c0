package conformance

import "strings"

// formatClient writes an action of a client's case on one line.
func formatClient(do Action) string {
	switch do := do.(type) {
	case Announce:
		if do.With == nil {
			return "announce " + do.Instance
		}
		return "announce " + do.Instance + " " + formatText(do.With)
	case Withdraw:
		return "withdraw " + do.Instance
	case Authorize:
		return "authorize " + formatText(do.File)
	case Config:
		return "config " + do.Key + " " + formatText(do.Value)
	case Age:
		return "age " + do.File + " " + formatDuration(do.By)
	case Remove:
		return "remove " + do.File
	case Reload:
		return "reload"
	case Behave:
		return string(do.How) + " " + do.Instance
	case Accept:
		return formatAccept(do)
	case DoCall:
		return formatCall(do)
	case DoCancel:
		return "do cancel " + do.Name
	case DoClose:
		return "do close"
	case Reply:
		return formatMessage([]string{"reply", formatValue(do.ID)}, do.Body, do.With, do.Without, do.In, do.Window)
	case ExpectRequest:
		words := withBody([]string{"expect request", formatValue(do.ID)}, do.Body, do.JSON)
		if do.Header != nil {
			words = append(words, "header", formatPattern(do.Header))
		}
		return strings.Join(words, " ")
	case ExpectOutcome:
		words := withBody([]string{"expect result", do.Name}, do.Body, do.JSON)
		switch {
		case do.Either:
			words[0] = "expect outcome"
		case do.Failure:
			words[0] = "expect failure"
		}
		if do.Members != nil {
			words = append(words, formatPattern(do.Members))
		}
		return strings.Join(words, " ")
	case ExpectConnection:
		return "expect connection " + do.Instance
	case ExpectHello:
		return "expect hello"
	case Count:
		return do.What + " " + do.Instance + " " + do.Compare + " " + formatNumber(do.Total)
	}
	return ""
}

func withBody(words []string, body Text, json *Pattern) []string {
	if body != nil {
		words = append(words, formatText(body))
	}
	if json != nil {
		words = append(words, "json", formatPattern(json))
	}
	return words
}

func formatAccept(a Accept) string {
	words := []string{"accept", a.Instance}
	if a.As != "" {
		words = append(words, "as", a.As)
	}
	if a.Plain {
		words = append(words, "plain")
	}
	if a.Certificate != "" {
		words = append(words, "certificate", a.Certificate)
	}
	if a.TLS != "" {
		words = append(words, "tls", a.TLS)
	}
	return strings.Join(words, " ")
}

func formatCall(c DoCall) string {
	words := []string{"do call", c.Name, formatName(c.Action, c.Fixture)}
	if c.Body != nil {
		words = append(words, formatText(c.Body))
	}
	if c.Version != nil {
		words = append(words, "version", formatNumber(c.Version))
	}
	for _, w := range []struct {
		word string
		text Text
	}{{"envelope", c.Envelope}, {"sector", c.Sector}, {"ident", c.Ident}, {"ticket", c.Ticket}} {
		if w.text != nil {
			words = append(words, w.word, formatText(w.text))
		}
	}
	if c.Timeout != 0 {
		words = append(words, "timeout", formatDuration(c.Timeout))
	}
	return strings.Join(words, " ")
}

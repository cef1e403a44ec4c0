package conformance

// aroundClient notes what is there in every case of a client.
func (l *linter) aroundClient() {
	l.calls = map[string]bool{}
	for n := '1'; n <= '9'; n++ {
		l.vars["S"+string(n)+"_address"] = true
		l.vars["S"+string(n)+"_fingerprint"] = true
	}
	for _, need := range l.c.Needs {
		l.at(l.c.Lines["needs"], "a client needs no fixture action; take %s out of needs", need)
	}
}

// called demands that a call has been made.
func (l *linter) called(line int, name string) {
	if !l.calls[name] {
		l.at(line, "no call %s has been made; write do call %s before", name, name)
	}
}

// clientExpressions looks at the variables of a step of a client's case.
func (l *linter) clientExpressions(s *Step) {
	switch do := s.Do.(type) {
	case Announce:
		l.text(s.Line, do.With)
		l.plainRecord(s.Line, do)
	case Authorize:
		l.text(s.Line, do.File)
	case Config:
		if len(l.calls) > 0 {
			l.at(s.Line, "the configuration is read when the client starts, for the first call; move config before it")
		}
		l.text(s.Line, do.Value)
	case DoCall:
		l.calls[do.Name] = true
		l.number(s.Line, do.Version)
		l.text(s.Line, do.Action, do.Body, do.Envelope, do.Sector, do.Ident, do.Ticket)
	case DoCancel:
		l.called(s.Line, do.Name)
	case Reply:
		l.value(s.Line, do.ID)
		l.number(s.Line, do.Window)
		for _, n := range do.In {
			l.number(s.Line, n)
		}
		l.text(s.Line, do.Body, do.With)
	case ExpectRequest:
		if v, ok := do.ID.(Var); ok {
			l.vars[v.Name], l.used[v.Name] = true, true
		}
		l.text(s.Line, do.Body)
		l.pattern(do.JSON)
		l.pattern(do.Header)
	case ExpectOutcome:
		l.called(s.Line, do.Name)
		l.text(s.Line, do.Body)
		l.pattern(do.JSON)
		l.pattern(do.Members)
	case Count:
		l.number(s.Line, do.Total)
	}
}

// plainRecord looks at the members of a record that has no variables.
func (l *linter) plainRecord(line int, do Announce) {
	source, ok := do.With.(JSON)
	if !ok || variableName.MatchString(source.Source) {
		return
	}
	if _, err := parseRecord([]byte(source.Source)); err != nil {
		l.at(line, "%v", err)
	}
}

package conformance

import (
	"slices"
	"strings"
)

var commonVerbs = []string{
	"acks", "alive", "anything", "barrier", "close", "either", "expect", "half-close", "idle", "no",
	"on", "quiet", "raw", "reading", "repeat", "reset", "send", "split", "stall", "together", "until", "wait",
}

func isVerb(w string) bool {
	return slices.Contains(commonVerbs, w) || slices.Contains(serverVerbs, w) || slices.Contains(clientVerbs, w)
}

// verbs returns the verbs that may stand in the case, sorted.
func (l *cursor) verbs() []string {
	verbs := slices.Concat(commonVerbs, serverVerbs)
	if l.client {
		verbs = slices.Concat(commonVerbs, clientVerbs)
	}
	slices.Sort(verbs)
	return verbs
}

// block reads steps up to the line that closes their block, and returns that line; nil at the end of the file. Outer is
// the line that opened the block, nil for the case itself; above is a comment for its first step.
func (p *parser) block(outer *cursor, depth int, above []string) (steps []Step, end *cursor) {
	for p.next < len(p.lines) {
		l := p.line()
		if l.end() {
			above = addComment(above, l)
			continue
		}
		if l.peek() == '}' {
			l.take("}")
			end = l
			break
		}
		if p.steps++; p.steps > maxSteps {
			l.failAt(0, "a case has at most %d steps; use repeat, or make several cases of it", maxSteps)
			p.report(l)
			p.stop()
			break
		}
		s, ok := p.step(l, depth)
		if s.Above = trimComment(above, len(steps) == 0, false); ok {
			steps = append(steps, s)
		}
		above = nil
	}
	if above = trimComment(above, false, true); len(steps) > 0 {
		steps[len(steps)-1].Below = above
	}
	if end == nil && outer != nil && len(p.errs) < maxErrors && p.steps <= maxSteps {
		p.reportAt(outer.line, "the block that this line opens is not closed; put a line with } below its steps")
	}
	return steps, end
}

// step reads one instruction, with the blocks it has. It reports whether there was one.
func (p *parser) step(l *cursor, depth int) (s Step, ok bool) {
	s.Line = l.line
	before := len(p.errs)
	if l.keyword("on") {
		l.blanks()
		start := l.pos
		if s.On = l.name(); s.On == "" {
			l.fail("expected the name of a connection, found %s; write on NAME STEP or on NAME { … }", l.found())
		}
		switch {
		case l.peek() == '{':
			s.Do = On{s.On, p.body(l, depth)}
			s.On = ""
			s.Comment = l.comment
			return s, len(p.errs) == before
		case isVerb(s.On) && l.end():
			l.failAt(start, "on takes the name of a connection before the step: on NAME %s", s.On)
		case l.peekWord() == "on":
			l.fail("a step is on one connection; take one of the two away")
		}
	}
	l.blanks()
	start := l.pos
	verb := l.word()
	switch {
	case verb == "":
		l.fail("expected a verb, found %s; the verbs are %s", l.found(), list(l.verbs()))
	case verb == "or":
		l.failAt(start, `"or" stands behind the brace that closes the branch before it: } or {`)
	case strings.HasPrefix(l.src[l.pos:], ":") && slices.Contains(headerKeys, verb):
		l.failAt(start, "%q belongs to the header; header lines stand above the first blank line", verb+":")
	case !isVerb(verb):
		l.failAt(start, "%q is not a verb%s", verb, didYouMean(verb, l.verbs()))
	default:
		l.ownVerb(start, verb)
	}
	if l.err != nil && opensBlock(l.src) {
		p.body(l, depth) // so that its errors are seen and its brace does not close another block
	}
	if l.err == nil {
		s.Do = p.action(l, verb, depth)
	}
	p.report(l)
	s.Comment = l.comment
	if e, ok := s.Do.(expectation); ok {
		s.Do, s.Within, s.After = e.Action, e.within, e.after
	}
	return s, len(p.errs) == before
}

// action reads what stands behind a verb.
func (p *parser) action(l *cursor, verb string, depth int) (do Action) {
	switch verb {
	case "either":
		return p.either(l, depth)
	case "together":
		steps := p.body(l, depth)
		p.onlySends(steps, "together")
		return Together{steps}
	case "split":
		size := l.positive("a write has at least 1 octet")
		settle := l.keyword("settle")
		steps := p.body(l, depth)
		p.onlySends(steps, "split")
		return Split{size, settle, steps}
	case "repeat":
		l.blanks()
		start := l.pos
		times := l.number()
		if n, ok := times.(Literal); ok && n.N > maxRepeats {
			l.failAt(start, "a block is repeated at most %d times", maxRepeats)
		}
		return Repeat{times, p.body(l, depth)}
	case "until":
		const form = "until ended N { … }"
		if !l.keyword("ended") {
			l.fail("expected ended, found %s; write %s", l.found(), form)
		}
		n := l.number()
		return UntilEnded{n, p.body(l, depth)}
	}
	do = l.simple(verb)
	l.finish("a step ends with its line")
	return do
}

// simple reads what stands behind a verb that has no block.
func (l *cursor) simple(verb string) Action {
	switch verb {
	case "connect":
		return l.connect()
	case "close", "reset", "half-close":
		return Close{CloseHow(verb)}
	case "reading":
		return Reading{l.choice("off", "on") == "on"}
	case "acks":
		return Acks{l.choice("off", "on") == "on"}
	case "send":
		return l.send()
	case "raw":
		return Raw{l.text()}
	case "request", "open":
		return l.request(verb == "open")
	case "expect":
		return l.expectation()
	case "no":
		return l.no()
	case "barrier":
		return Barrier{}
	case "idle":
		return Idle{}
	case "quiet":
		return Quiet{}
	case "alive":
		return Alive{}
	case "anything":
		return Anything{}
	case "stall":
		return Stall{l.number()}
	case "executed":
		return Executed{l.number()}
	case "wait":
		return Wait{l.duration()}
	}
	return l.clientStep(verb)
}

// body takes { at the end of the line and the block below, up to a line with } alone.
func (p *parser) body(l *cursor, depth int) []Step {
	steps, end := p.branch(l, depth, nil)
	if end == nil {
		return steps
	}
	if end.keyword("or") {
		end.fail(`"or" belongs to either { … } or { … }; this brace closes another block`)
		p.report(end)
		if opensBlock(end.src) {
			p.body(end, depth)
		}
		return steps
	}
	p.closing(end, steps)
	return steps
}

// branch takes { at the end of the line and the block below; it returns the line that closes it.
func (p *parser) branch(l *cursor, depth int, above []string) (steps []Step, end *cursor) {
	l.expect("{", "a block with { at the end of its first line, a step in each line, and } on a line of its own")
	l.finish("the steps of a block begin on the next line")
	failed := l.err != nil
	if p.report(l); failed && !opensBlock(l.src) {
		return nil, nil
	}
	if depth++; depth > maxNesting {
		deep := &cursor{line: l.line}
		deep.fail("blocks are nested deeper than %d levels; make the case simpler", maxNesting)
		p.report(deep)
		p.stop()
		return nil, nil
	}
	before := len(p.errs)
	if l.hasComment && above != nil {
		above = addComment(above, l)
	}
	steps, end = p.block(l, depth, above)
	if len(steps) == 0 && end != nil && !failed && len(p.errs) == before {
		p.reportAt(l.line, "the block that this line opens has no steps; give it one, or take it away")
	}
	return steps, end
}

// closing demands that nothing but a comment stands behind } and keeps the comment.
func (p *parser) closing(end *cursor, steps []Step) {
	end.finish("} stands alone on its line, or before or in an either")
	if p.report(end); end.hasComment && len(steps) > 0 {
		last := &steps[len(steps)-1]
		last.Below = addComment(last.Below, end)
	}
}

// either reads the branches.
func (p *parser) either(l *cursor, depth int) Action {
	var e Either
	b := Branch{Line: l.line}
	var above []string // the comment behind "or {"
	first := l.line
	for {
		var end *cursor
		b.Steps, end = p.branch(l, depth, above)
		e.Branches = append(e.Branches, b)
		if end == nil {
			return e
		}
		if !end.keyword("or") {
			if p.closing(end, b.Steps); len(e.Branches) == 1 && len(p.errs) == 0 {
				p.reportAt(first, "an either has at least two branches: either { … } or { … }")
			}
			return e
		}
		l, above = end, []string{}
		b = Branch{Line: l.line}
		l.grade(&b)
	}
}

// grade takes what stands between or and {.
func (l *cursor) grade(b *Branch) {
	const form = `} or {, or: } or dialect "note" {`
	grades := []string{string(GradeDialect), string(GradeUnsupported), string(GradeFail)}
	l.blanks()
	start := l.pos
	if w := l.word(); slices.Contains(grades, w) {
		b.Grade = Grade(w)
	} else if w != "" {
		l.failAt(start, "%q is no kind of branch%s", w, didYouMean(w, grades))
	}
	if l.peek() != '"' {
		return
	}
	if b.Grade == GradeStrict {
		l.fail("a strict branch has no note; write %s", form)
	}
	b.Note = l.quoted()
}

// onlySends demands that a group of sends has nothing else in it.
func (p *parser) onlySends(steps []Step, group string) {
	for _, s := range steps {
		switch do := s.Do.(type) {
		case Send, Raw, Request, Reply:
			if s.On == "" {
				continue
			}
			p.reportAt(s.Line, "what stands in %s leaves on one connection; put on NAME before %s", group, group)
		case Repeat:
			p.onlySends(do.Steps, group)
		default:
			p.reportAt(s.Line, "only steps that send, and repeat, may stand in %s; move this step out of it", group)
		}
	}
}

// opensBlock reports whether a line, well-formed or not, ends in {.
func opensBlock(line string) bool {
	if i := strings.LastIndex(line, " #"); i >= 0 && strings.HasSuffix(strings.TrimRight(line[:i], " \t"), "{") {
		return true
	}
	return strings.HasSuffix(strings.TrimRight(line, " \t"), "{")
}

// addComment appends the comment of a line, or the blank line it is; blank lines in a row are one.
func addComment(comments []string, l *cursor) []string {
	if l.comment == "" && len(comments) > 0 && comments[len(comments)-1] == "" {
		return comments
	}
	return append(comments, l.comment)
}

// trimComment takes blank lines away at the beginning or at the end.
func trimComment(comments []string, begin, end bool) []string {
	for begin && len(comments) > 0 && comments[0] == "" {
		comments = comments[1:]
	}
	for end && len(comments) > 0 && comments[len(comments)-1] == "" {
		comments = comments[:len(comments)-1]
	}
	if len(comments) == 0 {
		return nil
	}
	return comments
}

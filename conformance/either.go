package conformance

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// either takes the first branch whose head is satisfied, when those before it cannot be any more.
func (pl *play) either(do Either) *stop {
	heads := make([]*condition, len(do.Branches))
	for i, b := range do.Branches {
		c, end := pl.condition(&b.Steps[0])
		if end != nil {
			return end
		}
		heads[i] = c
	}
	began := time.Now()
	patiences := make([]*patience, len(heads))
	pl.mu.Lock()
	for i, c := range heads {
		patiences[i] = c.patience()
	}
	pl.mu.Unlock()
	reasons := make([]*stop, len(heads))
	late := func(i int) bool { return patiences[i].tooLate(began) }
	for {
		i, end := pl.firstHead(heads, patiences, reasons, late)
		switch {
		case end != nil:
			return end
		case i < 0:
			return pl.noBranch(do, reasons)
		}
		c := heads[i]
		if c.act == nil {
			pl.mu.Lock()
			end = pl.taken(c, began)
			pl.mu.Unlock()
		} else if end = c.act(); end != nil && end.verdict == Errored {
			return end
		}
		if end != nil {
			reasons[i] = end
			continue
		}
		return pl.enter(&do.Branches[i])
	}
}

// firstHead waits until it is clear which head is to be taken, or tried where it acts, and returns its index; -1 is none.
func (pl *play) firstHead(heads []*condition, patiences []*patience, reasons []*stop, late func(int) bool) (int, *stop) {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	for {
		if pl.interrupted() {
			return -1, &stop{verdict: Errored, reason: "interrupted"}
		}
		left := time.Duration(-1)
		for i, c := range heads { // what has a time of its own may be met while another one is awaited
			if c.step.Within > 0 && c.act == nil && reasons[i] == nil && patiences[i].metAt.IsZero() {
				if st, _ := c.check(); st == met {
					patiences[i].metAt = time.Now()
				}
			}
		}
		for i, c := range heads {
			if reasons[i] != nil {
				continue
			}
			if c.act != nil {
				return i, nil
			}
			st, why := c.check()
			if st == met && late(i) {
				st, why = never, failed("it came later than %v", c.step.Within)
			}
			if st == met {
				return i, nil
			}
			if rest := patiences[i].left(); st == pending && rest > 0 {
				left = rest
				break
			}
			if st == pending {
				why = c.late()
			}
			reasons[i] = why
		}
		if left < 0 {
			return -1, nil
		}
		timer := time.AfterFunc(left, pl.wake)
		pl.change.Wait()
		timer.Stop()
	}
}

// enter plays the rest of a branch and lets its grade count.
func (pl *play) enter(b *Branch) *stop {
	switch b.Grade {
	case GradeFail:
		return &stop{verdict: Fail, line: b.Line, reason: b.Note, harm: true}
	case GradeUnsupported:
		return &stop{verdict: Unsupported, line: b.Line, reason: b.Note}
	case GradeDialect:
		pl.verdict = Dialect
		if !slices.Contains(pl.notes, b.Note) {
			pl.notes = append(pl.notes, b.Note)
		}
	}
	return pl.steps(b.Steps[1:])
}

// noBranch says why each branch could not be taken.
func (pl *play) noBranch(do Either, reasons []*stop) *stop {
	end := &stop{verdict: Fail}
	var why []string
	for i, r := range reasons {
		head := formatAction(do.Branches[i].Steps[0].Do)
		if line := fmt.Sprintf("%s: %s", head, r.reason); !slices.Contains(why, line) {
			why = append(why, line)
		}
		end.harm = end.harm || r.harm
		if r.verdict == Errored {
			return r
		}
	}
	end.reason = "none of the branches: " + strings.Join(why, "; ")
	return end
}

package conformance

import (
	"context"
	"fmt"
	"net"
	"runtime"
	"slices"
	"sync"
	"time"
)

// Options say how cases are played. The zero value is ready for use.
type Options struct {
	// Jobs is how many cases run at a time; 0 is one per processor in virtual time, and 24 otherwise.
	Jobs int
	// Timeout is how long a reply, an acknowledgement or a close is awaited: T_reply and T_close, 5 s.
	Timeout time.Duration
	// Quiet is T_quiet, 0.5 s: how long silence lasts where a rule's Test demands it.
	Quiet time.Duration
	// Force plays the cases even where Check says that the subject cannot be tested: none of them can pass then.
	Force bool
	// Progress is called when a case has ended, from one goroutine at a time, with the number of those that have.
	Progress func(done, all int, name string, v Verdict)
}

func (o *Options) fill() {
	if o.Timeout <= 0 {
		o.Timeout = 5 * time.Second
	}
	if o.Quiet <= 0 {
		o.Quiet = 500 * time.Millisecond
	}
}

// Run plays cases against the subject and judges every packet. Cases of other roles than the subject's are left out. It checks
// the subject first, unless that has been done.
// The error is an ErrNoTest where nothing could be tested; what is wrong with the subject is in the report.
func Run(ctx context.Context, s *Subject, cases []*Case, opt Options) (*Report, error) {
	opt.fill()
	if opt.Jobs <= 0 {
		opt.Jobs = 24
		if s.virtual() {
			opt.Jobs = runtime.GOMAXPROCS(0)
		}
	}
	r := &runner{ctx: ctx, subject: s, opt: &opt, left: map[*Case]int{}}
	if s.fixtures == nil {
		if err := s.Check(ctx, opt); err != nil && !opt.Force {
			return nil, err
		}
		r.hopeless = s.fixtures == nil
	}
	began := time.Now()
	cases = Playing(cases, s.Role())
	r.plan(cases)
	r.playAll()
	rep := r.report(cases)
	rep.Took = time.Since(began)
	return rep, ctx.Err()
}

// A runner plays the cases of one run.
type runner struct {
	ctx     context.Context
	subject *Subject
	opt     *Options
	jobs    []*job
	// hopeless: Check has failed. Nothing is excused then.
	hopeless bool

	mu      sync.Mutex
	left    map[*Case]int // jobs of a case that have not ended
	done    int           // cases
	deaths  []span        // when the subject did not serve
	dead    bool          // it did not come back
	died    []string      // cases in which it did
	crossed bool          // a connection was sent what belongs to another
}

// A job is one run of a case.
type job struct {
	c       *Case
	variant int // index in Each
	result  Result
	found   []finding // breaches of rules that are judged on every packet
	packets bool      // some came
	lost    bool      // a connection, unexpectedly
	when    span
}

// A span is a stretch of time.
type span struct{ from, to time.Time }

func (s span) overlaps(o span) bool { return s.from.Before(o.to) && o.from.Before(s.to) }

// Playing returns the cases in which the subject plays a role.
func Playing(cases []*Case, role string) []*Case {
	return slices.DeleteFunc(slices.Clone(cases), func(c *Case) bool { return c.Role != role })
}

// plan makes the jobs.
func (r *runner) plan(cases []*Case) {
	for _, c := range cases {
		n := 1
		if c.Each != nil {
			n = len(c.Each.Texts)
		}
		r.left[c] = n
		for i := range n {
			r.jobs = append(r.jobs, &job{c: c, variant: i})
		}
	}
}

// playAll plays the jobs, several at a time; those that use count one after another. Jobs that others may have disturbed
// are played again alone, so that nothing is blamed on the wrong case.
func (r *runner) playAll() {
	var free, counting []*job
	for _, j := range r.jobs {
		if !r.subject.virtual() && slices.Contains(j.c.Needs, "count") {
			counting = append(counting, j)
		} else {
			free = append(free, j)
		}
	}
	lane := func(jobs <-chan *job) {
		for j := range jobs {
			r.playOne(j)
		}
	}
	var wg sync.WaitGroup
	queue, line := filled(free), filled(counting)
	for range max(1, r.opt.Jobs) - 1 {
		wg.Go(func() { lane(queue) })
	}
	wg.Go(func() { lane(line); lane(queue) })
	wg.Wait()
	if !r.subject.virtual() {
		r.playDisturbed()
	}
}

// filled returns a channel with the jobs in it.
func filled(jobs []*job) <-chan *job {
	ch := make(chan *job, len(jobs))
	for _, j := range jobs {
		ch <- j
	}
	close(ch)
	return ch
}

// playOne plays a job among others.
func (r *runner) playOne(j *job) {
	r.mu.Lock()
	dead := r.dead
	r.mu.Unlock()
	if dead {
		j.result = Result{Verdict: Errored, Failures: []Failure{{Case: j.c.Name, Reason: "not tried: the subject has died"}}}
	} else {
		r.play(j)
		if j.result.Verdict == Fail && !r.subject.virtual() {
			r.revive(j)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.left[j.c]--
	if r.left[j.c] > 0 {
		return
	}
	r.done++
	if r.opt.Progress != nil {
		r.opt.Progress(r.done, len(r.left), j.c.Name, r.merge(j.c).Verdict)
	}
}

// revive looks whether the subject serves, and waits for it to be restarted if it does not.
func (r *runner) revive(j *job) {
	r.mu.Lock()
	crossed := r.crossed
	r.mu.Unlock()
	serves := func() bool {
		return r.subject.greet(func() (net.Conn, error) { return r.subject.connect(r.ctx, r.opt.Timeout) }, r.opt) == nil
	}
	if crossed || serves() {
		return
	}
	back := false
	for deadline := time.Now().Add(2 * r.opt.Timeout); !back && time.Now().Before(deadline) && r.ctx.Err() == nil; {
		pause(r.ctx, r.opt.Quiet/5)
		back = serves()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.deaths = append(r.deaths, span{j.when.from, time.Now()})
	r.dead = r.dead || !back && !r.crossed
}

// pause lets real time pass.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// playDisturbed plays those jobs again, one after another, that did not pass while the subject died or mixed up its
// connections, or because a connection was lost: the subject may have died and come back before anybody looked.
func (r *runner) playDisturbed() {
	var again []*job
	for _, j := range r.jobs {
		during := slices.ContainsFunc(r.deaths, j.when.overlaps) || j.lost && r.opt.Jobs > 1
		if (during || r.crossed) && !j.undisturbed() {
			again = append(again, j)
		}
	}
	for _, j := range again {
		if r.dead {
			if len(again) > 1 {
				j.result.Verdict = Errored
				j.result.Failures = []Failure{{Case: j.c.Name, Reason: fmt.Sprintf(
					"the subject died while this and %d other cases ran, and did not come back; run with --jobs 1, or let it be restarted when it ends", len(again)-1)}}
			}
			continue
		}
		deaths := len(r.deaths)
		r.play(j)
		if j.result.Verdict != Fail {
			continue
		}
		r.revive(j)
		if len(r.deaths) > deaths {
			r.died = append(r.died, j.c.Name)
			for i := range j.result.Failures {
				j.result.Failures[i].Reason += "; the subject stopped serving"
			}
		}
	}
}

// undisturbed reports whether nothing was found that others might have caused.
func (j *job) undisturbed() bool {
	return (j.result.Verdict == Pass || j.result.Verdict == Unsupported) &&
		!slices.ContainsFunc(j.found, func(f finding) bool { return f.grade == GradeFail })
}

// play plays a job and fills in its result.
func (r *runner) play(j *job) {
	c := j.c
	if reason := r.subject.lacks(c); reason != "" && !r.hopeless {
		j.result = Result{Verdict: Unsupported, Notes: []string{reason}}
		return
	}
	pl := newPlay(c, r.subject, r.opt)
	pl.token = fmt.Sprintf("%s/%d", c.Name, j.variant)
	var variant string
	if c.Each != nil {
		text, err := EvalText(c.Each.Texts[j.variant], &pl.env)
		if err != nil {
			j.result = Result{Verdict: Errored, Failures: []Failure{{Case: c.Name, Line: c.Each.Line, Reason: err.Error()}}}
			return
		}
		pl.env.Vars[c.Each.Name] = text
		variant = fmt.Sprintf("%s = %s", c.Each.Name, abbreviated(formatText(c.Each.Texts[j.variant])))
	}
	var end *stop
	var took time.Duration
	left := r.subject.way(c).host(r.ctx, r.opt, func(dial func() (net.Conn, error), settle func()) {
		pl.dial, pl.settle, pl.start = dial, settle, time.Now()
		pl.prepareTLS()
		if r.subject.client != nil {
			pl.world = newWorld(pl, r.subject.client)
		}
		if settle == nil {
			pl.ctx = r.ctx
		}
		end = pl.run()
		took = time.Since(pl.start)
	})
	if left != nil && end == nil {
		end = harmed("the subject cannot be left in order: %v", left)
	}
	j.result = pl.result(end, variant, r.hopeless)
	j.result.Took = took
	j.when = span{pl.start, time.Now()}
	j.found, j.packets = pl.findings(variant)
	j.lost = pl.lost
	if pl.crossed {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.crossed = true
	}
}

// lacks says what a case needs that the subject does not have; "" is nothing.
func (s *Subject) lacks(c *Case) string {
	for _, need := range c.Needs {
		if !s.fixtures[need] {
			return fmt.Sprintf("the subject does not offer %s", s.action(need))
		}
	}
	for _, profile := range c.Profiles {
		if profile != "core" && !slices.Contains(s.Profiles, profile) && !s.shows(profile) {
			return fmt.Sprintf("the subject does not declare the profile %s", profile)
		}
	}
	if c.aboutTLS() && !s.overTLS() {
		return "it is about TLS, and the subject is reached without"
	}
	if c.Virtual && !s.virtual() {
		return "it waits for the times of the specification, which takes virtual time"
	}
	return ""
}

package collectors

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// job is a Job and what is known of its current run. Only Live's goroutine
// touches it.
type job struct {
	Job
	source snapshot.Source
	place  int           // among the polls
	offset time.Duration // its moment in a round
	seen   int           // number of the question that last had it in the answer
	gone   bool          // nobody wants it any more: it is closed once it is idle

	queued    bool      // it is to be started in this round
	owed      bool      // this round waits for its answer
	startAt   time.Time // when it may be started
	started   time.Time // zero while idle
	cancel    context.CancelFunc
	downSince time.Time // first of the failures in a row; zero: it works
	retryAt   time.Time // a failing job waits until then
	restUntil time.Time // a working one has nothing new until then
}

func (l *Live) newJob(j Job) *job {
	j.Every = max(j.Every, 1)
	if j.Timeout <= 0 {
		j.Timeout = l.interval * 4 / 5
	}
	return &job{Job: j, source: j.Collector.Source()}
}

// Watch adds jobs that come and go. At the start of each round, jobs is asked
// for all of them; it must answer at once, with collectors that can be compared,
// such as pointers. Jobs are told apart by the names of their sources: of two
// with one name the first counts. One that is no longer there is cancelled, and
// closed when it is idle if it has a Close method; under its name another may
// begin in the meantime. Call Watch before Next.
func (l *Live) Watch(jobs func() []Job) {
	l.watch = jobs
	l.watched = map[safe.Text]*job{}
}

// follow brings the watched jobs up to date.
func (l *Live) follow(now time.Time) {
	if l.watch == nil {
		return
	}
	number := l.round + 1
	changed, seen := false, 0
	for _, w := range l.watch() {
		name := w.Collector.Source().Name
		j := l.watched[name]
		if j != nil && j.seen == number || l.isFixed(name) {
			continue
		}
		if j == nil || j.Collector != w.Collector {
			j.leave()
			j = l.newJob(w)
			l.watched[name] = j
			changed = true
		}
		j.seen = number
		seen++
	}
	if seen < len(l.watched) {
		l.drop(number, now)
		changed = true
	}
	if changed {
		l.arrange()
	}
}

func (l *Live) isFixed(name safe.Text) bool {
	return slices.ContainsFunc(l.jobs[:l.fixed], func(j *job) bool { return j.source.Name == name })
}

// drop lets go of the watched jobs that were not in the answer, and says so.
func (l *Live) drop(number int, now time.Time) {
	for name, j := range l.watched {
		if j.seen != number {
			j.leave()
			delete(l.watched, name)
			l.polls = append(l.polls, result{job: j, answer: answer{poll: snapshot.Poll{Source: j.source, Started: now, Gone: true}}})
		}
	}
}

// arrange puts the jobs in order, the fixed ones as they were given and the
// others by name, and gives each its moment.
func (l *Live) arrange() {
	l.jobs = l.jobs[:l.fixed:l.fixed]
	for _, j := range l.watched {
		l.jobs = append(l.jobs, j)
	}
	slices.SortFunc(l.jobs[l.fixed:], func(a, b *job) int {
		return cmp.Compare(a.source.Name.Raw(), b.source.Name.Raw())
	})
	spread := time.Duration(0)
	if len(l.jobs) > crowd {
		spread = min(l.interval/2, maxSpread)
	}
	for i, j := range l.jobs {
		j.place = i
		j.offset = moment(j.source.Name, spread)
	}
}

// maxSpread bounds how much later than the round's begin a job may start:
// people wait for the answer.
const maxSpread = 2 * time.Second

// moment is the place of a name within spread. It comes from the name alone, so
// that it stays when others come and go. Prometheus spreads its targets the same
// way: scrape/target.go, Target.offset.
func moment(name safe.Text, spread time.Duration) time.Duration {
	if spread <= 0 {
		return 0
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(name.Raw())) // a hash takes everything
	return time.Duration(mix(h.Sum64()) % uint64(spread))
}

// mix spreads similar numbers: the names of targets differ in a digit or two.
// Source: the finalizer of MurmurHash3.
func mix(x uint64) uint64 {
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

// leave ends a job that is no longer wanted; nil: there is none.
func (j *job) leave() {
	if j == nil {
		return
	}
	j.gone, j.owed = true, false
	if j.started.IsZero() {
		j.close()
		return
	}
	j.cancel()
}

func (j *job) close() {
	if c, ok := j.Collector.(interface{ Close() }); ok {
		c.Close()
	}
}

// start runs j once, in a goroutine of its own that answers into box.
func (j *job) start(ctx context.Context, now time.Time, box *inbox) {
	j.queued, j.started = false, now
	ctx, cancel := context.WithTimeout(ctx, j.Timeout)
	j.cancel = cancel
	go func() {
		defer cancel()
		box.put(result{job: j, answer: once(ctx, j.Collector, now)})
	}()
}

// result is what one run of a job gave.
type result struct {
	job *job
	answer
}

type answer struct {
	poll    snapshot.Poll
	reading snapshot.Reading
	rest    time.Duration // nothing new comes sooner; of a Pacer
}

// once runs c a single time; a panic becomes that run's failure.
func once(ctx context.Context, c Collector, started time.Time) (a answer) {
	a.poll = snapshot.Poll{Source: c.Source(), Started: started}
	defer func() {
		if p := recover(); p != nil {
			a.reading = nil
			a.poll.Failure = snapshot.Fail(snapshot.Internal, fmt.Sprintf("panic: %v", p), "this is a fault in apitop: please report it")
		}
		a.poll.Took = time.Since(started)
	}()
	reading, err := c.Collect(ctx)
	a.reading, a.poll.Failure = reading, snapshot.FailureOf(err)
	if reading != nil {
		a.poll.Facts = reading.Facts()
	}
	if p, ok := c.(Pacer); ok {
		a.rest = p.Rest()
	}
	if n, ok := c.(Noter); ok {
		a.poll.Notes = n.Notes()
	}
	return a
}

// inbox takes the answers of any number of jobs. Nobody who answers is ever
// held up, even when nobody reads any more.
type inbox struct {
	mu      sync.Mutex // guards answers: every running job puts into it
	answers []result
	bell    chan struct{} // rings when there is something to take
}

func newInbox() *inbox { return &inbox{bell: make(chan struct{}, 1)} }

func (b *inbox) put(r result) {
	b.mu.Lock()
	b.answers = append(b.answers, r)
	b.mu.Unlock()
	select {
	case b.bell <- struct{}{}:
	default: // it rings already
	}
}

// take empties the inbox.
func (b *inbox) take() []result {
	b.mu.Lock()
	defer b.mu.Unlock()
	came := b.answers
	b.answers = nil
	return came
}

// maxPause is the longest time between two attempts on a failing source.
const maxPause = 30 * time.Second

// pause is how long to leave a source alone that has been down for so long: a
// fifth of that time, so that its return is noticed soon after a short outage
// and a target that stays down is not hammered; from one interval to maxPause,
// give or take a tenth, so that many monitors do not come at once.
func pause(down, interval time.Duration) time.Duration {
	d := min(max(down/5, interval), max(maxPause, interval))
	return d + time.Duration((rand.Float64()-0.5)*0.2*float64(d)) - interval/10
}

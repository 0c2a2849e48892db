package collectors

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"apitop/collectors/snapshot"
)

// Live polls its jobs in rounds and gives a snapshot for each; it is a
// [snapshot.Stream]. Use it from one goroutine: Next owns all state, so there
// is no lock.
type Live struct {
	interval time.Duration
	jobs     []job
	results  chan result // room for every job, so that no answer ever blocks
	round    int
	next     time.Time // when the next round is due
	seq      uint64    // snapshots given
	polls    []result  // of the snapshot so far
}

// job is a Job and what is known of its current run.
type job struct {
	Job
	started   time.Time // zero while idle
	downSince time.Time // first of the failures in a row; zero: it works
	retryAt   time.Time // a failing job waits until then
}

// result is what one run of a job gave.
type result struct {
	job     int
	poll    snapshot.Poll
	reading snapshot.Reading
}

// New makes a Live that runs jobs each interval; an interval of 0 or less
// counts as one second.
func New(interval time.Duration, jobs ...Job) *Live {
	if interval <= 0 {
		interval = time.Second
	}
	l := &Live{interval: interval, results: make(chan result, len(jobs))}
	for _, j := range jobs {
		j.Every = max(j.Every, 1)
		if j.Timeout <= 0 {
			j.Timeout = interval * 4 / 5
		}
		l.jobs = append(l.jobs, job{Job: j})
	}
	return l
}

// Next implements [snapshot.Stream]. The first round starts at once. It returns
// when this round's jobs have answered or 80 % of the interval is over; who
// still owes an answer then is pending, and its answer comes in a later round.
// The first round is shorter, and what comes late of it is given at once, so
// that one slow source does not keep the others from being seen.
func (l *Live) Next(ctx context.Context) (snapshot.Snapshot, error) {
	if s, ok, err := l.early(ctx); ok || err != nil {
		return s, err
	}
	if err := l.wait(ctx); err != nil {
		return snapshot.Snapshot{}, err
	}
	s := l.open()
	for l.takeLate(&s) {
	}
	waiting := l.startDue(ctx, s.At)
	grace := time.NewTimer(l.grace())
	defer grace.Stop()
	l.round++
	for waiting > 0 {
		select {
		case r := <-l.results:
			if !l.jobs[r.job].started.Before(s.At) {
				waiting-- // of this round, not a late one
			}
			l.take(&s, r)
		case <-grace.C:
			waiting = 0
		case <-ctx.Done():
			return snapshot.Snapshot{}, ctx.Err()
		}
	}
	l.seal(&s)
	return s, nil
}

// firstGrace is how long the first round waits: people wait for it.
const firstGrace = 100 * time.Millisecond

// grace is how long a round waits for its jobs.
func (l *Live) grace() time.Duration {
	if l.round == 0 {
		return min(firstGrace, l.interval*4/5)
	}
	return l.interval * 4 / 5
}

// early waits for a late answer of the first round and gives it, until the
// second round is due; ok is false when there is none to wait for.
func (l *Live) early(ctx context.Context) (s snapshot.Snapshot, ok bool, err error) {
	owing := slices.ContainsFunc(l.jobs, func(j job) bool { return !j.started.IsZero() })
	if l.round != 1 || !owing {
		return s, false, nil
	}
	due := time.NewTimer(time.Until(l.next))
	defer due.Stop()
	select {
	case r := <-l.results:
		s = l.open()
		l.take(&s, r)
		for l.takeLate(&s) {
		}
		l.seal(&s)
		return s, true, nil
	case <-due.C:
		return s, false, nil
	case <-ctx.Done():
		return s, false, ctx.Err()
	}
}

// open begins a snapshot, and seal ends it.
func (l *Live) open() snapshot.Snapshot {
	l.polls = nil
	l.seq++
	return snapshot.Snapshot{Seq: l.seq - 1, At: time.Now()}
}

func (l *Live) seal(s *snapshot.Snapshot) {
	l.noteUnanswered()
	s.Polls = l.inOrder()
}

// wait sleeps until the next round is due. A round that comes late is not made
// up for: the rhythm starts anew, as a burst would measure nothing.
func (l *Live) wait(ctx context.Context) error {
	now := time.Now()
	if d := l.next.Sub(now); d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	} else if err := ctx.Err(); err != nil {
		return err
	} else if now.Sub(l.next) > l.interval {
		l.next = now
	}
	l.next = l.next.Add(l.interval)
	return nil
}

// takeLate takes one answer that came between the rounds.
func (l *Live) takeLate(s *snapshot.Snapshot) bool {
	select {
	case r := <-l.results:
		l.take(s, r)
		return true
	default:
		return false
	}
}

// startDue starts the idle jobs whose turn it is and returns how many.
func (l *Live) startDue(ctx context.Context, now time.Time) int {
	started := 0
	for i := range l.jobs {
		j := &l.jobs[i]
		if !j.started.IsZero() || !l.due(j, now) {
			continue
		}
		j.started = now
		started++
		go func() { l.results <- once(ctx, i, j.Job, now) }()
	}
	return started
}

// due tells whether it is an idle job's turn. A failing one waits out its pause
// and then comes at once, whatever its place in the rounds.
func (l *Live) due(j *job, now time.Time) bool {
	if !j.downSince.IsZero() {
		return !now.Before(j.retryAt)
	}
	return l.round%j.Every == 0
}

// take marks the job idle and adds what it gave to the snapshot.
func (l *Live) take(s *snapshot.Snapshot, r result) {
	j := &l.jobs[r.job]
	j.started = time.Time{}
	if r.poll.Failure == nil {
		j.downSince = time.Time{}
	} else {
		if j.downSince.IsZero() {
			j.downSince = s.At
		}
		j.retryAt = s.At.Add(pause(s.At.Sub(j.downSince), l.interval))
		r.poll.RetryAt = j.retryAt
	}
	l.polls = append(l.polls, r)
	s.AddTo(r.reading)
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

// noteUnanswered adds a poll for each job that still runs.
func (l *Live) noteUnanswered() {
	for i := range l.jobs {
		if j := &l.jobs[i]; !j.started.IsZero() {
			l.polls = append(l.polls, result{job: i, poll: snapshot.Poll{
				Source:  j.Collector.Source(),
				Started: j.started,
				Took:    time.Since(j.started),
				Pending: true,
			}})
		}
	}
}

// inOrder is the round's polls in the order of the jobs, whoever answered first:
// what is shown of them must not depend on chance.
func (l *Live) inOrder() []snapshot.Poll {
	slices.SortStableFunc(l.polls, func(a, b result) int { return cmp.Compare(a.job, b.job) })
	polls := make([]snapshot.Poll, len(l.polls))
	for i, r := range l.polls {
		polls[i] = r.poll
	}
	return polls
}

// once runs j a single time; a panic becomes that run's failure.
func once(ctx context.Context, i int, j Job, started time.Time) (r result) {
	ctx, cancel := context.WithTimeout(ctx, j.Timeout)
	defer cancel()
	r = result{job: i, poll: snapshot.Poll{Source: j.Collector.Source(), Started: started}}
	defer func() {
		if p := recover(); p != nil {
			r.reading = nil
			r.poll.Failure = snapshot.Fail(snapshot.Internal, fmt.Sprintf("panic: %v", p), "this is a fault in apitop: please report it")
		}
		r.poll.Took = time.Since(started)
	}()
	reading, err := j.Collector.Collect(ctx)
	r.reading, r.poll.Failure = reading, snapshot.FailureOf(err)
	if reading != nil {
		r.poll.Facts = reading.Facts()
	}
	if n, ok := j.Collector.(Noter); ok {
		r.poll.Notes = n.Notes()
	}
	return r
}

package collectors

import (
	"cmp"
	"context"
	"slices"
	"time"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// Live polls its jobs in rounds and gives a snapshot for each; it is a
// [snapshot.Stream]. Use it from one goroutine: Next owns all state, so there
// is no lock.
//
// More than a handful of jobs do not all start with the round: each has its own
// moment in the first half of it, the same in every round, and only so many
// start at the same instant. A burst of a hundred answers would be a load of its
// own, on both sides, and each answer would wait for the others: of a hundred
// pages of 2,000 samples on two cores, half came within 3 ms with moments, and
// within 190 ms without.
type Live struct {
	interval time.Duration
	watch    func() []Job // gives the jobs that come and go; nil: there are none
	fixed    int          // jobs that were there from the beginning come first
	jobs     []*job       // in the order of their polls
	watched  map[safe.Text]*job
	answers  *inbox
	queue    []*job // of this round, still to be started, the next one first
	busy     []*job // started a moment ago, the oldest first
	waiting  int    // answers that this round is still to bring, started or not
	round    int
	next     time.Time // when the next round is due
	seq      uint64    // snapshots given
	polls    []result  // of the snapshot so far
}

// New makes a Live that runs jobs each interval; an interval of 0 or less
// counts as one second.
func New(interval time.Duration, jobs ...Job) *Live {
	if interval <= 0 {
		interval = time.Second
	}
	l := &Live{interval: interval, fixed: len(jobs), answers: newInbox()}
	for _, j := range jobs {
		l.jobs = append(l.jobs, l.newJob(j))
	}
	l.arrange()
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
	l.takeAll(&s, l.answers.take())
	l.begin(s.At)
	err := l.gather(ctx, &s, s.At.Add(l.grace()))
	if err != nil {
		return snapshot.Snapshot{}, err
	}
	l.round++
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
// second round is due; ok is false when there is none to wait for. Where many
// are late, they come in groups.
func (l *Live) early(ctx context.Context) (s snapshot.Snapshot, ok bool, err error) {
	if l.round != 1 || l.waiting == 0 {
		return s, false, nil
	}
	came, err := l.await(ctx, l.next)
	if len(came) == 0 {
		return s, false, err
	}
	s = l.open()
	l.takeAll(&s, came)
	if l.waiting > crowd {
		group := s.At.Add(firstGrace)
		if l.next.Before(group) {
			group = l.next
		}
		if err := l.gather(ctx, &s, group); err != nil {
			return s, false, err
		}
	}
	l.seal(&s)
	return s, true, nil
}

// open begins a snapshot, and seal ends it.
func (l *Live) open() snapshot.Snapshot {
	l.polls = nil
	l.seq++
	return snapshot.Snapshot{Seq: l.seq - 1, At: time.Now()}
}

func (l *Live) seal(s *snapshot.Snapshot) {
	l.noteUnanswered(s.At)
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

// begin asks which jobs there are and queues the idle ones whose turn it is.
func (l *Live) begin(now time.Time) {
	l.follow(now)
	l.queue = l.queue[:0:0]
	for _, j := range l.jobs {
		missed := j.queued // the last round ended before it was started
		j.queued, j.owed = false, false
		if !j.started.IsZero() || (!missed && !l.due(j, now)) {
			continue
		}
		j.startAt = now
		if !missed && l.round > 0 {
			j.startAt = now.Add(j.offset)
		}
		j.queued, j.owed = true, true
		l.queue = append(l.queue, j)
	}
	l.waiting = len(l.queue)
	slices.SortStableFunc(l.queue, func(a, b *job) int { return a.startAt.Compare(b.startAt) })
}

// due tells whether it is an idle job's turn. A failing one waits out its pause
// and then comes at once, whatever its place in the rounds.
func (l *Live) due(j *job, now time.Time) bool {
	if !j.downSince.IsZero() {
		return !now.Before(j.retryAt)
	}
	early := l.interval / 20 // rounds are never quite on time
	return l.round%j.Every == 0 && !now.Add(early).Before(j.restUntil)
}

// gather runs this round's jobs and takes what arrives, until there is nothing
// to wait for or the time has come.
func (l *Live) gather(ctx context.Context, s *snapshot.Snapshot, until time.Time) error {
	for l.waiting > 0 {
		came, err := l.await(ctx, until)
		if len(came) == 0 {
			return err
		}
		l.takeAll(s, came)
	}
	return nil
}

// await starts jobs as their moments come, until some have answered. It gives
// nothing when the time has come or ctx ends.
func (l *Live) await(ctx context.Context, until time.Time) ([]result, error) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		now := time.Now()
		if !now.Before(until) {
			return nil, nil
		}
		wake := until
		if at, ok := l.pump(ctx, now); ok && at.Before(until) {
			wake = at
		}
		timer.Reset(wake.Sub(now))
		select {
		case <-l.answers.bell:
			if came := l.answers.take(); len(came) > 0 {
				return came, nil
			}
		case <-timer.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// How many jobs make a crowd, in which each has its own moment, and how many may
// start together. The second number is about connections: a thousand opened at
// the same instant overflow what listens. A job that has not answered after a
// twentieth of a round no longer counts, so that those who hang do not hold up
// the others.
const (
	crowd  = 16
	atOnce = 32
)

// hold is how long a running job counts as just started.
func (l *Live) hold() time.Duration { return min(l.interval/20, 250*time.Millisecond) }

// pump starts the queued jobs whose moment has come, and says when to look
// again; ok is false when none is left.
func (l *Live) pump(ctx context.Context, now time.Time) (again time.Time, ok bool) {
	l.busy = slices.DeleteFunc(l.busy, func(j *job) bool {
		return j.started.IsZero() || now.Sub(j.started) >= l.hold()
	})
	for len(l.queue) > 0 {
		j := l.queue[0]
		if j.startAt.After(now) {
			return j.startAt, true
		}
		if len(l.busy) >= atOnce {
			return l.busy[0].started.Add(l.hold()), true
		}
		l.queue = l.queue[1:]
		l.busy = append(l.busy, j)
		j.start(ctx, now, l.answers)
	}
	return time.Time{}, false
}

func (l *Live) takeAll(s *snapshot.Snapshot, came []result) {
	for _, r := range came {
		l.take(s, r)
	}
}

// take marks the job idle and adds what it gave to the snapshot. Of a job that
// is gone, nothing is wanted any more.
func (l *Live) take(s *snapshot.Snapshot, r result) {
	j := r.job
	j.started = time.Time{}
	if j.owed {
		j.owed = false
		l.waiting--
	}
	if j.gone {
		j.close()
		return
	}
	j.restUntil = r.poll.Started.Add(r.rest)
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

// noteUnanswered adds a poll for each job that still runs or waits for its turn.
func (l *Live) noteUnanswered(now time.Time) {
	for _, j := range l.jobs {
		p := snapshot.Poll{Source: j.source, Started: j.started, Pending: true}
		switch {
		case !j.started.IsZero():
			p.Took = time.Since(j.started)
		case j.queued:
			p.Started = now
		default:
			continue
		}
		l.polls = append(l.polls, result{job: j, answer: answer{poll: p}})
	}
}

// inOrder is the round's polls in the order of the jobs, whoever answered first:
// what is shown of them must not depend on chance.
func (l *Live) inOrder() []snapshot.Poll {
	slices.SortStableFunc(l.polls, func(a, b result) int { return cmp.Compare(a.job.place, b.job.place) })
	polls := make([]snapshot.Poll, len(l.polls))
	for i, r := range l.polls {
		polls[i] = r.poll
	}
	return polls
}

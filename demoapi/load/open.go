package load

import (
	"context"
	"math/rand/v2"
	"time"
)

// arrivalStream keeps the random gaps apart from the random requests, so that
// the kind of arrivals does not change what is asked.
const arrivalStream = 1

// runOpen sends on schedule until its end, and waits for the last answers. It
// says when the schedule ended, or that ctx ended before.
func (r *Runner) runOpen(ctx context.Context) (end time.Duration, interrupted bool) {
	if r.spec.Warmup > 0 {
		r.setPhase(Warmup)
	} else {
		r.measure(0)
	}
	if end = r.length; !r.pace(ctx) {
		end, interrupted = r.clock(), true
	}
	r.setPhase(Drain)
	close(r.jobs)
	r.workers.Wait()
	return end, interrupted
}

// pacer is the state of the one goroutine that watches the schedule.
type pacer struct {
	*Runner
	ctx   context.Context
	plan  schedule
	alarm alarm
}

// pace sends every request at its time; false: ctx ended before the schedule.
func (r *Runner) pace(ctx context.Context) bool {
	p := pacer{Runner: r, ctx: ctx, plan: r.plan, alarm: r.newAlarm()}
	defer p.alarm.close()
	p.ringer.Store(&p.alarm)
	defer p.ringer.Store(nil)
	defer context.AfterFunc(ctx, p.alarm.ring)()
	coming := arrivals{kind: r.spec.Arrivals, rng: rand.New(rand.NewPCG(r.spec.Seed, arrivalStream))}
	for {
		due, more, ok := p.await(coming.next())
		if !ok {
			return false
		}
		if !more {
			return true
		}
		if !p.send(due) {
			return false
		}
	}
}

// await sleeps until request number n is due. more is false when none is due
// before the end, ok is false when ctx has ended.
func (p *pacer) await(n float64) (due time.Duration, more, ok bool) {
	for {
		select {
		case rps := <-p.changes:
			p.change(rps)
		default:
		}
		due, more = p.plan.due(n)
		until := due
		if !more {
			until = p.plan.length()
		}
		wait := until - p.clock()
		switch {
		case p.ctx.Err() != nil:
			return 0, false, false
		case !more && until == 0:
			wait = -1 // without end, only a change or ctx goes on
		case wait <= 0:
			return due, more, true
		}
		p.alarm.wait(wait)
	}
}

// change makes the rest of the schedule steady.
func (p *pacer) change(rps float64) {
	p.plan = p.plan.changed(p.clock(), rps)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.Runner.plan = p.plan
}

// send hands the request that was due to a worker; false: ctx has ended.
func (p *pacer) send(due time.Duration) bool {
	j := job{due: due, measured: due >= p.spec.Warmup}
	if j.measured {
		p.measure(due)
	}
	now := p.clock()
	if now-due > maxBehind {
		p.tally.unsent(j.measured, false)
		return true
	}
	next, ok := p.planner.next(p.start.Add(now), p.plan.rate(due))
	if !ok {
		p.tally.unsent(j.measured, true)
		return true
	}
	j.plan = next
	return p.hand(j)
}

// hand gives a job to an idle worker, or else to a new one, or else waits for
// one, or drops it. False: ctx has ended.
func (p *pacer) hand(j job) bool {
	var patience *time.Timer
	for {
		select {
		case p.jobs <- j:
			return true
		default:
		}
		if p.places.Load() < int64(p.spec.MaxInFlight) {
			p.places.Add(1)
			p.workers.Go(func() { p.work(p.ctx, j) })
			return true
		}
		if p.spec.Drop {
			p.giveUp(j)
			return true
		}
		if patience == nil {
			j.waited = true
			patience = time.NewTimer(maxBehind - (p.clock() - j.due))
			defer patience.Stop()
		}
		select {
		case p.jobs <- j:
			return true
		case <-p.left: // there is a place for a new worker
		case <-patience.C:
			p.giveUp(j)
			return true
		case <-p.ctx.Done():
			return false
		}
	}
}

// giveUp undoes what was planned for a job that is not sent.
func (p *pacer) giveUp(j job) {
	if j.login {
		j.who.loggingIn.Store(false)
	}
	p.tally.unsent(j.measured, false)
}

// idleAfter is how long a worker without a job keeps its place and connection:
// after a stall there are many more than are needed.
const idleAfter = 5 * time.Second

// work sends jobs one after another until there are no more.
func (r *Runner) work(ctx context.Context, first job) {
	w := r.newWorker(ctx)
	defer w.close()
	defer r.leave()
	r.send(w, first)
	idle := time.NewTimer(idleAfter)
	defer idle.Stop()
	for {
		select {
		case j, more := <-r.jobs:
			if !more {
				return
			}
			r.send(w, j)
			idle.Reset(idleAfter)
		case <-idle.C:
			return
		}
	}
}

// leave gives a worker's place free, and says so.
func (r *Runner) leave() {
	r.places.Add(-1)
	select {
	case r.left <- struct{}{}:
	default: // somebody has already said so
	}
}

// send sends a job and counts it.
func (r *Runner) send(w *worker, j job) {
	r.inFlight.Add(1)
	defer r.inFlight.Add(-1)
	j.begun = r.clock()
	r.tally.begun(&j, r.length)
	o := w.do(j)
	r.tally.ended(&o)
}

package load

import (
	"context"
	"math"
	"sync"
	"time"
)

// runClosed lets every user send one request after another. It says when they
// were through, or that ctx ended before.
func (r *Runner) runClosed(ctx context.Context) (end time.Duration, interrupted bool) {
	r.measure(0)
	parts := [][]*route{nil}
	if r.scenario.Sequential {
		parts = parts[:0]
		for _, c := range r.planner.all.routes {
			parts = append(parts, []*route{c})
		}
	}
	for _, part := range parts {
		began := r.clock()
		r.users(ctx, part)
		end = r.clock()
		if part != nil {
			r.course = append(r.course, r.courseResult(part[0], end-began))
		}
		if ctx.Err() != nil {
			return end, true
		}
	}
	return end, false
}

// users sends with all users at once, all of only if it is set.
func (r *Runner) users(ctx context.Context, only []*route) {
	var planning sync.Mutex
	var all sync.WaitGroup
	for user := range r.spec.Closed.Users {
		all.Go(func() {
			w := r.newWorker(ctx)
			defer w.close()
			who := r.planner.crowd.member(user)
			for range r.spec.Closed.Requests {
				planning.Lock()
				next, wait := r.planner.forUser(who, only)
				planning.Unlock()
				if !pause(ctx, wait) {
					return
				}
				j := job{plan: next, due: r.clock(), measured: true}
				r.send(w, j)
			}
		})
	}
	all.Wait()
}

// member is the caller that a user of a closed loop is: tiers by their shares.
func (c *crowd) member(user int) *caller {
	last := len(c.upTo) - 1
	// The multiples of the golden ratio fill any interval evenly, so that also a
	// few users are spread over the tiers as the shares say.
	u := math.Mod(float64(user)*math.Phi+0.5, 1) * c.upTo[last]
	tier := 0
	for tier < last && u >= c.upTo[tier] {
		tier++
	}
	return c.callers[tier][user%len(c.callers[tier])]
}

// forUser is what a user of a closed loop asks next, and how long it waits
// before it because it was told to.
func (p *planner) forUser(who *caller, only []*route) (plan, time.Duration) {
	now := time.Now()
	var wait time.Duration
	if p.obey {
		wait = time.Unix(0, who.heldUntil.Load()).Sub(now)
	}
	if only != nil {
		return p.plan(only[0], who), wait
	}
	return p.ask(who, now), wait
}

// pause waits; false: ctx has ended.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// courseResult is the benchmark's result of one endpoint, which just ended.
func (r *Runner) courseResult(c *route, took time.Duration) CourseResult {
	r.tally.mu.Lock()
	defer r.tally.mu.Unlock()
	row := &r.tally.routes[c.index]
	result := CourseResult{
		Endpoint: c.name, Total: row.requests, Seconds: places(took.Seconds()),
		Errors: row.clientErrors + row.errors + row.throttled,
		Status: statusText(row.status), Kinds: cloned(row.kinds),
	}
	if took > 0 {
		result.RPS = places(float64(row.requests) / took.Seconds())
	}
	if row.requests > 0 {
		result.Rate = places(100 * float64(result.Errors) / float64(row.requests))
	}
	if row.good == nil {
		result.Error = "No successful requests"
		return result
	}
	h := row.good.service.hist
	result.Avg, result.Min, result.Max = millis(h.Mean()), millis(float64(h.Min())), millis(float64(h.Max()))
	if p := row.good.service.quantile(0.95); p != nil {
		result.P95 = millis(*p * 1e6)
	}
	return result
}

// places rounds to the two places of the course notes.
func places(v float64) float64 { return math.Round(v*100) / 100 }

func millis(us float64) *float64 { return new(places(us / 1000)) }

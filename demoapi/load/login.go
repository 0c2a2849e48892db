package load

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// Bounds of the logins before a run. Who has no token after them logs in as a
// request of the load.
const (
	loginsAtOnce = 8
	loginTries   = 3
	loginTime    = 30 * time.Second
	loginPause   = 250 * time.Millisecond // before the second try; before the third twice that
)

// logIn gets the tokens of all users.
func (r *Runner) logIn(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, loginTime)
	defer cancel()
	plans := make(chan plan)
	var all sync.WaitGroup
	for range loginsAtOnce {
		all.Go(func() {
			w := r.newWorker(ctx)
			defer w.close()
			for p := range plans {
				r.countLogin(r.tryLogin(ctx, w, p))
			}
		})
	}
	r.planLogins(ctx, plans)
	close(plans)
	all.Wait()
}

func (r *Runner) planLogins(ctx context.Context, plans chan<- plan) {
	for _, group := range r.planner.crowd.callers {
		for _, who := range group {
			if who.user == "" || !who.mayLogIn(time.Now()) {
				continue
			}
			select {
			case plans <- r.planner.logIn(who):
			case <-ctx.Done():
				who.loggingIn.Store(false)
				return
			}
		}
	}
}

// tryLogin says whether the caller has a token in the end. A refusal is final,
// anything else is tried again.
func (r *Runner) tryLogin(ctx context.Context, w *worker, p plan) bool {
	for try := range loginTries {
		if !pause(ctx, time.Duration(try)*loginPause) {
			return false
		}
		now := r.clock()
		o := w.do(job{plan: p, due: now, begun: now})
		r.tally.loggedIn(&o)
		if p.who.token.Load() != nil {
			return true
		}
		if o.status >= http.StatusBadRequest && o.status < http.StatusInternalServerError {
			return false
		}
	}
	return false
}

func (r *Runner) countLogin(ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if ok {
		r.logins.OK++
	} else {
		r.logins.Failed++
	}
}

// loggedIn counts a login before the run against the limits, which know no
// difference.
func (t *tally) loggedIn(o *outcome) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if o.status > 0 {
		t.limits.record(o)
	}
}

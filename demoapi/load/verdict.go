package load

import (
	"fmt"
	"time"
)

// Limits of a valid run.
const (
	mostLag     = 0.1                  // of the response time at the same percentile
	leastSent   = 0.99                 // of what was due, in time
	timerResult = 2 * time.Millisecond // a lag up to this is what timers of an idle machine have
)

// facts are what a verdict needs.
type facts struct {
	lag, response *Latency
	due, inTime   uint64 // requests that were due, and begun within the time
	limit         int    // requests in flight at most
	counts        *Report
}

// judge says whether the generator itself limited the run, and in sentences what
// to know about the figures.
func judge(f facts) (limited bool, notes []string) {
	notes = []string{}
	if q, lag, response, slow := f.lagging(); slow {
		limited = true
		notes = append(notes, fmt.Sprintf("generator-limited: at p%v requests began %v late, over %.0f %% of the response time %v",
			q*100, round(lag), mostLag*100, round(response)))
	}
	if f.due > 0 && float64(f.inTime) < leastSent*float64(f.due) {
		limited = true
		notes = append(notes, fmt.Sprintf("generator-limited: %d of the %d requests due were sent in time, under %.0f %%", f.inTime, f.due, leastSent*100))
	}
	return limited, append(notes, f.remarks()...)
}

// lagging compares the lag with the response time at the highest percentile that
// both have enough samples for.
func (f facts) lagging() (q float64, lag, response time.Duration, slow bool) {
	for _, q := range []float64{0.99, 0.95, 0.5} {
		l, enough := f.lag.Quantile(q)
		r, also := f.response.Quantile(q)
		if enough && also {
			lag, response = duration(l), duration(r)
			return q, lag, response, lag > timerResult && float64(lag) > mostLag*float64(response)
		}
	}
	return 0, 0, 0, false
}

func (f facts) remarks() (notes []string) {
	note := func(n uint64, format string, args ...any) {
		if n > 0 {
			notes = append(notes, fmt.Sprintf(format, args...))
		}
	}
	c := f.counts
	note(c.Dropped, "%d requests were not sent: %d were under way, or the run was over %v behind", c.Dropped, f.limit, maxBehind)
	note(c.Late, "%d requests began late; their response times hold the wait", c.Late)
	note(c.Held, "%d requests were not sent: their callers had been told to wait", c.Held)
	note(c.Throttled, "%d requests were refused by a limiter (429); no latency holds them", c.Throttled)
	note(c.Response.Over, "%d answers took over 60 s and count as 60 s", c.Response.Over)
	if c.Interrupted {
		note(1, "interrupted: the figures are of the time so far")
	}
	if c.OK == 0 {
		note(1, "no request was successful, so there are no response times")
	}
	return notes
}

func duration(seconds float64) time.Duration { return time.Duration(seconds * float64(time.Second)) }

// round leaves three digits or so.
func round(d time.Duration) time.Duration {
	switch {
	case d >= time.Second:
		return d.Round(10 * time.Millisecond)
	case d >= 10*time.Millisecond:
		return d.Round(100 * time.Microsecond)
	}
	return d.Round(10 * time.Microsecond)
}

package load

import "time"

// alarm wakes the pacer. It is used by one goroutine, except for ring.
type alarm interface {
	// wait returns after d, or when ring was called since the last time that wait
	// returned, or earlier still; the caller looks at the clock again. A negative d
	// stands for no end.
	wait(d time.Duration)
	ring()
	close()
}

// timerAlarm is an alarm made of a timer. The runtime's timers have a resolution
// of about a millisecond.
type timerAlarm struct {
	timer *time.Timer
	bell  chan struct{}
}

func newTimerAlarm() *timerAlarm {
	a := &timerAlarm{timer: time.NewTimer(time.Hour), bell: make(chan struct{}, 1)}
	a.timer.Stop()
	return a
}

func (a *timerAlarm) wait(d time.Duration) {
	if d >= 0 {
		a.timer.Reset(d)
		defer a.timer.Stop()
	}
	select {
	case <-a.timer.C:
	case <-a.bell:
	}
}

func (a *timerAlarm) ring() {
	select {
	case a.bell <- struct{}{}:
	default: // it rings already
	}
}

func (a *timerAlarm) close() { a.timer.Stop() }

// newAlarm is the most precise alarm there is. A run in the test's own process
// has the other: it may take place in a time that is not the system's.
func (r *Runner) newAlarm() alarm {
	if r.spec.Transport == nil {
		if fine, err := newFineAlarm(); err == nil {
			return fine
		}
	}
	return newTimerAlarm()
}

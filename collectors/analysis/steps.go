package analysis

import "time"

// steps is when a source was read: the clock of its windows.
type steps struct {
	window  time.Duration
	apart   time.Duration // least time between two steps in the ring, but for the newest
	times   []time.Time   // ring: when each step was read, by the source's clock
	numbers []int         // ring: which step each is, from 1
	head    int           // ring place of the newest step
	filled  int           // steps in the ring
	step    int           // number of the newest step
	start   int           // what base says; worked out once a step, as it is asked for each key
}

// maxSlots bounds the memory of a long window of short intervals: then only some
// of its steps are in the ring.
const maxSlots = 130

func newSteps(opt Options) steps {
	slots := 2 + int(opt.Window/max(opt.Interval, time.Millisecond))
	s := steps{window: opt.Window, head: -1}
	if slots > maxSlots {
		slots, s.apart = maxSlots, (opt.Window+opt.Window/20)/(maxSlots-2)
	}
	s.times, s.numbers = make([]time.Time, slots), make([]int, slots)
	return s
}

// open begins a step read at the time at; a zero time is unknown.
func (s *steps) open(at time.Time) {
	if s.filled > 0 {
		if last := s.times[s.head]; jumped(at.Sub(last), at.Round(0).Sub(last.Round(0))) {
			s.filled = 0 // start a new window
		}
	}
	if s.filled < 2 || s.times[s.head].Sub(s.times[s.slot(1)]) >= s.apart {
		s.head = (s.head + 1) % len(s.times)
		s.filled = min(s.filled+1, len(s.times))
	} // else it takes the place of the newest
	s.step++
	s.times[s.head], s.numbers[s.head] = at, s.step
	s.start = 0
	if s.filled > 1 {
		s.start = max(1, s.within(at))
	}
}

// jumped tells whether the monotonic and the wall clock disagree on the time
// between two steps: the machine was suspended, or its clock was set. A rate
// over either would be wrong.
func jumped(mono, wall time.Duration) bool { return (mono - wall).Abs() > time.Second }

// base is how many steps back the window starts: the oldest step not older than
// the window, and at least the step before the newest, however old. 0 means
// that there is no baseline.
func (s *steps) base() int { return s.start }

// within is how many steps back the oldest one is that lies in the window that
// ends at now; -1 when none does.
func (s *steps) within(now time.Time) int {
	for i := range s.filled {
		if now.Sub(s.times[s.slot(i)]) > s.window+s.window/20 {
			return i - 1
		}
	}
	return s.filled - 1
}

// number is which step the one so many back is.
func (s *steps) number(back int) int { return s.numbers[s.slot(back)] }

// slot is the ring place of the step so many back.
func (s *steps) slot(back int) int { return (s.head - back + len(s.times)) % len(s.times) }

// elapsed is the length of the window in seconds by the source's clock; unknown
// without a baseline, and for readings without a time.
func (s *steps) elapsed() Value { return s.length(s.base()) }

// length is the time in seconds from the step so many back to the newest.
func (s *steps) length(back int) Value {
	if back == 0 {
		return Value{}
	}
	return s.until(back, s.times[s.head])
}

// until is the time in seconds from the step so many back to now.
func (s *steps) until(back int, now time.Time) Value {
	then := s.times[s.slot(back)]
	if then.IsZero() || now.IsZero() {
		return Value{}
	}
	d := now.Sub(then).Seconds()
	return Value{V: d, OK: d > 0}
}

// readBefore is when the newest step before the time at was read; zero without
// one.
func (s *steps) readBefore(at time.Time) time.Time {
	for i := range s.filled {
		if then := s.times[s.slot(i)]; then.Before(at) {
			return then
		}
	}
	return time.Time{}
}

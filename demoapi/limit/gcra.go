package limit

// state is that of one quota by [GCRA], the values of gcra.lua in Go. Zero: unused.
type state struct {
	at0   int64 // when ahead was true, unix microseconds
	ahead int64 // from at0 to the time at which the quota is unused, microseconds
	quota Quota // what ahead was counted by
}

// pace is how far a request moves the state: window / limit in microseconds,
// rounded up so that no more than the limit fits into a window.
func (q Quota) pace() int64 {
	window, limit := q.Window.Microseconds(), int64(q.Limit)
	return (window + limit - 1) / limit
}

// at is the state at now. A state that is not one yet is that of q.
func (s state) at(now int64, q Quota) state {
	if s.quota == (Quota{}) {
		s.quota = q
	}
	s.ahead = max(0, s.at0+s.ahead-now)
	// As in gcra.lua: a clock that was set back.
	if s.ahead > 2*int64(max(q.Limit, s.quota.Limit))*s.quota.pace() {
		s.ahead = 0
	}
	s.at0 = now
	return s
}

// used is the number of requests that count.
func (s state) used() int64 {
	pace := s.quota.pace()
	return (s.ahead + pace - 1) / pace
}

func (s state) full(q Quota) bool { return s.used() >= int64(q.Limit) }

// take counts one more request, by q from now on: what is used stays used.
func (s state) take(q Quota) state {
	if was, is := s.quota.pace(), q.pace(); was != is {
		s.ahead = scale(s.ahead, is, was)
	}
	s.ahead += q.pace()
	s.quota = q
	return s
}

// scale is n * by / of, rounded up as gcra.lua does, in floating point: the
// product may not fit 64 bits.
func scale(n, by, of int64) int64 {
	f := float64(n) * float64(by) / float64(of)
	whole := int64(f)
	if f > float64(whole) {
		whole++
	}
	return whole
}

func (s state) spent(q Quota) spent {
	used := s.used()
	if used == 0 {
		return spent{wait: q.Window.Microseconds()}
	}
	return spent{used: used, wait: s.ahead - (min(used, int64(q.Limit))-1)*s.quota.pace()}
}

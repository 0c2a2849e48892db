package limittest

import (
	"testing"
	"time"

	"apitop/demoapi/limit"
)

// of is r in another class.
func of(class limit.Class, r limit.Request) limit.Request {
	r.Class = class
	return r
}

func testOverall(t *testing.T, s Subject) {
	r := both(10, 15)
	for range 10 {
		if res := allow(t, s, of(limit.Orders, r)); !res.Allowed || res.Policy != limit.ByClass {
			t.Fatalf("within both quotas: %+v", res)
		}
	}
	for i := range 5 {
		res := allow(t, s, of(limit.Search, r))
		if !res.Allowed || res.Policy != limit.ByAll || res.Remaining != 4-i {
			t.Fatalf("request %d of the other class: %+v, want it allowed with %d remaining over all", i+1, res, 4-i)
		}
	}
	res := allow(t, s, of(limit.Search, r))
	if res.Allowed || res.Policy != limit.ByAll || res.Class.Remaining != 5 {
		t.Errorf("over the quota of all classes: %+v, want it denied by that, with 5 left of the class", res)
	}
	other := of(limit.Search, r)
	other.Subject = "guest-18"
	if !allow(t, s, other).Allowed {
		t.Error("another subject is denied")
	}
}

// testNeither: what one quota refuses takes nothing of the other.
func testNeither(t *testing.T, s Subject) {
	r := both(5, 8)
	for range 5 + 20 {
		allow(t, s, of(limit.Orders, r))
	}
	for i := range 3 {
		if res := allow(t, s, of(limit.Search, r)); !res.Allowed || res.Overall.Remaining != 2-i {
			t.Fatalf("requests of a class that is used up counted over all: %+v", res)
		}
	}
	for range 20 {
		if res := allow(t, s, of(limit.Login, r)); res.Allowed || res.Class.Remaining != 5 {
			t.Fatalf("requests over the quota of all counted in a class: %+v", res)
		}
	}
}

func testBinding(t *testing.T, s Subject) {
	if res := allow(t, s, both(3, 3)); res.Policy != limit.ByClass || res.Remaining != 2 {
		t.Errorf("as much left of both: %+v, want the class to speak", res)
	}
	if res := allow(t, s, both(3, 100)); res.Policy != limit.ByClass || res.Remaining != 1 || res.Overall.Remaining != 98 {
		t.Errorf("more left over all: %+v, want the class to speak", res)
	}
	allow(t, s, both(3, 100))
	if res := allow(t, s, both(3, 100)); res.Allowed || res.Policy != limit.ByClass || res.Limit != 3 {
		t.Errorf("class used up: %+v, want it denied by that", res)
	}
}

func testConcurrentOverall(t *testing.T, s Subject) {
	const most = 45
	classes := []limit.Class{limit.Orders, limit.Search, limit.Login, limit.Default}
	crowd(t, s, most, func(client int) limit.Request { return of(classes[client%4], both(30, most)) })
}

// testObedient waits as it is told, by a clock that runs by itself if need be,
// whichever quota denies.
func testObedient(t *testing.T, s Subject) {
	byClass, byAll := request(3, 600*time.Millisecond), request(6, 600*time.Millisecond)
	byClass.Overall = limit.Quota{Limit: 4, Window: byClass.Quota.Window}
	byAll.Overall = limit.Quota{Limit: 2, Window: byAll.Quota.Window}
	byAll.Subject = "guest-18"
	for _, r := range []limit.Request{byClass, byAll} {
		for round := range 4 {
			denied := exhaust(t, s, r)
			if s.Advance != nil {
				s.Advance(denied.RetryAfter)
			} else {
				time.Sleep(denied.RetryAfter)
			}
			if res := allow(t, s, r); !res.Allowed {
				t.Fatalf("round %d: waited %v, yet %+v", round, denied.RetryAfter, res)
			}
		}
	}
}

// testWholeSeconds waits as the Retry-After header says, in whole seconds.
func testWholeSeconds(t *testing.T, s Subject) {
	for _, r := range []limit.Request{both(7, 9), both(9, 7), both(60, 70)} {
		for round := range 20 {
			denied := exhaust(t, s, r)
			seconds := (denied.RetryAfter + time.Second - 1) / time.Second
			s.Advance(seconds * time.Second)
			if res := allow(t, s, r); !res.Allowed {
				t.Fatalf("%d of %d, round %d: waited %d s for %v, yet %+v", r.Quota.Limit, r.Overall.Limit, round, seconds, denied.RetryAfter, res)
			}
			s.Advance(time.Duration(round) * 3_333_333 * time.Microsecond)
		}
		s.Advance(2 * time.Hour)
	}
}

// testOverallExactly: two classes spend one quota at different times; the wait is
// exact whichever of the three quotas refuses.
func testOverallExactly(t *testing.T, s Subject) {
	r := both(6, 9)
	seen := map[string]int{}
	for round := range 60 {
		class := limit.Orders
		if round%3 == 0 {
			class = limit.Search
		}
		denied := exhaust(t, s, of(class, r))
		seen[denied.Policy]++
		s.Advance(denied.RetryAfter - time.Microsecond)
		if early := allow(t, s, of(class, r)); early.Allowed || early.RetryAfter != time.Microsecond {
			t.Fatalf("round %d: a microsecond too early: %+v", round, early)
		}
		s.Advance(time.Microsecond)
		if res := allow(t, s, of(class, r)); !res.Allowed {
			t.Fatalf("round %d: denied at the announced time: %+v", round, res)
		}
		s.Advance(time.Duration(round%7) * 411 * time.Second)
	}
	if seen[limit.ByClass] == 0 || seen[limit.ByAll] == 0 {
		t.Errorf("denied %v times: want each quota to refuse", seen)
	}
}

// testNonsense: requests that no algorithm can decide on are errors.
func testNonsense(t *testing.T, s Subject) {
	tests := map[string]func(*limit.Request){
		"no subject":       func(r *limit.Request) { r.Subject = "" },
		"no limit":         func(r *limit.Request) { r.Quota.Limit = 0 },
		"no window":        func(r *limit.Request) { r.Quota.Window = 0 },
		"negative overall": func(r *limit.Request) { r.Overall.Limit = -1 },
		"two windows":      func(r *limit.Request) { r.Overall.Window = time.Minute },
	}
	for name, spoil := range tests {
		r := both(1, 2)
		spoil(&r)
		if res, err := s.Limiter.Allow(t.Context(), r); err == nil || res != (limit.Result{}) {
			t.Errorf("%s: %+v, %v, want an error", name, res, err)
		}
	}
}

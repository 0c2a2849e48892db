package load

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestClosedLoop: each user waits for its answer, so a slow server slows the
// load; response and service time are the same.
func TestClosedLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rep := run(t, Spec{Scenario: CourseScenario(), Closed: Closed{Users: 10, Requests: 100}, Seed: 1, Transport: anything(20 * time.Millisecond)})
		if rep.Mode != ClosedLoop || rep.Users != 10 || rep.Requests != 5000 || rep.OK != 5000 || math.Abs(rep.Seconds-10) > 0.01 || rep.IntendedRPS != nil || math.Abs(rep.SentRPS-500) > 1 {
			t.Errorf("%+v", rep)
		}
		if rep.Logins.OK != 10 || rep.GeneratorLimited || *rep.Response.P99 != *rep.Service.P99 || len(rep.Course) != 5 {
			t.Errorf("%+v", rep)
		}
		for i, name := range []string{"/health", "/products", "/products/{id}", "/categories", "/users/me"} {
			c := rep.Course[i]
			if c.Endpoint != name || c.Total != 1000 || math.Abs(c.Seconds-2) > 0.01 || math.Abs(c.RPS-500) > 1 || c.Errors != 0 || c.Rate != 0 || c.Status["200"] != 1000 || c.Error != "" {
				t.Errorf("%+v", c)
			}
			for _, ms := range []*float64{c.Avg, c.Min, c.Max, c.P95} {
				if ms == nil || math.Abs(*ms-20) > 0.05 {
					t.Errorf("%s: %+v", name, c)
				}
			}
		}
	})
}

// TestCourseFields: the names of the notes, two places, 5xx and timeouts as
// errors, and no percentile of too few samples.
func TestCourseFields(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		n := 0
		transport := served(func(r *http.Request) (*http.Response, error) {
			mu.Lock()
			n++
			k := n
			mu.Unlock()
			switch {
			case r.URL.Path == "/none":
				return nil, errors.New("odd")
			case k%4 == 0:
				return respond(503, ""), nil
			case k%4 == 1:
				<-r.Context().Done() // a timeout
				return nil, r.Context().Err()
			}
			return anything(1234567 * time.Nanosecond)(r)
		})
		s := &Scenario{Name: "x", Sequential: true, Requests: []Request{{Path: "/some", Weight: 1}, {Path: "/none", Weight: 1}}}
		rep := run(t, Spec{Scenario: s, Closed: Closed{Users: 4, Requests: 25}, Transport: transport})
		if len(rep.Course) != 2 {
			t.Fatalf("%+v", rep)
		}
		text, err := json.Marshal(rep.Course[0])
		if err != nil {
			t.Fatal(err)
		}
		var got map[string]any
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		seconds, _ := got["total_time"].(float64)
		want := map[string]any{
			"endpoint": "/some", "total_requests": 100.0, "errors": 50.0, "error_rate": 50.0, "min_response_time": 1.23, "avg_response_time": 1.23,
			"max_response_time": 1.24, "p95_response_time": nil, "rps": places(100 / seconds),
		}
		for key, value := range want {
			a, isNumber := value.(float64)
			b, alsoNumber := got[key].(float64)
			if isNumber != alsoNumber || math.Abs(a-b) > 0.0101 || !isNumber && got[key] != value {
				t.Errorf("%s = %v, want %v", key, got[key], value)
			}
		}
		if c := rep.Course[0]; c.Status["503"] != 25 || c.Status["200"] != 50 || c.Kinds["timeout"] != 25 {
			t.Errorf("%+v", c)
		}
		if c := rep.Course[1]; c.Error != "No successful requests" || c.Avg != nil || c.Errors != 100 || c.Rate != 100 || c.Kinds["other"] != 100 {
			t.Errorf("%+v", c)
		}
	})
}

// TestClosedMix: without sequence each user asks from the mix, and the tiers
// share the users.
func TestClosedMix(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rep := run(t, Spec{Scenario: DemoScenario(), Closed: Closed{Users: 40, Requests: 50}, Seed: 1, Transport: anything(time.Millisecond)})
		if rep.Requests != 2000 || len(rep.Course) != 0 || len(rep.Routes) < 7 || len(rep.Tiers) != 4 {
			t.Errorf("%+v", rep)
		}
		for i, share := range []float64{15, 25, 35, 25} {
			if got := 100 * float64(rep.Tiers[i].Admitted) / 2000; math.Abs(got-share) > 3 {
				t.Errorf("%s: %v %% of the requests, want %v %%", rep.Tiers[i].Tier, got, share)
			}
		}
		rep, _ = runContext(expired(t, 500*time.Millisecond), t, Spec{Closed: Closed{Users: 3, Requests: 1e6}, Transport: anything(time.Millisecond)})
		if !rep.Interrupted || rep.Requests < 1400 || rep.Requests > 1500 {
			t.Errorf("interrupted: %+v", rep)
		}
	})
}

func expired(t *testing.T, after time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), after)
	t.Cleanup(cancel)
	return ctx
}

// TestLogIn: the logins come before the load and are not in the figures; a
// refusal is final, anything else is tried again.
func TestLogIn(t *testing.T) {
	tests := map[string]struct {
		answer func(n int) (*http.Response, error)
		ok     int
		tries  int
	}{
		"good":      {func(int) (*http.Response, error) { return respond(200, `{"token":"t"}`), nil }, 1, 1},
		"created":   {func(int) (*http.Response, error) { return respond(201, `{"a":1,"token":"t"}`), nil }, 1, 1},
		"refused":   {func(int) (*http.Response, error) { return respond(401, `{"token":"t"}`), nil }, 0, 1},
		"throttled": {func(int) (*http.Response, error) { return respond(429, ``), nil }, 0, 1},
		"no token":  {func(int) (*http.Response, error) { return respond(200, `{"tokens":"t"}`), nil }, 0, 3},
		"no text":   {func(int) (*http.Response, error) { return respond(200, `{"token":7}`), nil }, 0, 3},
		"no JSON":   {func(int) (*http.Response, error) { return respond(200, `token`), nil }, 0, 3},
		"down":      {func(int) (*http.Response, error) { return nil, errors.New("odd") }, 0, 3},
		"recovers": {func(n int) (*http.Response, error) {
			if n < 3 {
				return respond(503, ""), nil
			}
			return respond(200, `{"token":"t"}`), nil
		}, 1, 3},
	}
	for name, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			var mu sync.Mutex
			tries, tokens := 0, 0
			transport := served(func(r *http.Request) (*http.Response, error) {
				mu.Lock()
				defer mu.Unlock()
				if r.URL.Path != "/login" {
					if r.Header.Get("Authorization") == "Bearer t" {
						tokens++
					}
					return respond(200, ""), nil
				}
				tries++
				return tt.answer(tries)
			})
			s := &Scenario{
				Name: "x", Login: &Login{Path: "/login", Body: `{"u":"{user}"}`, Token: "token", User: "{tier}{n}"},
				Tiers: []TierShare{{"basic", 1, 1}}, Requests: []Request{{Path: "/", Weight: 1}},
			}
			rep := run(t, Spec{Scenario: s, Stages: steady(10, sec), Transport: transport})
			if rep.Logins.OK != tt.ok || rep.Logins.Failed != 1-tt.ok || tries != tt.tries || rep.Requests != 10 || rep.OK != 10 || tokens != 10*tt.ok {
				t.Errorf("%s: %d tries, %d tokens, %+v", name, tries, tokens, rep)
			}
		})
	}
}

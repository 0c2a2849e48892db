package promql

import (
	"encoding/json"
	"slices"
	"testing"

	"apitop/collectors/scrape"
	"apitop/collectors/snapshot"
)

// TestInstanceLadders: of few instances the whole distributions are asked for,
// of many only a percentile.
func TestInstanceLadders(t *testing.T) {
	for name, tt := range map[string]struct {
		instances int
		want      bool
	}{"few": {100, true}, "many": {101, false}} {
		t.Run(name, func(t *testing.T) {
			f := &fake{say: map[string]string{
				"count by (job) (up": vector(one("job=demo", tt.instances)),
				"sum by (le,instance) (rate(http_request_duration_seconds_bucket": vector(
					one("instance=h:1 le=0.1", 30), one("instance=h:1 le=1", 39), one("instance=h:1 le=+Inf", 40),
					one("instance=h:2 le=0.1", 30)), // it lacks its last bucket
			}}
			c := open(t, Config{URL: f.start(t), Match: `job="demo"`})
			r := collect(t, c)
			i := r.Instances[0]
			if known := i.P95Seconds.OK; known == tt.want {
				t.Errorf("p95 %+v", i.P95Seconds)
			}
			whole := i.Durations.Count == 40 && slices.Equal(i.Durations.Bounds, []float64{0.1, 1}) &&
				slices.Equal(i.Durations.Cumulative, []float64{30, 39, 40})
			if whole != tt.want {
				t.Errorf("durations %+v", i.Durations)
			}
			if tt.want && &i.Durations.Bounds[0] != &r.Durations[0].Bounds[0] {
				t.Error("equal ladders are not shared")
			}
			if r.Instances[1].Durations.Count != 0 {
				t.Errorf("a ladder without its end: %+v", r.Instances[1].Durations)
			}
		})
	}
}

// TestNativeInstances: the same of histograms with exponential buckets.
func TestNativeInstances(t *testing.T) {
	table := instanceTable{byName: map[string]*snapshot.InstanceRates{}}
	r := row{Metric: json.RawMessage(metric("instance=h:1"))}
	if err := json.Unmarshal([]byte(`[1700000000,`+spread(3, -4, 2, 7)+`]`), &r.Histogram); err != nil {
		t.Fatal(err)
	}
	table.spread(&question{answer: answer{rows: []row{r}}}, newPlaces(scrape.Labels{}, 1))
	if d := table.of("h:1").Durations; d.Native == nil || d.Count != 6 || len(d.Native.Positive) != 3 {
		t.Errorf("durations %+v", d)
	}
}

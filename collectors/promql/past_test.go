package promql

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"apitop/collectors/scrape"
	"apitop/collectors/snapshot"
)

// ranges answers range queries: each series of the say has the value of its
// function of the number of the point, NaN for none.
func ranges(say map[string]map[string]func(i int) float64) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/query_range") {
			return false
		}
		start, _ := strconv.ParseFloat(r.Form.Get("start"), 64)
		end, _ := strconv.ParseFloat(r.Form.Get("end"), 64)
		step, _ := time.ParseDuration(r.Form.Get("step"))
		var series []string
		for begins, lines := range say {
			if !strings.HasPrefix(r.Form.Get("query"), begins) {
				continue
			}
			for labels, f := range lines {
				var values []string
				for i := 0; start+float64(i)*step.Seconds() <= end; i++ {
					if v := f(i); !math.IsNaN(v) {
						values = append(values, fmt.Sprintf(`[%.3f,"%v"]`, start+float64(i)*step.Seconds(), v))
					}
				}
				series = append(series, `{"metric":`+metric(labels)+`,"values":[`+strings.Join(values, ",")+`]}`)
			}
		}
		fmt.Fprint(w, `{"status":"success","data":{"resultType":"matrix","result":[`+strings.Join(series, ",")+`]}}`)
		return true
	}
}

func constant(v float64) func(int) float64 { return func(int) float64 { return v } }

// gap is v but for some points that are missing.
func gap(v float64, from, to int) func(int) float64 {
	return func(i int) float64 {
		if i >= from && i < to {
			return math.NaN()
		}
		return v
	}
}

// past collects until the past has come.
func past(t *testing.T, c *Collector) *snapshot.Rates {
	t.Helper()
	if r := collect(t, c); r.Past != nil {
		t.Fatal("the first reading waited for the past")
	}
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if r := collect(t, c); r.Past != nil {
			return r
		}
	}
	t.Fatal("no past came")
	return nil
}

func TestPast(t *testing.T) {
	f := &fake{before: ranges(map[string]map[string]func(int) float64{
		"sum(rate(http_requests_total{job=\"demo\"}[": {"": func(i int) float64 {
			if i < 20 || i == 100 {
				return math.NaN() // it did not live yet, and once was not scraped
			}
			return 40
		}},
		`sum(rate(http_requests_total{job="demo",status=~"5.*"}`: {"": gap(4, 200, 300)}, // none then
		`sum(rate(http_requests_total{job="demo",status="429"}`:  {"": gap(2, 200, 721)},
		"sum(http_requests_in_flight":                            {"": constant(7)},
		"sum by (le) (rate(http_request_duration_seconds_bucket": {"le=0.1": constant(20), "le=1.0": constant(40), "le=+Inf": constant(40)},
	})}
	c := open(t, Config{URL: f.start(t), Match: `job="demo"`, Past: time.Hour})
	r := past(t, c)
	if len(r.Past) != 721-20 {
		t.Fatalf("%d moments", len(r.Past))
	}
	for i := 1; i < len(r.Past); i++ {
		if d := r.Past[i].At.Sub(r.Past[i-1].At); d != 5*time.Second {
			t.Fatalf("moments %d and %d are %v apart", i-1, i, d)
		}
	}
	if last := r.Past[len(r.Past)-1].At; r.At.Sub(last) > 15*time.Second || r.At.Before(last) {
		t.Errorf("the past ends at %v, the reading is of %v", last, r.At)
	}
	whole, holed, calm := r.Past[10], r.Past[100-20], r.Past[250-20]
	if whole.RPS.V != 40 || whole.ErrorRatio.V != 0.1 || whole.Throttled.V != 2 || whole.InFlight.V != 7 ||
		!slices.Equal(whole.Durations.Bounds, []float64{0.1, 1}) || !slices.Equal(whole.Durations.Cumulative, []float64{20, 40, 40}) {
		t.Errorf("a moment: %+v", whole)
	}
	if holed.RPS.OK || holed.ErrorRatio.OK || holed.Throttled.OK {
		t.Errorf("a hole: %+v", holed)
	}
	if calm.ErrorRatio != snapshot.Known(0) || calm.Throttled != snapshot.Known(0) {
		t.Errorf("no errors and no 429: %+v", calm)
	}
	if again := collect(t, c); again.Past != nil {
		t.Error("the past comes twice")
	}
}

// TestPastOfMilliseconds: bounds are in seconds, whatever the page's unit.
func TestPastOfMilliseconds(t *testing.T) {
	h := pastOf{places: newPlaces(scrape.Labels{}, 1000)}
	s := span{start: time.Unix(0, 0), end: time.Unix(5, 0), step: 5 * time.Second}
	all := rows(t,
		`{"metric":{"le":"250"},"values":[[0,"1"],[5,"2"],[99,"9"]]}`, `{"metric":{"le":"+Inf"},"values":[[0,"1"],[5,"3"],[-99,"9"]]}`,
		`{"metric":{"le":"x"},"values":[[0,"1"]]}`)
	got := h.ladders(s, all, 2)
	if len(got) != 2 || !slices.Equal(got[1].Bounds, []float64{0.25}) || !slices.Equal(got[1].Cumulative, []float64{2, 3}) || got[1].Count != 3 {
		t.Errorf("got %+v", got)
	}
	native := rows(t, `{"metric":{},"histograms":[[5,{"count":"3","sum":"600","buckets":[[0,"128","256","3"]]}]]}`)
	if got := h.ladders(s, native, 2); got[0].Count != 0 || got[1].Native == nil || got[1].Native.PerSecond != 1000 {
		t.Errorf("native: %+v", got)
	}
}

// TestPastIsBounded: the larger the fleet, the fewer points are asked for.
func TestPastIsBounded(t *testing.T) {
	for name, tt := range map[string]struct {
		series float64
		step   time.Duration
	}{
		"one instance":    {30, 5 * time.Second},
		"1,000 instances": {600_000, 86 * time.Second},
		"huge":            {1e9, 5 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			c := open(t, Config{URL: (&fake{say: map[string]string{"count(": vector(one("", tt.series))}}).start(t), Match: "job=demo"})
			h := pastOf{api: c.api, interval: 15 * time.Second, plan: plan{window: time.Minute, shape: classic, mapping: scrape.Mapping{Duration: "d"}}}
			got := h.step(t.Context(), time.Unix(1.7e9, 0), time.Hour)
			if got < tt.step || got > tt.step*2+time.Second || got%time.Second != 0 {
				t.Errorf("a step of %v, want %v or a little more", got, tt.step)
			}
		})
	}
}

// TestPastFails: without it, all else goes on; and it ends with the Collector.
func TestPastFails(t *testing.T) {
	begun := make(chan struct{}, 1)
	for name, before := range map[string]func(http.ResponseWriter, *http.Request) bool{
		"refused": func(w http.ResponseWriter, r *http.Request) bool {
			no := strings.HasSuffix(r.URL.Path, "/query_range")
			if no {
				begun <- struct{}{}
				w.WriteHeader(http.StatusServiceUnavailable)
			}
			return no
		},
		"hangs": func(_ http.ResponseWriter, r *http.Request) bool {
			no := strings.HasSuffix(r.URL.Path, "/query_range")
			if no {
				begun <- struct{}{}
				<-r.Context().Done()
			}
			return no
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := open(t, Config{URL: (&fake{before: before}).start(t), Match: "job=demo", Past: time.Hour})
			collect(t, c)
			<-begun
			if r := collect(t, c); len(r.Requests) != 3 || r.Past != nil {
				t.Errorf("got %+v", r)
			}
		})
	}
}

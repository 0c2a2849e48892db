package analysis

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"apitop/collectors/scrape"
)

// TestNativePages reads a recorded page of a real client with native histograms
// and compares each series with an independent reader's quantiles, which lie
// beside the checkout.
func TestNativePages(t *testing.T) {
	const dir = "../../../shared/fixtures/prom"
	raw, err := os.ReadFile(filepath.Join(dir, "expected.json"))
	if err != nil {
		t.Skipf("the recorded pages are not here: %v", err)
	}
	type quantiles struct{ P50, P95, P99, Avg float64 }
	var doc struct {
		Entries []struct {
			Files  []string
			Native map[string]map[string]quantiles
		}
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, e := range doc.Entries {
		for i, page := range []string{"a", "b"} {
			if e.Native[page] == nil {
				continue
			}
			h, err := scrape.NewReader("t", scrape.Limits{}).ReadFile(filepath.Join(dir, e.Files[i]))
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range h.Durations {
				w, ok := e.Native[page][spaced(d.Series.ID)]
				if !ok || d.Native == nil {
					t.Errorf("%s: native buckets %v, expected %v", d.Series.ID, d.Native, ok)
					continue
				}
				compared++
				for q, want := range map[float64]float64{0.50: w.P50, 0.95: w.P95, 0.99: w.P99} {
					if v, _ := nativeQuantile(d.Native, q); math.Abs(v.V*1000-want) > 1e-6 {
						t.Errorf("%s %s: q=%v is %v ms, want %v", page, d.Series.ID, q, v.V*1000, want)
					}
				}
				if avg := d.Sum / d.Count * 1000; math.Abs(avg-w.Avg) > 1e-4 {
					t.Errorf("%s %s: average %v ms, want %v", page, d.Series.ID, avg, w.Avg)
				}
			}
		}
	}
	if compared < 10 {
		t.Errorf("only %d series with native buckets were compared", compared)
	}
}

// spaced writes a count's series as the answers have its family: without _count,
// labels as JSON.
func spaced(id string) string {
	id = strings.Replace(id, "_count{", "{", 1)
	for _, label := range []string{"code", "handler", "method"} {
		id = strings.Replace(id, label+"=", `"`+label+`": `, 1)
	}
	return strings.ReplaceAll(id, `",`, `", `)
}

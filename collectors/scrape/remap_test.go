package scrape

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"apitop/collectors/snapshot"
)

// TestMappingNumber reads pages that come to be read by others of their series.
// Where those had been on the page before, their totals are no growth, and the
// number of the mapping rises; what is new on the page counts from zero.
func TestMappingNumber(t *testing.T) {
	const (
		unknown = "# TYPE calls_total counter\ncalls_total{who=\"x\"} 900\n"
		known   = "calls_total{who=\"x\",method=\"GET\",path=\"/a\",status=\"200\"} 5\n"
		scrapes = "# TYPE promhttp_metric_handler_requests_total counter\npromhttp_metric_handler_requests_total{code=\"200\"} 70\n"
		bare    = "# TYPE shop_requests_total counter\nshop_requests_total 70\n"
		out     = "# TYPE istio_requests_total counter\nistio_requests_total{reporter=\"source\",response_code=\"200\",destination_service_name=\"b\"} 9\n"
		in      = "istio_requests_total{reporter=\"destination\",response_code=\"200\",destination_service_name=\"a\"} 4\n"
	)
	tests := map[string]struct {
		pages []string
		want  string // number, counter and requests of each page
	}{
		"none at first":          {[]string{nothing, plainCounter + plainHist}, "0 0 | 0 http_requests_total 5"},
		"scrapes alone at first": {[]string{scrapes, scrapes + plainCounter}, "0 0 | 0 http_requests_total 5"},
		"a name alone at first":  {[]string{bare, bare + plainCounter}, "0 shop_requests_total 70 | 0 http_requests_total 5"},
		"there, but unknown":     {[]string{unknown, unknown + known}, "0 0 | 1 calls_total 905"},
		"only what goes out":     {[]string{out, out + in}, "0 istio_requests_total 9 | 0 istio_requests_total 4"},
		"once more the same":     {[]string{plainCounter, nothing, plainCounter}, "0 http_requests_total 5 | 0 0 | 0 http_requests_total 5"},
		"a counter that was there": {
			[]string{plainHist + "# TYPE http_requests_total counter\nhttp_requests_total{where=\"x\"} 90\n", plainHist + strings.ReplaceAll(plainCounter, "5\n", "5\nhttp_requests_total{where=\"x\"} 91\n")},
			"0 5 | 1 http_requests_total 96",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := NewReader("t", Limits{})
			var got []string
			for _, page := range tt.pages {
				h := readPage(t, r, page)
				all, _ := tallyOf(nil, h)
				got = append(got, strings.Join(strings.Fields(fmt.Sprint(h.Page.Mapping, " ", h.Page.Counter, " ", all.n)), " "))
			}
			if all := strings.Join(got, " | "); all != tt.want {
				t.Errorf("got  %s\nwant %s", all, tt.want)
			}
		})
	}
}

// TestSearchIsRare reads large pages whose families are others each time: the
// search for a mapping must not be made for each of them.
func TestSearchIsRare(t *testing.T) {
	r := NewReader("t", Limits{})
	searches := 0
	for i := range 12 {
		var page bytes.Buffer
		for n := range costlyPage + 10 {
			fmt.Fprintf(&page, "app_%d_%d_total 1\n", n, i)
		}
		readPage(t, r, page.String())
		if r.found.names == r.table.names {
			searches++
		}
	}
	if searches < 2 || searches > 5 {
		t.Errorf("%d searches on 12 pages, want a few", searches)
	}
}

// TestSearchOnlyWhenItCanMatter reads pages whose series come and go, and whose
// families stay.
func TestSearchOnlyWhenItCanMatter(t *testing.T) {
	r := NewReader("t", Limits{})
	var first *snapshot.HTTP
	for i := range 5 {
		h := readPage(t, r, plainCounter+plainHist+fmt.Sprintf("http_requests_total{route=\"/%d\",status=\"200\"} 1\n", i))
		if first == nil {
			first = h
		}
	}
	if r.found.series != first.Page.Samples {
		t.Errorf("searched again at %d series", r.found.series)
	}
}

// TestUnitOfFew reads a summary without a unit whose first observation says
// little of it: when there were enough, they say milliseconds.
func TestUnitOfFew(t *testing.T) {
	r := NewReader("t", Limits{})
	var got []string
	for _, n := range []int{0, 1, 30, 31} {
		sum := 20 * n
		if n > 1 {
			sum = 120 * n
		}
		h := readPage(t, r, fmt.Sprintf("# TYPE http_response_time summary\nhttp_response_time_sum{route=\"/a\"} %d\nhttp_response_time_count{route=\"/a\"} %d\n", sum, n))
		got = append(got, fmt.Sprint(h.Page.Unit, " ", h.Page.Mapping, " ", h.Durations[0].Sum))
	}
	want := "seconds 0 0 | seconds 0 20 | milliseconds 1 3.6 | milliseconds 1 3.72"
	if all := strings.Join(got, " | "); all != want {
		t.Errorf("got  %s\nwant %s", all, want)
	}
}

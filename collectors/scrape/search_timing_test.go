package scrape

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// costlyPages are pages on which a mapping is dear to find.
func costlyPages(n int) map[string]func(i int) []byte {
	var manyLabels strings.Builder
	for i := range 120 {
		fmt.Fprintf(&manyLabels, "label_%d=\"value/%d/x\",", i, i)
	}
	page := func(line func(b *bytes.Buffer, i int)) []byte {
		var b bytes.Buffer
		for i := range n {
			line(&b, i)
		}
		return b.Bytes()
	}
	return map[string]func(int) []byte{
		"families": func(int) []byte {
			return page(func(b *bytes.Buffer, i int) {
				fmt.Fprintf(b, "# TYPE api_%d_requests_total counter\napi_%d_requests_total{status=\"200\",path=\"/a\"} 1\n", i, i)
			})
		},
		"histograms": func(int) []byte {
			return page(func(b *bytes.Buffer, i int) {
				fmt.Fprintf(b, "api_%d_request_seconds_sum{path=\"/a\"} 1\napi_%d_request_seconds_count{path=\"/a\"} 1\n", i, i)
			})
		},
		"labels": func(int) []byte {
			return page(func(b *bytes.Buffer, i int) {
				if i%20 == 0 {
					fmt.Fprintf(b, "http_requests_total{%sstatus=\"200\",path=\"/a/%d\"} 1\n", manyLabels.String(), i)
				}
			})
		},
		"new families each time": func(k int) []byte {
			return page(func(b *bytes.Buffer, i int) {
				fmt.Fprintf(b, "app_%d_%d_total{code=\"x\",path=\"/a\"} 1\n", i, k)
			})
		},
		"no requests": func(int) []byte {
			return page(func(b *bytes.Buffer, i int) { fmt.Fprintf(b, "things_%d_total{color=\"red\"} 1\n", i) })
		},
	}
}

// BenchmarkSearch measures the search for a mapping alone on pages of 100,000
// families, and of series with 122 labels.
func BenchmarkSearch(b *testing.B) {
	for name, page := range costlyPages(100_000) {
		b.Run(name, func(b *testing.B) {
			r := NewReader("t", Limits{})
			if _, err := r.Read(bytes.NewReader(page(0)), ""); err != nil {
				b.Fatal(err)
			}
			timedRun(b, func() { _ = mapping{}.settle(newView(r.table), r.rows, Pin{}) })
		})
	}
}

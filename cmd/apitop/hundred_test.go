package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// largePage is a metrics page of about 2,000 samples.
func largePage() []byte {
	var b bytes.Buffer
	b.WriteString("# TYPE http_request_duration_seconds histogram\n")
	for route := range 120 {
		labels := fmt.Sprintf(`handler="/api/%d",method="GET",status="200"`, route)
		for i, le := range []string{"0.005", "0.01", "0.025", "0.05", "0.075", "0.1", "0.25", "0.5", "0.75", "1", "2.5", "5", "7.5", "10", "+Inf"} {
			fmt.Fprintf(&b, "http_request_duration_seconds_bucket{%s,le=%q} %d\n", labels, le, (i+1)*1000)
		}
		fmt.Fprintf(&b, "http_request_duration_seconds_sum{%s} 15000\nhttp_request_duration_seconds_count{%s} 15000\n", labels, labels)
	}
	return b.Bytes()
}

// TestNoScrapeLate: a hundred targets of 2,000 samples, asked each second, are
// each asked at its time and answer before the next one. On an idle machine none is
// late and half answer within 3 ms; the bounds are for one that does other work.
func TestNoScrapeLate(t *testing.T) {
	const targets, rounds = 100, 6
	page := largePage()
	list := make([]string, targets)
	for i := range list {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain; version=0.0.4")
			_, _ = w.Write(page) // who has gone away needs no page
		}))
		t.Cleanup(server.Close)
		list[i] = strings.TrimPrefix(server.URL, "http://")
	}
	text, err := json.Marshal([]any{map[string]any{"targets": list}})
	if err != nil {
		t.Fatal(err)
	}
	c := Config{TargetFiles: []string{file(t, filepath.Join(t.TempDir(), "t.json"), string(text))}, Interval: time.Second, NoHost: true}
	w, err := c.open()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	ctx, cancel := context.WithTimeout(t.Context(), (rounds+3)*time.Second)
	defer cancel()
	polls := map[safe.Text][]snapshot.Poll{}
	live := w.stream(c.Interval, w.jobs)
	for began := time.Now(); time.Since(began) < rounds*time.Second; {
		s, err := live.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range s.Polls {
			if !p.Pending && p.Source.Kind == snapshot.KindMetrics {
				polls[p.Source.Name] = append(polls[p.Source.Name], p)
			}
		}
	}
	if len(polls) != targets {
		t.Fatalf("%d targets were asked", len(polls))
	}
	checkCadence(t, polls, rounds)
}

func checkCadence(t *testing.T, polls map[safe.Text][]snapshot.Poll, rounds int) {
	t.Helper()
	late, total := 0, 0
	var took []time.Duration
	for name, list := range polls {
		if len(list) < rounds/2 {
			t.Errorf("%s answered %d times in %d rounds", name, len(list), rounds)
		}
		for i, p := range list {
			if p.Failure != nil {
				t.Errorf("%s: %v after %v", name, p.Failure, p.Took)
			}
			if i < 2 {
				continue // the first round asks all at once
			}
			took = append(took, p.Took)
			total++
			if gap := p.Started.Sub(list[i-1].Started); gap < 800*time.Millisecond || gap > 1200*time.Millisecond {
				late++
			}
		}
	}
	slices.Sort(took)
	t.Logf("%d of %d out of time; an answer took %v, p99 %v", late, total, took[len(took)/2], took[len(took)*99/100])
	if late > total/3 || took[len(took)/2] > time.Second {
		t.Errorf("%d of %d scrapes began more than a fifth of a second off their time, half took longer than %v", late, total, took[len(took)/2])
	}
}

package main

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"apitop/collectors"
	"apitop/collectors/analysis"
	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// slow is a source that takes its time and counts how often it was asked.
type slow struct {
	takes time.Duration
	asked int
}

func (s *slow) Source() snapshot.Source {
	return snapshot.Source{Name: safe.New("slow"), Kind: snapshot.KindHost}
}

func (s *slow) Collect(context.Context) (snapshot.Reading, error) {
	s.asked++
	time.Sleep(s.takes)
	return &snapshot.Host{At: time.Now()}, nil
}

func TestMeasure(t *testing.T) {
	tests := map[string]struct {
		job    collectors.Job
		takes  time.Duration
		window time.Duration
		asked  int
		state  analysis.State
	}{
		"each second":                 {window: 10 * time.Second, asked: 11, state: analysis.StateOK},
		"a rare one is asked twice":   {job: collectors.Job{Every: 2}, window: time.Second, asked: 2, state: analysis.StateOK},
		"a late answer is waited for": {takes: 1900 * time.Millisecond, window: time.Second, asked: 2, state: analysis.StateLate},
		"but not for ever":            {takes: time.Minute, window: time.Second, asked: 1, state: analysis.StateWaiting},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				source := &slow{takes: tt.takes}
				tt.job.Collector = source
				r, err := measure(t.Context(), &watched{jobs: []collectors.Job{tt.job}}, analysis.Options{Window: tt.window, Interval: time.Second})
				if err != nil {
					t.Fatal(err)
				}
				if r.Sources[0].State != tt.state {
					t.Errorf("state %q, want %q", r.Sources[0].State, tt.state)
				}
				time.Sleep(2 * time.Minute) // let the slow one end
				synctest.Wait()
				if source.asked < tt.asked || source.asked > tt.asked+1 {
					t.Errorf("asked %d times, want %d", source.asked, tt.asked)
				}
			})
		})
	}
}

// TestLatestKeepsTheNewest: a slow reader gets the newest report and delays
// nobody.
func TestLatestKeepsTheNewest(t *testing.T) {
	l := newLatest()
	reports := []*analysis.Report{{}, {}, {}}
	for _, r := range reports {
		l.put(r)
	}
	if got := <-l; got != reports[2] {
		t.Error("an older report was kept")
	}
}

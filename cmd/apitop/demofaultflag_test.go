package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"apitop/demoapi/faults"
)

// switchboard is a demo that only notes what is switched on, and when.
type switchboard struct {
	began time.Time
	on    []string
	err   error
}

func (s *switchboard) Faults(context.Context) ([]faults.State, error) {
	list := faults.Known()
	for i := range list {
		if list[i].Name == "eviction" {
			list[i].Unavailable = "no Redis here"
		}
	}
	return list, s.err
}

func (s *switchboard) SwitchFault(_ context.Context, name string, on bool) error {
	if on {
		s.on = append(s.on, name+" after "+time.Since(s.began).String())
	}
	return s.err
}

// TestFaultsFirst: calm, then the faults, then a second more.
func TestFaultsFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &switchboard{began: time.Now()}
		if err := faultsFirst(t.Context(), s, []string{"n-plus-one", "slow_query"}); err != nil {
			t.Error(err)
		}
		if took := time.Since(s.began); took != 4*time.Second || !slices.Equal(s.on, []string{"n-plus-one after 3s", "slow_query after 3s"}) {
			t.Errorf("%v: %q", took, s.on)
		}
		if err := faultsFirst(t.Context(), s, nil); err != nil || time.Since(s.began) != 4*time.Second {
			t.Errorf("without faults: %v, %v", err, time.Since(s.began))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := faultsFirst(ctx, s, []string{"n-plus-one"}); !errors.Is(err, context.DeadlineExceeded) || len(s.on) != 2 {
			t.Errorf("broken off: %v, %q", err, s.on)
		}
		s.err = errors.New("no such luck")
		if err := faultsFirst(t.Context(), s, []string{"n-plus-one"}); !errors.Is(err, s.err) {
			t.Error(err)
		}
	})
}

// TestFaultsLater: on a dashboard they come after ten seconds, unless it is closed
// before.
func TestFaultsLater(t *testing.T) {
	tests := map[string]struct {
		open time.Duration
		err  error
		on   int
	}{
		"in time":       {12 * time.Second, nil, 1},
		"closed before": {9 * time.Second, nil, 0},
		"failed":        {12 * time.Second, errors.New("no such luck"), 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &switchboard{began: time.Now(), err: tt.err}
				end := faultsLater(t.Context(), s, []string{"n-plus-one"})
				time.Sleep(tt.open)
				if err := end(); !errors.Is(err, tt.err) {
					t.Errorf("%v, want %v", err, tt.err)
				}
				if len(s.on) != tt.on || (tt.on > 0 && s.on[0] != "n-plus-one after 10s") {
					t.Errorf("%q", s.on)
				}
			})
		})
	}
}

func TestCheckAvailable(t *testing.T) {
	s := &switchboard{}
	if err := checkAvailable(t.Context(), s, []string{"n-plus-one", "slow_query"}); err != nil {
		t.Error(err)
	}
	if err := checkAvailable(t.Context(), s, []string{"n-plus-one", "eviction"}); err == nil || !strings.Contains(err.Error(), "no Redis here") {
		t.Error(err)
	}
	s.err = errors.New("no such luck")
	if err := checkAvailable(t.Context(), s, []string{"n-plus-one"}); !errors.Is(err, s.err) {
		t.Error(err)
	}
	if err := checkAvailable(t.Context(), s, nil); err != nil {
		t.Errorf("without faults nobody is asked: %v", err)
	}
}

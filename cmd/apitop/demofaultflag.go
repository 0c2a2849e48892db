package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"apitop/demoapi/faults"
)

const (
	// calmHeadless is how long a demo without a dashboard runs before its faults,
	// so that its caches are warm and its pools are there.
	calmHeadless = 3 * time.Second
	// faultLead is the time from the faults to what a report tells of.
	faultLead = time.Second
	// calmDashboard is how long a dashboard shows how it should be.
	calmDashboard = 10 * time.Second
)

// checkFaults returns a usage error for a name that is no fault's.
func checkFaults(names []string) error {
	for _, name := range names {
		if err := faults.Check(name); err != nil {
			return usageError{fmt.Errorf("--fault: %w", err)}
		}
	}
	return nil
}

// faultsFirst switches the faults on after a calm start, and waits until they show.
func faultsFirst(ctx context.Context, d faultSource, names []string) error {
	if len(names) == 0 {
		return nil
	}
	if err := sleep(ctx, calmHeadless); err != nil {
		return err
	}
	if err := switchOn(ctx, d, names); err != nil {
		return err
	}
	return sleep(ctx, faultLead)
}

// checkAvailable says why a fault cannot be switched on here: once the dashboard
// is drawn, nothing can be printed.
func checkAvailable(ctx context.Context, d faultSource, names []string) error {
	if len(names) == 0 {
		return nil
	}
	list, err := d.Faults(ctx)
	if err != nil {
		return err
	}
	why := map[string]string{}
	for _, f := range list {
		why[f.Name] = f.Unavailable
	}
	for _, name := range names {
		if reason := why[faults.Canonical(name)]; reason != "" {
			return fmt.Errorf("--fault %s: %s", name, reason)
		}
	}
	return nil
}

// faultsLater switches the faults on after a while. The function returned calls
// that off, if it is not too late, and tells what went wrong.
func faultsLater(ctx context.Context, d faultSource, names []string) func() error {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() {
		err := sleep(ctx, calmDashboard)
		if err == nil {
			err = switchOn(ctx, d, names)
		}
		done <- err
	}()
	return func() error {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			return err
		}
		return nil
	}
}

func switchOn(ctx context.Context, d faultSource, names []string) error {
	for _, name := range names {
		if err := d.SwitchFault(ctx, name, true); err != nil {
			return fmt.Errorf("switch a fault on: %w", err)
		}
	}
	return nil
}

// sleep waits for d, or returns ctx's error.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

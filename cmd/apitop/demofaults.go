package main

import (
	"context"

	"apitop/demoapi/faults"
	screen "apitop/tui/screens/faults"
)

// faultSource is a demo whose faults can be switched.
type faultSource interface {
	Faults(ctx context.Context) ([]faults.State, error)
	SwitchFault(ctx context.Context, name string, on bool) error
}

// faultSwitches are the faults of a demo as the dashboard's screen takes them.
func faultSwitches(d faultSource) *screen.Switches {
	list := func(ctx context.Context) ([]screen.Switch, error) {
		states, err := d.Faults(ctx)
		if err != nil {
			return nil, err
		}
		switches := make([]screen.Switch, len(states))
		for i, s := range states {
			switches[i] = screen.Switch(s)
		}
		return switches, nil
	}
	return &screen.Switches{List: list, Set: d.SwitchFault}
}

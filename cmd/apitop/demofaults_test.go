package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"

	"apitop/demoapi/faults"
)

// fakeDemo has faults in memory.
type fakeDemo struct {
	states []faults.State
	err    error
	set    string
}

func (d *fakeDemo) Faults(context.Context) ([]faults.State, error) { return d.states, d.err }

func (d *fakeDemo) SwitchFault(_ context.Context, name string, on bool) error {
	d.set = name
	if on {
		d.set += " on"
	}
	return d.err
}

func TestFaultSwitches(t *testing.T) {
	d := &fakeDemo{states: []faults.State{{Name: "a", Rule: "R1", What: "b", Shows: "c", On: true, Since: time.Unix(7, 0), Unavailable: "d"}}}
	s := faultSwitches(d)
	got, err := s.List(t.Context())
	if err != nil || len(got) != 1 || faults.State(got[0]) != d.states[0] {
		t.Errorf("%+v %v", got, err)
	}
	if err := s.Set(t.Context(), "a", true); err != nil || d.set != "a on" {
		t.Errorf("set %q: %v", d.set, err)
	}
	d.err = errors.New("gone")
	if _, err := s.List(t.Context()); !errors.Is(err, d.err) {
		t.Errorf("list: %v", err)
	}
}

// TestDemoSwitchesFault switches a fault of a real demo on in its dashboard, as
// with the keyboard, and reads from the screen that it is.
func TestDemoSwitchesFault(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	const fault = "error-burst"                                  // it needs neither Redis nor Postgres
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // ends the reading below as well
	defer cancel()
	cmd := exec.CommandContext(ctx, program(t), "demo")
	cmd.Env = append(os.Environ(), "TERM=xterm-256color", "PATH=/nowhere", "APITOP_NO_SYSTEM_POSTGRES=1")
	tty, err := pty.StartWithSize(cmd, &pty.Winsize{Cols: 120, Rows: 50})
	if err != nil {
		t.Fatal(err)
	}
	defer tty.Close()
	readUntil(t, tty, "F") // of the tabs
	readUntil(t, tty, "/products")
	press := func(keys string) {
		if _, err := tty.WriteString(keys); err != nil {
			t.Fatal(err)
		}
	}
	press("F")
	readUntil(t, tty, fault)
	down := slices.Index(faults.Names(), fault)
	press(strings.Repeat("j", down) + "\r")
	on := regexp.MustCompile(`n (\x1b\[[0-9;]*m)*\d\d:\d\d:\d\d`) // of "on 12:03:10"; the o may stay from "off"
	var drawn strings.Builder
	for buf := make([]byte, 4096); !on.MatchString(drawn.String()); {
		n, err := tty.Read(buf)
		if drawn.Write(buf[:n]); err != nil {
			t.Fatalf("%v; drawn since: %q", err, drawn.String())
		}
	}
	press("q")
	if err := cmd.Wait(); err != nil {
		t.Errorf("q: %v", err)
	}
}

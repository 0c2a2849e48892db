package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"

	"apitop/demoapi/load"
)

// TestLoadProcess runs the command as a process: the exit codes that scripts
// see, and a report on stdout that is JSON and nothing else.
func TestLoadProcess(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	s, _ := loadServer(t)
	tests := map[string]struct {
		args      []string
		interrupt bool
		code      int
	}{
		"kept":        {[]string{s.URL + "/ok", "--for", "400ms", "--slo", "errors<1%"}, false, exitOK},
		"broken":      {[]string{s.URL + "/bad", "--for", "400ms", "--slo", "errors<1%"}, false, exitBroken},
		"usage":       {[]string{s.URL + "/ok", "--slo", "fast"}, false, exitUsage},
		"unmeasured":  {[]string{s.URL + "/ok", "--for", "400ms", "--slo", "p99.99<1s"}, false, exitUnmeasured},
		"interrupted": {[]string{s.URL + "/ok", "--for", "1h"}, true, exitInterrupted},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			cmd := exec.CommandContext(ctx, program(t), append([]string{"load", "--rate", "100", "--format", "json"}, tt.args...)...)
			var out, errs bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &errs
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if tt.interrupt {
				time.AfterFunc(1500*time.Millisecond, func() { _ = cmd.Process.Signal(os.Interrupt) })
			}
			_ = cmd.Wait() // the code tells
			if code := cmd.ProcessState.ExitCode(); code != tt.code {
				t.Errorf("exit %d, want %d: %s", code, tt.code, errs.String())
			}
			if tt.code == exitUsage {
				return
			}
			var r load.Report
			if err := json.Unmarshal(out.Bytes(), &r); err != nil || r.Requests == 0 || r.Interrupted != tt.interrupt {
				t.Errorf("%v; %d requests, interrupted %v", err, r.Requests, r.Interrupted)
			}
		})
	}
}

// TestLoadLive shows the test on a terminal: the rate changes by key, q ends it
// with the report.
func TestLoadLive(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	s, _ := loadServer(t)
	for name, env := range map[string]string{"colours": "COLORTERM=truecolor", "no colours": "NO_COLOR=1"} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			cmd := exec.CommandContext(ctx, program(t), "load", s.URL+"/ok", "--rate", "100", "--for", "1h", "--slo", "p95<2s")
			cmd.Env = append(os.Environ(), "TERM=xterm-256color", env)
			screen, err := pty.StartWithSize(cmd, &pty.Winsize{Cols: 80, Rows: 24})
			if err != nil {
				t.Fatal(err)
			}
			defer screen.Close()
			text := readUntil(t, screen, "✓") // of the objective
			for range 8 {
				if _, err := screen.WriteString("+"); err != nil {
					t.Fatal(err)
				}
			}
			text = append(text, readFor(screen, 1500*time.Millisecond)...)
			if _, err := screen.WriteString("q"); err != nil {
				t.Fatal(err)
			}
			report := readUntil(t, screen, "the report is of the time until then")
			var exit *exec.ExitError
			if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != exitInterrupted {
				t.Errorf("%v", err)
			}
			if !bytes.Contains(report, []byte("due to end of answer")) {
				t.Errorf("no report after the screen:\n%q", report)
			}
			rate := regexp.MustCompile(`rate +([0-9.]+)/s intended`).FindSubmatch(report)
			if rps, err := strconv.ParseFloat(string(bytes.Join(rate[1:], nil)), 64); err != nil || rps < 102 {
				t.Errorf("+ changed nothing: %q", rate)
			}
			coloured := regexp.MustCompile(`\x1b\[0(;\d+)*;[349]\d(;\d+)*m`).Match(text)
			if coloured != (env != "NO_COLOR=1") {
				t.Errorf("colours: %v", coloured)
			}
		})
	}
}

// readFor reads what a terminal shows in a while.
func readFor(f *os.File, d time.Duration) []byte {
	var got []byte
	buf := make([]byte, 4096)
	for end := time.Now().Add(d); time.Now().Before(end); {
		n, err := f.Read(buf) // there is something new four times a second
		if err != nil {
			break
		}
		got = append(got, buf[:n]...)
	}
	return got
}

// TestLoadAbort stops at once when an objective breaks.
func TestLoadAbort(t *testing.T) {
	t.Parallel()
	s, _ := loadServer(t)
	start := time.Now()
	out, errs, code := execute(t, "load", s.URL+"/bad", "--rate", "50", "--for", "5m", "--slo", "errors<1%", "--abort-on-fail", "--abort-delay", "1s", "--format", "json")
	if code != exitBroken || !strings.Contains(errs, "stopped early") || time.Since(start) > time.Minute {
		t.Errorf("exit %d after %v: %s", code, time.Since(start), errs)
	}
	var doc struct{ Aborted string }
	if err := json.Unmarshal(out, &doc); err != nil || doc.Aborted != "errors<1%" {
		t.Errorf("%v, aborted by %q", err, doc.Aborted)
	}
}

// TestLoadCompare: a slower target is a regression, the same one is none.
func TestLoadCompare(t *testing.T) {
	t.Parallel()
	var pause sync.Map // the one key is how long an answer takes
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		d, _ := pause.Load("")
		time.Sleep(d.(time.Duration))
	}))
	defer s.Close()
	pause.Store("", time.Millisecond)
	base := filepath.Join(t.TempDir(), "base.json")
	run := []string{"load", s.URL, "--rate", "200", "--for", "2s"}
	if _, errs, code := execute(t, append(run, "--json", base)...); code != exitOK {
		t.Fatalf("exit %d: %s", code, errs)
	}
	run = append(run, "--compare", base)
	if out, errs, code := execute(t, append(run, "--tolerance", "1000%")...); code != exitOK { // a busy machine must not fail it
		t.Errorf("the same: exit %d: %s\n%s", code, errs, out)
	}
	pause.Store("", 60*time.Millisecond)
	out, errs, code := execute(t, run...)
	if code != exitBroken || !strings.Contains(errs, "a regression") || !strings.Contains(string(out), "✗ +") {
		t.Errorf("slower: exit %d: %s\n%s", code, errs, out)
	}
	out, errs, code = execute(t, "load", s.URL, "--rate", "100", "--for", "1s", "--compare", base)
	if code != exitUnmeasured || !strings.Contains(string(out), "not like for like") {
		t.Errorf("another rate: exit %d: %s\n%s", code, errs, out)
	}
}

// limitedTo answers at most rps requests a second well, and the rest with 503.
func limitedTo(rps float64) http.Handler {
	var mu sync.Mutex
	level, last := 0.0, time.Now()
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		now := time.Now()
		level = max(level-now.Sub(last).Seconds()*rps, 0) + 1
		last = now
		if level > rps/4 { // bursts of a busy machine pass
			level--
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
}

// TestLoadFindMax finds what a target can take.
func TestLoadFindMax(t *testing.T) {
	t.Parallel()
	const capacity = 150
	s := httptest.NewServer(limitedTo(capacity))
	defer s.Close()
	out, errs, code := execute(t, "load", s.URL, "--find-max", "--rate", "60", "--for", "2s", "--slo", "errors<1%", "--format", "json")
	var doc struct {
		Schema  string
		FindMax load.Found `json:"find_max"`
	}
	if err := json.Unmarshal(out, &doc); err != nil || code != exitOK {
		t.Fatalf("exit %d, %v: %s", code, err, errs)
	}
	found := doc.FindMax
	// A burst of 150/4 requests passes beside; a busy machine may make larger ones.
	if found.RPS == nil || *found.RPS < 0.4*capacity || *found.RPS > 1.25*capacity || doc.Schema != load.Schema {
		t.Errorf("found %v: %s\n%s", found.RPS, found.Why, errs)
	}
	if strings.Count(errs, "\n") < len(found.Steps) {
		t.Errorf("%d steps, but printed were:\n%s", len(found.Steps), errs)
	}
}

// TestLoadFindMaxNone: a target that keeps nothing has no highest rate.
func TestLoadFindMaxNone(t *testing.T) {
	t.Parallel()
	s, _ := loadServer(t)
	out, errs, code := execute(t, "load", s.URL+"/bad", "--find-max", "--rate", "8", "--for", "500ms", "--slo", "errors<1%", "--format", "json")
	var doc struct {
		Status  map[string]int
		FindMax load.Found `json:"find_max"`
	}
	if err := json.Unmarshal(out, &doc); err != nil || code != exitBroken || !strings.Contains(errs, "not even") {
		t.Fatalf("exit %d, %v: %s", code, err, errs)
	}
	if doc.FindMax.RPS != nil || doc.FindMax.BrokeAt == nil || doc.Status["500"] == 0 {
		t.Errorf("%+v, status %v", doc.FindMax, doc.Status)
	}
}

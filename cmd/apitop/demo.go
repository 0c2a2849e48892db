package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"apitop/collectors"
	"apitop/collectors/analysis"
	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
	"apitop/demoapi/faults"
	"apitop/demoapi/serve"
	"apitop/tui"
	"apitop/tui/painter"
	"apitop/tui/theme"
)

// demoFlags are the flags of "apitop demo" beside the common ones.
type demoFlags struct {
	rps      float64
	headless bool
	format   string
	window   time.Duration
	faults   []string // names, to be switched on after a while
}

func newDemo(p process, c *Config) *cobra.Command {
	f := &demoFlags{}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Start a private API with its own Redis, Postgres and traffic, and watch it",
		Long: `Start a demo API with a Redis, a Postgres and traffic of its own, in a temporary
folder and on free ports, and open the dashboard on it. Everything is removed on
exit. Without redis-server or Postgres installed it falls back to an embedded
Redis and to an API that serves from memory, and says so.

Faults show what a problem looks like. --fault switches one on after a calm start:
10 s after the dashboard is there; for a headless report after 3 s, one second
before the time that it tells of. They are
` + faults.Usage(),
		Example: `  apitop demo
  apitop demo --fault n-plus-one
  apitop demo --headless --for 15s --format json
  apitop demo --fault n-plus-one --headless --for 20s --format json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := errors.Join(checkFormat(f.format), checkFaults(f.faults)); err != nil {
				return err
			}
			if err := c.complete(cmd.Flags(), nil, func(string) string { return "" }); err != nil {
				return err
			}
			return runDemo(cmd.Context(), p, *c, *f)
		},
	}
	c.addPace(cmd.Flags())
	c.addTheme(cmd.Flags())
	c.addLog(cmd.Flags())
	cmd.Flags().Float64Var(&f.rps, "rps", serve.DefaultRPS, "traffic in requests per second")
	cmd.Flags().BoolVar(&f.headless, "headless", false, "print one report instead of opening the dashboard")
	cmd.Flags().StringVar(&f.format, "format", "table", "of the headless report: table or json")
	cmd.Flags().DurationVar(&f.window, "for", 15*time.Second, "how long to watch for the headless report")
	cmd.Flags().StringArrayVar(&f.faults, "fault", nil, "`NAME` of a fault to switch on after a while; may be given several times")
	offer(cmd, map[string][]string{"format": formats(), "theme": theme.Names(), "fault": faults.Names()})
	return cmd
}

var errNoTerminal = fmt.Errorf("%w: use --headless to get a report instead of the dashboard", painter.ErrNotTerminal)

// runDemo starts the demo, watches it, and removes it however that ends.
func runDemo(ctx context.Context, p process, c Config, f demoFlags) (err error) {
	if !f.headless && !p.onTerminal() {
		return errNoTerminal // before anything is started
	}
	tame, release := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer release()
	fmt.Fprintln(p.stderr, "apitop: starting a private Redis, Postgres and demo API …")
	serve.LogRedis(slog.DiscardHandler) // that a server is not up yet is no news
	d, err := serve.StartDemo(tame, serve.DemoOptions{RPS: f.rps})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	c.watchDemo(d)
	if f.headless {
		return headlessDemo(tame, p, c, demoRun{d, f})
	}
	if err := checkAvailable(tame, d, f.faults); err != nil {
		return err
	}
	release() // the dashboard has its own way with signals
	later := faultsLater(ctx, d, f.faults)
	return errors.Join(dashboard(ctx, p, c, tui.Options{Faults: faultSwitches(d)}), later())
}

// watchDemo makes d what is watched.
func (c *Config) watchDemo(d *serve.Demo) {
	c.AllowWrites = true // on servers that are its own and end with it
	c.Metrics, c.Redis, c.Postgres, c.PID = []string{d.MetricsURL}, d.RedisURL, d.PostgresDSN, d.APIPID()
	c.Live.Monitor = true // it is the demo's own server
	if c.Postgres == "" {
		c.Absent = append(c.Absent, collectors.Absent{
			From: snapshot.Source{Name: safe.New("postgres"), Kind: snapshot.KindPostgres},
			Note: snapshot.Note{
				What: safe.New("the demo API serves from memory, there is no Postgres here: " + strings.TrimPrefix(d.Notes.Postgres, "none: ")),
			},
		})
	}
}

// demoRun is a running demo and how to report on it.
type demoRun struct {
	*serve.Demo
	demoFlags
}

// trafficCount is the generator's own count over the time of a report.
type trafficCount struct {
	Sent    uint64         `json:"sent"`
	Seconds float64        `json:"seconds"`
	RPS     analysis.Value `json:"rps"`
}

// headlessDemo prints one report, with the generator's own count beside it.
func headlessDemo(ctx context.Context, p process, c Config, d demoRun) error {
	w, err := c.open()
	if err != nil {
		return err
	}
	if err := faultsFirst(ctx, d.Demo, d.faults); err != nil {
		return errors.Join(err, w.Close())
	}
	before := d.Traffic()
	r, err := measure(ctx, w, analysis.Options{Window: d.window, Interval: c.Interval})
	after := d.Traffic()
	if err := errors.Join(err, w.Close()); err != nil {
		return err
	}
	t := trafficCount{Sent: after.Sent - before.Sent, Seconds: after.ElapsedSeconds - before.ElapsedSeconds}
	if t.Seconds > 0 {
		t.RPS = analysis.Value{V: float64(t.Sent) / t.Seconds, OK: true}
	}
	if d.format == "json" {
		return writeDemoJSON(p.stdout, r, demoResult{Traffic: t, Faults: d.faults})
	}
	if err := printReport(p.stdout, d.format, r); err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.stdout, "\ntraffic  %d requests sent in %.1f s: %.2f/s\n", t.Sent, t.Seconds, t.RPS.V)
	return err
}

// demoResult is what a demo's report says about the demo itself.
type demoResult struct {
	Traffic trafficCount `json:"traffic"`
	Faults  []string     `json:"faults,omitempty"` // that were on
}

// writeDemoJSON writes the report with one more member, "demo".
func writeDemoJSON(out io.Writer, r *analysis.Report, d demoResult) error {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(struct {
		*analysis.Report
		Demo demoResult `json:"demo"`
	}{r, d})
	return errors.Join(err, reportState(r))
}

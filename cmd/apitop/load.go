package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"apitop/collectors/safe"
	"apitop/demoapi/load"
	"apitop/tui/theme"
)

func newLoad(p process, c *Config) *cobra.Command {
	f := &loadFlags{}
	cmd := &cobra.Command{
		Use:   "load [URL] [flags]",
		Short: "Send load to an API, measure it, and judge it",
		Long: `Send requests to an API at a rate that does not depend on its answers, and report
how it answered: response times from the moment a request was due, so that no
pause of the server hides, and service times from its sending beside them.

The scenario demo without a URL asks a demoapi at its usual address.
A target must be on this machine, unless --allow-remote is given. On a terminal
the test is shown while it runs; + and - change the rate, q ends it. Exit 0: the
objectives hold; 99: one is broken, or --compare found a regression; 3: they could
not be judged, as for a percentile of too few requests; 130: interrupted (the
report is printed all the same).`,
		Example: `  apitop load http://localhost:8000/products --rate 200/s --for 30s --slo default
  apitop load --scenario demo http://127.0.0.1:8000 --stages 30s:0-200,2m:200,30s:200-500
  apitop load --scenario api.yaml http://localhost:8000 --slo '/orders.p99<400ms' --json now.json --compare base.json
  apitop load http://localhost:8000/ --find-max --slo 'p95<200ms' --slo 'errors<1%'
  apitop load --scenario demo http://127.0.0.1:8000 --users 10 --requests 100`,
		RunE: func(cmd *cobra.Command, args []string) error {
			plan, err := f.plan(args)
			if err != nil {
				return usageError{err}
			}
			if _, err := theme.New(c.Theme, 0); err != nil {
				return usageError{err}
			}
			return runLoad(cmd.Context(), p, &loadRun{plan: plan, flags: f, theme: c.Theme})
		},
	}
	f.add(cmd.Flags())
	c.addTheme(cmd.Flags())
	completeLoad(cmd)
	return cmd
}

// completeLoad tells the shell what may follow a flag.
func completeLoad(cmd *cobra.Command) {
	for name, words := range map[string][]string{
		"arrivals": {"constant", "poisson"}, "format": {"table", "json"}, "slo": {"default", "p95<200ms", "errors<1%", "rps>100"},
		"method": {"GET", "POST", "PUT", "DELETE", "PATCH", "HEAD"}, "keys": {"zipf:0.99:1000", "uniform:1000"},
	} {
		_ = cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)) // fails only for an unknown flag
	}
}

// codedError is an error with an exit code of its own.
type codedError struct {
	error
	code int
}

// loadRun is a load test on its way.
type loadRun struct {
	plan  *loadPlan
	flags *loadFlags
	theme string
}

// loadDocument is the JSON of a test: the report, and what was made of it.
type loadDocument struct {
	*load.Report
	Comparison *load.Comparison `json:"comparison,omitempty"`
	FindMax    *load.Found      `json:"find_max,omitempty"`
	Aborted    string           `json:"aborted,omitempty"` // the objective that ended it
}

// runLoad runs a test and reports on it, however it ends.
func runLoad(ctx context.Context, p process, l *loadRun) error {
	for _, name := range []string{l.flags.jsonFile, l.flags.csvFile} {
		if err := writable(name); err != nil {
			return usageError{err}
		}
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process
	if err := load.Reach(ctx, l.plan.spec.Target); err != nil && ctx.Err() == nil {
		return codedError{err, exitUnmeasured}
	}
	if l.flags.findMax {
		return l.findMax(ctx, p)
	}
	fmt.Fprintln(p.stderr, "apitop: "+l.announcement())
	doc, err := l.measure(ctx, p)
	if err != nil {
		return err
	}
	r := doc.Report
	r.SLO = append([]load.SLOResult{}, load.Judge(l.plan.slos, r)...)
	if l.plan.base != nil {
		c := load.Compare(l.plan.base, r, l.plan.tolerance)
		doc.Comparison = &c
	}
	if err := l.write(p, doc); err != nil {
		return err
	}
	return l.verdict(doc)
}

// measure runs the test.
func (l *loadRun) measure(ctx context.Context, p process) (*loadDocument, error) {
	doc := &loadDocument{}
	var failed error
	err := l.onScreen(ctx, p, func(ctx context.Context, w *loadWatch) {
		doc.Report, failed = w.run(ctx, l.plan.spec)
		doc.Aborted = w.broken
	})
	return doc, errors.Join(err, failed)
}

// writable finds out now whether a file can be written after the test.
func writable(name string) error {
	if name == "" {
		return nil
	}
	file, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY, 0o644) //nolint:gosec // the file that the user names
	if err != nil {
		return fmt.Errorf("open a file for the results: %w", err)
	}
	return file.Close()
}

// announcement is what will be done, in one line.
func (l *loadRun) announcement() string {
	s := l.plan.spec
	what := l.flags.scenario
	if what == "" {
		what = "one URL"
	}
	to := safe.Clean(shownTarget(s.Target), 120)
	if s.Closed != (load.Closed{}) {
		return fmt.Sprintf("%d users ask %s of %s, %d times each …", s.Closed.Users, safe.Clean(what, 60), to, s.Closed.Requests)
	}
	var total time.Duration
	highest := 0.0
	for _, g := range s.Stages {
		total += g.Duration
		highest = max(highest, g.From, g.To)
	}
	return fmt.Sprintf("%s to %s (%s) for %v …", perSecond(highest), to, safe.Clean(what, 60), total)
}

// title is what is tested, for the live view.
func (l *loadRun) title() string {
	t := safe.Clean(shownTarget(l.plan.spec.Target), 120)
	if l.flags.scenario != "" {
		t += "  scenario " + safe.Clean(l.flags.scenario, 60)
	}
	if s := l.plan.spec; s.Closed != (load.Closed{}) {
		return t + fmt.Sprintf("  %d users", s.Closed.Users)
	}
	return t + "  " + l.plan.spec.Arrivals.String()
}

// shownTarget is a target without user, password and query.
func shownTarget(target string) string {
	scheme, rest, _ := strings.Cut(target, "://")
	rest, _, _ = strings.Cut(rest, "?")
	host, path, _ := strings.Cut(rest, "/")
	if at := strings.LastIndexByte(host, '@'); at >= 0 {
		host = host[at+1:]
	}
	return strings.TrimSuffix(scheme+"://"+host+"/"+path, "/")
}

// write prints the report, and writes it to a file if asked.
func (l *loadRun) write(p process, doc *loadDocument) error {
	if l.flags.jsonFile != "" {
		if err := writeFile(l.flags.jsonFile, doc); err != nil {
			return fmt.Errorf("write the report: %w", err)
		}
	}
	var err error
	if l.flags.format == "json" {
		err = encodeLoad(p.stdout, doc)
	} else {
		err = writeLoadTable(p.stdout, doc)
	}
	if err != nil {
		return fmt.Errorf("print the report: %w", err)
	}
	return nil
}

func writeFile(name string, doc *loadDocument) error {
	file, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o644) //nolint:gosec // the file that the user names
	if err != nil {
		return err
	}
	return errors.Join(encodeLoad(file, doc), file.Close())
}

func encodeLoad(out io.Writer, doc *loadDocument) error {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(doc)
}

// verdict is the error that the test ends with; nil when all is well.
func (l *loadRun) verdict(doc *loadDocument) error {
	gate := load.GateOf(doc.SLO)
	switch {
	case doc.Aborted != "":
		return codedError{fmt.Errorf("%s is broken: stopped early", doc.Aborted), exitBroken}
	case doc.Interrupted:
		return codedError{errors.New("interrupted: the report is of the time until then"), exitInterrupted}
	case gate == load.Broken:
		return codedError{fmt.Errorf("broken: %s", unkept(doc.SLO, false)), exitBroken}
	case doc.Comparison != nil && doc.Comparison.Gate == load.Broken:
		return codedError{errors.New("a regression: see the comparison"), exitBroken}
	case gate == load.Unmeasured:
		return codedError{fmt.Errorf("could not judge %s", unkept(doc.SLO, true)), exitUnmeasured}
	case doc.Comparison != nil && doc.Comparison.Gate == load.Unmeasured:
		return codedError{errors.New("could not compare: see the comparison"), exitUnmeasured}
	case len(doc.SLO) > 0 && undersent(doc.Report):
		return codedError{fmt.Errorf("the objectives hold, but at %s instead of %s", perSecond(doc.SentRPS), perSecond(*doc.IntendedRPS)), exitUnmeasured}
	case doc.OK == 0 && len(doc.SLO) == 0:
		return codedError{errors.New("no request was answered well"), exitUnmeasured}
	}
	return nil
}

// undersent tells whether far less than intended was sent, so that the
// objectives were kept at another rate than asked for.
func undersent(r *load.Report) bool {
	const enough = 0.95
	return r.IntendedRPS != nil && r.Seconds > 0 && r.SentRPS+float64(r.Held)/r.Seconds < enough**r.IntendedRPS
}

// unkept lists the objectives that are broken, or those that are open.
func unkept(results []load.SLOResult, open bool) string {
	var out []string
	for _, r := range results {
		if (r.Pass == nil) == open && (open || !*r.Pass) {
			out = append(out, r.Expr)
		}
	}
	return strings.Join(out, ", ")
}

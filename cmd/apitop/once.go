package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"apitop/collectors/analysis"
)

// onceFlags are the flags of "apitop once" beside the common ones.
type onceFlags struct {
	format     string
	window     time.Duration
	byInstance bool
}

func newOnce(p process, c *Config) *cobra.Command {
	f := &onceFlags{}
	cmd := &cobra.Command{
		Use:   "once [URL or FILE…]",
		Short: "Print one report and exit",
		Long: `Print one report and exit: 0, or 3 when a source failed (the rest is printed).

A FILE is a saved metrics page. One file gives the totals since its process
started; two files of one target give what happened between them. With --config
they are read by the mapping that it has for its only page.`,
		Example: `  apitop once http://localhost:8000/metrics --for 10s
  apitop once api-1:8000 api-2:8000 --by-instance
  apitop once before.prom after.prom --format json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkFormat(f.format); err != nil {
				return err
			}
			if files, rest := savedPages(args); len(files) > 0 {
				if len(rest) > 0 {
					return usageError{fmt.Errorf("%s is not a file: files and URLs cannot be mixed", rest[0])}
				}
				how, err := c.savedPage()
				if err != nil {
					return err
				}
				return onceFiles(cmd.Context(), p, *f, newSaved(files, how))
			}
			if err := c.complete(cmd.Flags(), args, p.getenv); err != nil {
				return err
			}
			return onceLive(cmd.Context(), p, *c, *f)
		},
	}
	c.addSources(cmd.Flags())
	c.addPace(cmd.Flags())
	c.addConfig(cmd.Flags())
	cmd.Flags().StringVar(&f.format, "format", "table", "table or json")
	cmd.Flags().DurationVar(&f.window, "for", 10*time.Second, "how long to watch")
	cmd.Flags().BoolVar(&f.byInstance, "by-instance", false, "list the instances of the service, with their routes in JSON")
	offer(cmd, map[string][]string{"format": formats()})
	return cmd
}

func checkFormat(format string) error {
	if !slices.Contains(formats(), format) {
		return usageError{fmt.Errorf("--format %q: use table or json", format)}
	}
	return nil
}

// onceFiles reports on saved metrics pages.
func onceFiles(ctx context.Context, p process, f onceFlags, pages *saved) error {
	var last *analysis.Report
	err := follow(ctx, pages, analysis.New(analysis.Options{ByInstance: f.byInstance}), func(r *analysis.Report) bool {
		last = r
		return true
	})
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return printReport(p.stdout, f.format, last)
}

// onceLive reports on live sources.
func onceLive(ctx context.Context, p process, c Config, f onceFlags) error {
	if f.window < minInterval {
		return usageError{fmt.Errorf("--for %v: at least %v", f.window, minInterval)}
	}
	if !c.hasSource() {
		discover(ctx, &c)
	}
	c.window = f.window
	w, err := c.open()
	if err != nil {
		return err
	}
	r, err := measure(ctx, w, analysis.Options{Window: f.window, Interval: c.Interval, ByInstance: f.byInstance})
	if err := errors.Join(err, w.Close()); err != nil {
		return err
	}
	return printReport(p.stdout, f.format, r)
}

// printReport writes r, and says when a source of it failed.
func printReport(out io.Writer, format string, r *analysis.Report) error {
	write := writeTable
	if format == "json" {
		write = writeJSON
	}
	if err := write(out, r); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return reportState(r)
}

// reportState is errUnmeasured when a source of r failed.
func reportState(r *analysis.Report) error {
	for _, s := range r.Sources {
		if s.State == analysis.StateFailed || s.State == analysis.StateWaiting {
			return errUnmeasured
		}
	}
	return nil
}

func writeJSON(out io.Writer, r *analysis.Report) error {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

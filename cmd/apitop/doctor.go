package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"apitop/cmd/internal/config"
	"apitop/collectors/analysis"
	"apitop/collectors/safe"
)

// checkupSchema names the JSON form of a checkup. Fields are only ever added.
const checkupSchema = "apitop.doctor/1"

// checkup is what "apitop doctor" found.
type checkup struct {
	Schema  string    `json:"schema"`
	At      time.Time `json:"at"`
	OK      bool      `json:"ok"`     // every source answers
	Config  *string   `json:"config"` // the file that was read; null: none
	Sources []checked `json:"sources"`
	Panels  []panel   `json:"panels"`
	Hints   []hint    `json:"hints"` // on how apitop was called
}

// hint is something to do better.
type hint struct {
	What string `json:"what"`
	Fix  string `json:"fix"`
}

// checked is a source, and how its pages are read if it has any.
type checked struct {
	analysis.Source
	Reading *howRead `json:"reading,omitempty"`
}

// checkupTime is the time between the two readings: long enough for a source
// that is read in every second round only.
const checkupTime = time.Second

func newDoctor(p process, c *Config) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "doctor [URL…]",
		Short: "Check every source: reached, permitted, understood, and what to do where not",
		Long: `Read every source twice, as the dashboard does, and say of each: is it reached,
is it permitted, what was recognised and by what, and which panels stay empty,
with the line to type or set that fills them.

Exit 0 when every source answers, 3 when one does not.`,
		Example: `  apitop doctor
  apitop doctor localhost:8000 --redis redis://localhost
  apitop doctor --format json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkFormat(output); err != nil {
				return err
			}
			if err := c.complete(cmd.Flags(), args, p.getenv); err != nil {
				return err
			}
			d, err := examine(cmd.Context(), *c)
			if err != nil {
				return err
			}
			return printCheckup(p, output, d)
		},
	}
	c.addSources(cmd.Flags())
	c.addPace(cmd.Flags())
	c.addConfig(cmd.Flags())
	cmd.Flags().StringVar(&output, "format", "table", "table or json")
	cmd.ValidArgsFunction = cobra.NoFileCompletions
	offer(cmd, map[string][]string{"format": formats()})
	return cmd
}

// examine reads all sources as the dashboard does and judges what came.
func examine(ctx context.Context, c Config) (*checkup, error) {
	if !c.hasSource() {
		discover(ctx, &c)
	}
	w, err := c.open()
	if err != nil {
		return nil, err
	}
	witnesses := watch(w)
	r, err := measure(ctx, w, analysis.Options{Window: max(checkupTime, c.Interval), Interval: c.Interval})
	if err := errors.Join(err, w.Close()); err != nil {
		return nil, err
	}
	witnesses = witnesses.found(w)
	d := &checkup{Schema: checkupSchema, At: r.At, OK: reportState(r) == nil}
	for _, s := range r.Sources {
		d.Sources = append(d.Sources, checked{Source: s, Reading: witnesses.reading(s.Name)})
	}
	d.Hints = append(c.hints(), rightsHint(d.Sources)...)
	if name := safe.Clean(c.File.Name(), 0); name != "" {
		d.Config = &name
	}
	d.Panels = judge(newEvidence(&c, r, witnesses))
	return d, nil
}

// hints warns of passwords that other users can read: on the command line, as
// it is in the list of processes, and in the file that holds the one of Redis.
func (c *Config) hints() []hint {
	hints := []hint{}
	if info, err := os.Stat(c.RedisPassword); err == nil && c.RedisPassword != "" && info.Mode().IsRegular() &&
		info.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows" {
		name := safe.Clean(c.RedisPassword, 0)
		hints = append(hints, hint{What: "other users of this machine can read " + name, Fix: "chmod 600 " + name})
	}
	if !c.typed {
		return hints
	}
	for what, s := range map[string]struct{ address, fix string }{
		"--redis":              {c.Redis, "--redis-password-file FILE, or redis: in the config"},
		"--postgres":           {c.Postgres, "keep it in ~/.pgpass, or the DSN in the config"},
		"--prometheus":         {c.Prometheus, "basic_auth: of prometheus: in the config"},
		"a metrics page's URL": {strings.Join(c.Metrics, " "), "basic_auth: of the page in the config"},
	} {
		if config.HasPassword(s.address) {
			hints = append(hints, hint{What: "other users of this machine can see the password in " + what + " (ps)", Fix: s.fix})
		}
	}
	slices.SortFunc(hints, func(a, b hint) int { return strings.Compare(a.What, b.What) })
	return hints
}

// printCheckup writes d, and fails when a source did.
func printCheckup(p process, output string, d *checkup) error {
	write := func(out io.Writer, d *checkup) error { return writeCheckup(out, d, p.width()) }
	if output == "json" {
		write = func(out io.Writer, d *checkup) error {
			enc := json.NewEncoder(out)
			enc.SetEscapeHTML(false)
			enc.SetIndent("", "  ")
			return enc.Encode(d)
		}
	}
	if err := write(p.stdout, d); err != nil {
		return err
	}
	if !d.OK {
		return errUnmeasured
	}
	return nil
}

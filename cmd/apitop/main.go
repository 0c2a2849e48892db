// Command apitop is a terminal dashboard for live API performance: it polls a
// service's metrics, its Redis, its Postgres and the host, and answers in one
// screen whether the API is healthy, what changed, who is hurt, and why.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"apitop/cmd/internal/build"
	"apitop/collectors/safe"
	"apitop/demoapi/serve"
	"apitop/tui"
	_ "apitop/tui/background" // before anything of Bubble Tea: see there
	"apitop/tui/painter"
	"apitop/tui/theme"
)

// Exit codes, as documented in the README.
const (
	exitOK          = 0
	exitFailure     = 1
	exitUsage       = 2
	exitUnmeasured  = 3   // a source failed; what could be read was printed
	exitPanic       = 70  // a fault in apitop
	exitBroken      = 99  // an objective is broken, or a comparison found a regression
	exitHangup      = 129 // the terminal is gone
	exitInterrupted = 130
)

// process is what the commands need of the process they run in.
type process struct {
	getenv         func(string) string
	stdin          *os.File
	stdout, stderr io.Writer
	terminal       *os.File // where the dashboard is drawn
}

// onTerminal tells whether a dashboard could be drawn.
func (p process) onTerminal() bool {
	return term.IsTerminal(int(p.stdin.Fd())) && term.IsTerminal(int(p.terminal.Fd()))
}

func main() {
	if handled, code := serve.Child(os.Args[1:]); handled {
		os.Exit(code)
	}
	p := process{getenv: os.Getenv, stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, terminal: os.Stdout}
	os.Exit(run(context.Background(), p, os.Args[1:]))
}

// run executes one command line and gives its exit code.
func run(ctx context.Context, p process, args []string) int {
	root := newRoot(p)
	root.SetArgs(args)
	root.SetIn(p.stdin)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	return exitCode(p, root.ExecuteContext(ctx))
}

// usageError is a command line that cannot be obeyed.
type usageError struct{ error }

// unmeasured says that a source failed although a report was printed.
var errUnmeasured = errors.New("a source failed: see the report")

// exitCode maps an error to an exit code and says it in one line.
func exitCode(p process, err error) int {
	var crash *painter.PanicError
	var usage usageError
	var coded codedError
	code, text := exitFailure, ""
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &crash):
		code, text = exitPanic, crashReport(p, crash)
	case errors.As(err, &usage):
		code = exitUsage
	case errors.As(err, &coded):
		code = coded.code
	case errors.Is(err, errUnmeasured):
		code = exitUnmeasured
	case errors.Is(err, painter.ErrHangup):
		return exitHangup
	case errors.Is(err, painter.ErrInterrupted), errors.Is(err, context.Canceled):
		return exitInterrupted
	}
	if text == "" {
		text = safe.Clean(err.Error(), 0) // one line, whatever is in it
	}
	fmt.Fprintln(p.stderr, "apitop: "+text)
	return code
}

// newRoot builds the command line.
func newRoot(p process) *cobra.Command {
	c := &Config{}
	root := &cobra.Command{
		Use:   "apitop [URL…]",
		Short: "A terminal dashboard for live API performance",
		Long: `apitop watches a service through its Prometheus metrics, its Redis, its
Postgres and the host, in one screen. It only reads, unless --allow-writes lets you change keys of Redis.

Without any source it takes APITOP_METRICS, REDIS_URL and DATABASE_URL from the
environment, else those of the configuration file, else it looks at the usual
local ports. "apitop doctor" says what is missing, and how to get it.`,
		Example: `  apitop http://localhost:8000/metrics --redis redis://localhost --postgres postgres://localhost/app
  apitop demo
  apitop once http://localhost:8000/metrics --format json --for 10s`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		SilenceErrors:     true,
		SilenceUsage:      true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if c.Version {
				_, err := fmt.Fprintln(p.stdout, build.Version("apitop"))
				return err
			}
			if err := c.complete(cmd.Flags(), args, p.getenv); err != nil {
				return err
			}
			return dashboard(cmd.Context(), p, *c, tui.Options{})
		},
	}
	// Our own flag: cobra's links text/template, which makes the linker keep every
	// exported method of every package (+10 MB).
	root.Flags().BoolVar(&c.Version, "version", false, "print version, commit and Go version")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	c.addSources(root.Flags())
	c.addPace(root.Flags())
	c.addTheme(root.Flags())
	c.addWrites(root.Flags())
	c.addConfig(root.Flags())
	offer(root, map[string][]string{"theme": theme.Names()})
	root.AddCommand(newOnce(p, c), newDoctor(p, c), newDemo(p, c), newLoad(p, c))
	return root
}

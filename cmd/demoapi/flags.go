package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"
	"github.com/spf13/cobra"

	"apitop/cmd/internal/build"
	"apitop/demoapi/faults"
	"apitop/demoapi/limit"
	"apitop/demoapi/serve"
)

// maxTraffic is more than a generator on one machine can send.
const maxTraffic = 100_000

// Words instead of an address.
const (
	embeddedRedis  = "embedded"
	memoryPostgres = "memory"
)

// config is what the command line says.
type config struct {
	listen   string   // host:port; port 0: any free one
	redis    string   // "": a private server; "embedded"; or an address
	postgres string   // "": a private server; "memory"; or an address
	traffic  float64  // requests a second; 0: none
	faults   []string // names, to be switched on at the start
	limiter  string   // algorithm of the limiter
	pprof    string   // address of the profiles; "": none
	version  bool     // only print the version
}

// usageError is a mistake in the command line.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// run parses args and serves until ctx ends.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var c config
	cmd := &cobra.Command{
		Use:   "demoapi",
		Short: "A small cached and rate-limited shop API to try apitop on",
		Long: `A small cached and rate-limited shop API to try apitop on.

Alone it starts a private Redis and Postgres in a temporary folder, on sockets
that only you can use, and removes them at the end. It prints the apitop command
that watches it and logs JSON to stderr.

Faults show what a problem looks like. They are switched by --fault, or while it
runs by a POST of {"NAME": true} as application/json to /demo/faults, which lists
them on GET. They are
` + faults.Usage(),
		Example: `  demoapi                                 own servers, no traffic
  demoapi --traffic 50                    ... and 50 requests a second
  demoapi --traffic 50 --fault n-plus-one
  demoapi --redis embedded --postgres memory
  demoapi --redis redis://localhost/9 --postgres postgres://me@localhost/shop`,
		Args:          cobra.NoArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if c.version {
				_, err := fmt.Fprintln(stdout, build.Version("demoapi"))
				return err
			}
			if err := c.check(); err != nil {
				return usageError{err}
			}
			return c.serve(cmd.Context(), stdout, stderr)
		},
	}
	cmd.Flags().StringVar(&c.listen, "listen", serve.DefaultListen, "`address` to listen on; port 0 takes a free one")
	cmd.Flags().StringVar(&c.redis, "redis", "", "`URL` of a Redis database that is empty or the demo's; \"embedded\": a simulated one (default: an own server)")
	cmd.Flags().StringVar(&c.postgres, "postgres", "", "`DSN` of a database for the schema apitop_demo; \"memory\": none (default: an own server)")
	cmd.Flags().Float64Var(&c.traffic, "traffic", 0, "requests a second to send to itself, from a process of its own")
	cmd.Flags().StringArrayVar(&c.faults, "fault", nil, "`NAME` of a fault to switch on at once; may be given several times")
	cmd.Flags().StringVar(&c.limiter, "limiter", string(limit.GCRA), "algorithm of the limiter: "+algorithms())
	cmd.Flags().StringVar(&c.pprof, "pprof", "", "loopback `address` to serve profiles on, as 127.0.0.1:6060")
	// Cobra's own flag for it brings text/template along, and that half a binary.
	cmd.Flags().BoolVar(&c.version, "version", false, "print the version and exit")
	cmd.SetArgs(args)
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	var started bool
	cmd.PersistentPreRun = func(*cobra.Command, []string) { started = true }
	err := cmd.ExecuteContext(ctx)
	if err != nil && !started {
		return usageError{err} // cobra's own: flags and arguments
	}
	return err
}

// check finds what is wrong with the values. It never repeats an address, which
// may hold a password.
func (c config) check() error {
	_, port, err := net.SplitHostPort(c.listen)
	if err != nil {
		return fmt.Errorf("--listen %q: want host:port, as 127.0.0.1:8000", c.listen)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return fmt.Errorf("--listen %q: the port must be a number from 0 to 65535", c.listen)
	}
	if c.redis != "" && c.redis != embeddedRedis {
		if _, err := redis.ParseURL(c.redis); err != nil {
			return errors.New(`--redis: cannot read the address; want redis://host:6379/0, rediss://, unix:///path, or "embedded"`)
		}
	}
	if c.postgres != "" && c.postgres != memoryPostgres {
		if _, err := pgxpool.ParseConfig(c.postgres); err != nil {
			return errors.New(`--postgres: cannot read the address; want postgres://user@host:5432/database, key=value pairs, or "memory"`)
		}
	}
	if !(c.traffic >= 0 && c.traffic <= maxTraffic) { // also not a number
		return fmt.Errorf("--traffic %v: want 0 to %d requests a second", c.traffic, maxTraffic)
	}
	if !slices.Contains(limit.Algorithms(), limit.Algorithm(c.limiter)) {
		return fmt.Errorf("--limiter %q: want %s", c.limiter, algorithms())
	}
	if c.pprof != "" {
		if err := serve.CheckLoopback(c.pprof); err != nil {
			return fmt.Errorf("--pprof %s: %w", c.pprof, err)
		}
	}
	for _, name := range c.faults {
		if err := faults.Check(name); err != nil {
			return fmt.Errorf("--fault: %w", err)
		}
	}
	return nil
}

// algorithms are the limiter's, in words.
func algorithms() string {
	var names []string
	for _, a := range limit.Algorithms() {
		names = append(names, string(a))
	}
	return strings.Join(names, " or ")
}

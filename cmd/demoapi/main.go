// Command demoapi runs the demo API alone: a small shop, cached and rate-limited,
// to try apitop on. It brings its own Redis and Postgres unless it is given some.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"apitop/demoapi/serve"
)

func main() {
	if handled, code := serve.Child(os.Args[1:]); handled {
		os.Exit(code)
	}
	os.Exit(status(os.Args[1:], os.Stdout, os.Stderr))
}

// status runs the program and tells its exit status: 0 when it ended as asked,
// also by a signal; 1 when it failed; 2 when it was called wrongly.
func status(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	// The first signal ends it in order; the second one at once.
	context.AfterFunc(ctx, stop)
	err := run(ctx, args, stdout, stderr)
	var usage usageError
	switch {
	case err == nil, errors.Is(err, context.Canceled) && ctx.Err() != nil:
		return 0
	case errors.As(err, &usage):
		fmt.Fprintln(stderr, "demoapi:", err)
		fmt.Fprintln(stderr, "see demoapi --help")
		return 2
	default:
		fmt.Fprintln(stderr, "demoapi:", err)
		return 1
	}
}

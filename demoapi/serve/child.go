package serve

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"apitop/demoapi/proc"
)

// The hidden first arguments of a program that is started again for one job. The
// job's settings come as a line of JSON on stdin, not as arguments, which anybody
// can read; stdin then stays open for as long as the owner lives.
const (
	apiMode     = "__demo-api"
	trafficMode = "__demo-traffic"
)

// childPatience bounds the time until a child says that it is ready; seeding a
// database is the longest part of it.
const childPatience = 30 * time.Second

// hello is a child's first line on stdout.
type hello struct {
	Addr  string `json:"addr,omitempty"` // where the API listens, "127.0.0.1:34567"
	PID   int    `json:"pid"`
	Error string `json:"error,omitempty"` // why it ends instead
}

// Child runs the job that args (os.Args without the program's name) ask for: the
// guard, the API or the traffic of a demo. main calls it before anything else
// and exits with code when handled is true.
func Child(args []string) (handled bool, code int) {
	if handled, code := proc.RunGuard(args); handled {
		return true, code
	}
	if len(args) != 1 {
		return false, 0
	}
	job, ok := map[string]job{apiMode: apiChild, trafficMode: trafficChild}[args[0]]
	if !ok {
		return false, 0
	}
	// The terminal's signals are the owner's business.
	signal.Ignore(syscall.SIGINT, syscall.SIGHUP)
	return true, runChild(os.Stdin, os.Stdout, job)
}

// job is what a child does until ctx ends: settings is what its owner handed
// over.
type job func(ctx context.Context, settings json.RawMessage, o *ownerLink) error

// runChild reads the settings, runs the job until the owner is gone or sends
// SIGTERM, and returns the exit code.
func runChild(in io.Reader, out io.Writer, do job) int {
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()
	var config json.RawMessage
	dec := json.NewDecoder(in)
	if err := dec.Decode(&config); err != nil {
		fmt.Fprintln(os.Stderr, "this command is internal: no settings on stdin")
		return 2
	}
	o := newOwnerLink(out)
	go func() {
		o.listen(dec) // ends with the owner, however that ends
		cancel()
	}()
	if err := do(ctx, config, o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		_ = o.tell(hello{PID: os.Getpid(), Error: err.Error()}) // the owner may be gone
		return 1
	}
	return 0
}

// writeLine writes v as one line of JSON.
func writeLine(w io.Writer, v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode a line: %w", err)
	}
	_, err = w.Write(append(line, '\n'))
	return err
}

// next takes a line of a child after its first; what it writes to reply reaches
// the child. It is called from one goroutine, in the order of the lines.
type next func(line []byte, reply io.Writer)

// startChild starts this program again for a job and waits for its first line.
// Every further line goes to next, until the child has ended.
func startChild(ctx context.Context, g *proc.Guard, mode string, config any, next next) (*proc.Process, hello, error) {
	c, err := newPipes(g.Dir(), mode)
	if err != nil {
		return nil, hello{}, err
	}
	defer c.closeTheirs()
	cmd, err := proc.Self(mode)
	if err != nil {
		return nil, hello{}, errors.Join(err, c.closeOurs())
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = c.inTheirs, c.outTheirs, c.log
	p, err := g.Start(cmd, mode, syscall.SIGTERM)
	if err != nil {
		return nil, hello{}, errors.Join(err, c.closeOurs())
	}
	first := make(chan hello, 1)
	go c.read(first, next)
	if err := writeLine(c.in, config); err != nil {
		return nil, hello{}, errors.Join(fmt.Errorf("%s: hand over the settings: %w", mode, err), p.Stop())
	}
	h, err := awaitHello(ctx, p, first)
	if err != nil {
		return nil, hello{}, errors.Join(fmt.Errorf("%s: %w", mode, err), p.Stop())
	}
	return p, h, nil
}

func awaitHello(ctx context.Context, p *proc.Process, first <-chan hello) (hello, error) {
	ctx, cancel := context.WithTimeout(ctx, childPatience)
	defer cancel()
	select {
	case h, ok := <-first:
		switch {
		case !ok:
			select {
			case <-p.Done(): // it closed its stdout: it has ended, or is about to
			case <-ctx.Done():
			}
			return hello{}, errors.Join(errors.New("ended without a word"), p.Err())
		case h.Error != "":
			return hello{}, errors.New(h.Error)
		}
		return h, nil
	case <-ctx.Done():
		return hello{}, fmt.Errorf("not ready: %w", ctx.Err())
	}
}

// pipes connect a child with its owner.
type pipes struct {
	in, out             *os.File // our ends
	inTheirs, outTheirs *os.File
	log                 *os.File // the child's stderr, in the private folder
}

func newPipes(dir, name string) (c *pipes, err error) {
	c = &pipes{}
	c.log, err = os.OpenFile(filepath.Join(dir, name[2:]+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600) //nolint:gosec // in the private folder
	if err == nil {
		c.inTheirs, c.in, err = os.Pipe()
	}
	if err == nil {
		c.out, c.outTheirs, err = os.Pipe()
	}
	if err != nil {
		c.closeTheirs()
		return nil, errors.Join(fmt.Errorf("connect a child: %w", err), c.closeOurs())
	}
	return c, nil
}

func (c *pipes) closeTheirs() {
	for _, f := range []*os.File{c.inTheirs, c.outTheirs, c.log} {
		if f != nil {
			_ = f.Close() // nothing of ours was written to it
		}
	}
}

func (c *pipes) closeOurs() error {
	var errs []error
	for _, f := range []*os.File{c.in, c.out} {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}

// read takes the child's lines until its end, and then lets go of our ends: the
// child's stdin must not close before.
func (c *pipes) read(first chan<- hello, next next) {
	defer func() {
		close(first)
		_ = c.closeOurs()
	}()
	lines := bufio.NewScanner(c.out)
	for began := false; lines.Scan(); {
		if began {
			next(lines.Bytes(), c.in)
			continue
		}
		var h hello
		if json.Unmarshal(lines.Bytes(), &h) != nil {
			continue // a library that prints: not ours
		}
		began = true
		first <- h
	}
	_, _ = io.Copy(io.Discard, c.out) // after a line too long: it must not block
}

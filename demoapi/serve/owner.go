package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"apitop/demoapi/stack"
)

// request asks a child's owner to stop or start a server that it has started.
type request struct {
	ID     int    `json:"id"`
	Server string `json:"server"`
	Up     bool   `json:"up"`
}

// reply says how a request ended.
type reply struct {
	ID    int    `json:"id"`
	Error string `json:"error,omitempty"`
}

// ownerLink is how a child reaches the process that started it: a line of JSON on
// stdout asks for something, a line on stdin answers.
type ownerLink struct {
	replies chan reply
	gone    chan struct{} // closed when the owner listens no more

	asking sync.Mutex // held for one question and its answer; guards last
	last   int

	mu  sync.Mutex // guards out: lines must not mix
	out io.Writer
}

func newOwnerLink(out io.Writer) *ownerLink {
	return &ownerLink{out: out, replies: make(chan reply, 1), gone: make(chan struct{})}
}

// tell writes v as a line.
func (o *ownerLink) tell(v any) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return writeLine(o.out, v)
}

// listen takes the owner's lines until it is gone.
func (o *ownerLink) listen(lines *json.Decoder) {
	defer close(o.gone)
	for {
		var r reply
		if lines.Decode(&r) != nil {
			return
		}
		select {
		case o.replies <- r:
		default: // to a question that nobody waits for any more
		}
	}
}

// Switch implements [Switcher].
func (o *ownerLink) Switch(ctx context.Context, server string, up bool) error {
	o.asking.Lock()
	defer o.asking.Unlock()
	o.last++
	select {
	case <-o.replies: // late, to an earlier question
	default:
	}
	if err := o.tell(request{ID: o.last, Server: server, Up: up}); err != nil {
		return fmt.Errorf("ask the demo's owner: %w", err)
	}
	for {
		select {
		case r := <-o.replies:
			switch {
			case r.ID != o.last:
				continue
			case r.Error != "":
				return errors.New(r.Error)
			}
			return nil
		case <-o.gone:
			return errors.New("the demo's owner is gone")
		case <-ctx.Done():
			return fmt.Errorf("wait for the demo's owner: %w", ctx.Err())
		}
	}
}

// serveRequests answers the requests of a child that the stack is for.
func serveRequests(s *stack.Stack) next {
	return func(line []byte, to io.Writer) {
		var q request
		if json.Unmarshal(line, &q) != nil || q.ID == 0 {
			return // a library that prints: not ours
		}
		ctx, cancel := context.WithTimeout(context.Background(), switchPatience)
		defer cancel()
		r := reply{ID: q.ID}
		if err := (stackServers{s}).Switch(ctx, q.Server, q.Up); err != nil {
			r.Error = err.Error()
		}
		_ = writeLine(to, r) // the child may be gone
	}
}

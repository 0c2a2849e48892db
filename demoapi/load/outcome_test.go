package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestErrorsByKind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fails := []error{syscall.ECONNREFUSED, syscall.ECONNRESET, io.EOF, os.ErrDeadlineExceeded, errors.New("odd")}
		var mu sync.Mutex
		n := 0
		transport := served(func(r *http.Request) (*http.Response, error) {
			mu.Lock()
			defer mu.Unlock()
			n++
			switch n % 7 {
			case 5:
				return respond(503, ""), nil
			case 6: // the body never comes
				resp := respond(200, "")
				resp.Body = io.NopCloser(waiting{r.Context()})
				return resp, nil
			}
			return nil, &net.OpError{Op: "read", Err: fails[n%7]}
		})
		rep := run(t, Spec{Stages: steady(7, time.Minute), Seed: 1, Transport: transport})
		for kind, want := range map[string]uint64{"refused": 60, "reset": 60, "eof": 60, "timeout": 60 + 60, "other": 60} {
			if got := rep.ErrorKinds[kind]; got != want {
				t.Errorf("%d errors of the kind %s, want %d", got, kind, want)
			}
		}
		if rep.Status["503"] != 60 || rep.Errors != 420 || rep.OK != 0 || rep.Response.P50 != nil {
			t.Errorf("%+v, want 420 errors, 60 of them of status 503", rep)
		}
	})
}

// waiting is a body that never comes.
type waiting struct{ ctx context.Context }

func (w waiting) Read([]byte) (int, error) { <-w.ctx.Done(); return 0, w.ctx.Err() }

// TestOutcomes: each status counts as what it is, and only good answers have a
// latency in the figures.
func TestOutcomes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		statuses := []int{200, 201, 302, 404, 429, 500, 503, 400}
		var n int
		transport := served(func(r *http.Request) (*http.Response, error) {
			n++
			time.Sleep(time.Duration(statuses[n%8]) * time.Microsecond)
			return respond(statuses[n%8], "four"), nil
		})
		rep := run(t, Spec{Target: "http://bob:secret@shop:80/a/b?c=d", Stages: steady(10, 80*sec), Seed: 1, Transport: transport})
		if rep.OK != 300 || rep.ClientErrors != 200 || rep.Throttled != 100 || rep.Errors != 200 || rep.Bytes != 3200 || rep.TTFB.Count != 300 {
			t.Errorf("%+v", rep)
		}
		if m := *rep.Response.Max; m < 301e-6 || m > 303e-6 {
			t.Errorf("the longest good answer took %v s, want 302 µs", m)
		}
		if rep.Target != "http://shop:80/a/b" || len(rep.Routes) != 1 || rep.Routes[0].Route != "/a/b" || rep.Routes[0].Throttled != 100 {
			t.Errorf("target %q, routes %+v", rep.Target, rep.Routes)
		}
		classes := map[string]uint64{}
		for _, c := range rep.Classes {
			classes[c.Class] = c.Requests
		}
		if want := map[string]uint64{"2xx": 200, "3xx": 100, "4xx": 200, "429": 100, "5xx": 200}; fmt.Sprint(classes) != fmt.Sprint(want) {
			t.Errorf("classes %v, want %v", classes, want)
		}
	})
}

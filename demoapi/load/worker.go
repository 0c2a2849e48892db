package load

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxAnswer bounds how much of an answer is kept where its text matters. The
// rest, and all of the other answers, is read and forgotten.
const maxAnswer = 64 << 10

// bufferSize of a worker's reads.
const bufferSize = 16 << 10

// job is a plan with its time.
type job struct {
	plan
	due      time.Duration // after the start
	begun    time.Duration
	waited   bool // for a place
	measured bool // not in the warm-up
}

// outcome is how a job ended.
type outcome struct {
	job
	header time.Duration // when the header was there; 0: never
	end    time.Duration
	status int    // 0: no whole answer
	kind   string // why there is none
	bytes  int64
	over   bool // the run was told to stop: nobody's failure
	limits http.Header
}

// worker sends one request after another. Keeping it saves a new stack, a timer
// and a context for each request.
type worker struct {
	r         *Runner
	parent    context.Context
	transport http.RoundTripper
	wire      *wire         // the transport, unless the spec brings one
	base      *http.Request // with a context that ends at the timeout
	cancel    context.CancelFunc
	timer     *time.Timer
	buf       []byte
}

func (r *Runner) newWorker(ctx context.Context) *worker {
	w := &worker{r: r, parent: ctx, transport: r.spec.Transport, buf: make([]byte, bufferSize)}
	if w.transport == nil {
		w.wire = &wire{dial: r.dial, opened: &r.dialed}
		w.transport = w.wire
	}
	w.renew()
	return w
}

// renew makes the context for the next requests; the last one has ended.
func (w *worker) renew() {
	ctx, cancel := context.WithCancel(w.parent)
	w.base, w.cancel = (&http.Request{}).WithContext(ctx), cancel
	if w.wire != nil {
		w.wire.resume()
		unlink := context.AfterFunc(ctx, w.wire.abort)
		w.cancel = func() { unlink(); cancel() }
	}
	w.timer = time.AfterFunc(w.r.spec.Timeout, cancel)
	w.timer.Stop()
}

func (w *worker) close() {
	w.timer.Stop()
	w.cancel()
	if w.wire != nil {
		w.wire.close()
	}
}

// do sends a job, waits for the whole answer, and records how it went.
func (w *worker) do(j job) outcome {
	o := outcome{job: j}
	w.timer.Reset(w.r.spec.Timeout)
	resp, err := w.transport.RoundTrip(w.r.planner.request(j.plan, w.base))
	var kept []byte
	if err == nil {
		o.header = w.r.clock()
		o.limits = resp.Header
		o.bytes, kept, err = w.read(resp.Body, j.login)
		_ = resp.Body.Close() // all that matters was read
	}
	o.end = w.r.clock()
	timely := w.timer.Stop()
	if err != nil {
		if o.kind = errorKind(err); !timely {
			o.kind = "timeout"
		}
		o.over = w.parent.Err() != nil
	} else {
		o.status = resp.StatusCode
	}
	if !timely {
		w.cancel()
		w.renew()
	}
	w.learn(&o, kept)
	return o
}

// read reads a body to its end, and keeps its start if keep is set. A compressed
// body stays so: unpacking it is not the generator's business.
func (w *worker) read(body io.Reader, keep bool) (n int64, kept []byte, err error) {
	for {
		k, err := body.Read(w.buf)
		n += int64(k)
		if keep && len(kept) < maxAnswer {
			kept = append(kept, w.buf[:k]...)
		}
		if err == io.EOF {
			return n, kept, nil
		}
		if err != nil {
			return n, kept, err
		}
	}
}

// learn takes from an answer what its caller needs later.
func (w *worker) learn(o *outcome, kept []byte) {
	who := o.who
	if o.login {
		if token := w.r.token(o.status, kept); token != "" {
			who.logged(token)
		} else {
			who.failed(time.Now())
		}
	}
	switch {
	case o.status == http.StatusUnauthorized && o.token != nil:
		who.token.CompareAndSwap(o.token, nil) // expired, or the API has a new secret
	case o.status == http.StatusCreated && o.route.follow != nil:
		if at := o.limits.Get("Location"); strings.HasPrefix(at, "/") && !strings.ContainsAny(at, " #") {
			who.follow.Store(&followUp{route: o.route.follow, path: at})
		}
	case o.status == http.StatusTooManyRequests && w.r.spec.ObeyRetryAfter:
		if wait := retryAfter(o.limits, time.Now()); wait > 0 {
			who.heldUntil.Store(time.Now().Add(wait).UnixNano())
		}
	}
}

// token is the token in an answer to a login; "" is none.
func (r *Runner) token(status int, body []byte) string {
	var answer map[string]json.RawMessage
	var token string
	if status != http.StatusOK && status != http.StatusCreated || json.Unmarshal(body, &answer) != nil {
		return ""
	}
	if json.Unmarshal(answer[r.scenario.Login.Token], &token) != nil {
		return ""
	}
	return token
}

// longestWait bounds what is believed of a Retry-After.
const longestWait = 24 * time.Hour

// retryAfter is the wait that an answer asks for, in seconds or as a date; 0 is
// none.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if n, err := strconv.ParseUint(text, 10, 32); err == nil {
		return min(time.Duration(n)*time.Second, longestWait)
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(at.Sub(now), 0), longestWait)
	}
	return 0
}

// setBody gives a request a text, such that it can be sent again on a new
// connection when an idle one turns out to be closed.
func setBody(req *http.Request, text string) {
	req.ContentLength = int64(len(text))
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }
	req.Body = io.NopCloser(strings.NewReader(text))
}

package faults

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	// mostAtOnce bounds the connections of all faults' traffic together.
	mostAtOnce = 96
	// callTimeout bounds one request: longer than the API's own limits.
	callTimeout = 5 * time.Second
	// mostRead bounds what is read of an answer.
	mostRead = 1 << 20
	// mostBehind is how late the schedule may be; what is later is left out.
	mostBehind = 500 * time.Millisecond
)

func newClient() *http.Client {
	return &http.Client{
		Timeout: callTimeout,
		Transport: &http.Transport{
			MaxConnsPerHost: mostAtOnce, MaxIdleConnsPerHost: mostAtOnce, IdleConnTimeout: 30 * time.Second,
			DisableCompression: true,
		},
		// The API redirects nowhere; who else answers is not followed.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// call is one request of a fault's own traffic.
type call struct {
	method, path string
	body         string // JSON
	token        string // empty: a guest
	client       string // tells guests apart
}

// do sends c and reads the answer, whatever it is: what comes of it is the API's
// business, and is seen in the API's figures.
func (e *env) do(ctx context.Context, c call) {
	req, err := http.NewRequestWithContext(ctx, c.method, e.BaseURL+c.path, strings.NewReader(c.body))
	if err != nil {
		return // a base URL that cannot be read: there is nobody to call
	}
	req.Header.Set("User-Agent", "apitop-demo-fault")
	if c.body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	if c.client != "" {
		req.Header.Set("X-Client-Id", c.client)
	}
	resp, err := e.client.Do(req)
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, mostRead)) // a broken answer is one, too
	_ = resp.Body.Close()
}

// stream is traffic at a steady rate.
type stream struct {
	rate float64 // calls a second
	most int     // at once; a call that finds no room is left out
	next func(i int) call
}

// send sends the stream until ctx ends, and waits for the last answers.
func (e *env) send(ctx context.Context, s stream) {
	var running sync.WaitGroup
	defer running.Wait()
	room := make(chan struct{}, s.most)
	began := time.Now()
	for i := 0; ; i++ {
		wait := time.Until(began.Add(time.Duration(float64(i) / s.rate * float64(time.Second))))
		if wait < -mostBehind {
			began = began.Add(-wait)
		}
		if !rest(ctx, max(0, wait)) {
			return
		}
		select {
		case room <- struct{}{}:
			running.Go(func() {
				defer func() { <-room }()
				e.do(ctx, s.next(i))
			})
		default:
		}
	}
}

// together sends n calls at the same time and waits for their answers.
func (e *env) together(ctx context.Context, n int, c func(i int) call) {
	var running sync.WaitGroup
	for i := range n {
		running.Go(func() { e.do(ctx, c(i)) })
	}
	running.Wait()
}

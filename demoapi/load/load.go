// Package load sends traffic to the demo API as its customers would: guests and
// users of all tiers, popular and forgotten products, some orders, and one
// client that asks too much.
//
// The load is open: each request has its time on an absolute schedule, whether
// the ones before were answered or not. A slow server does not slow the traffic.
package load

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Config of a [Generator]. Only URL and RPS are needed.
type Config struct {
	URL         string        // of the API, "http://127.0.0.1:8000"
	RPS         float64       // requests a second in all, logins and the abuser included; > 0
	Timeout     time.Duration // of one request; 0: 5 s
	MaxInFlight int           // requests under way at once; 0: 4 x RPS x Timeout, 16 to 4096
	Products    int           // ids 1..Products are asked for; 0: 1000
	Calm        bool          // leave the abuser out
	Seed        uint64        // the same seed gives the same requests; 0: a different one each time

	Transport http.RoundTripper // nil: one of its own
}

func (c Config) check() error {
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		// The address may hold a password, so it is not repeated.
		return errors.New("load: cannot use the URL: want http://host:port")
	}
	if !(c.RPS > 0 && c.RPS <= maxRPS) {
		return fmt.Errorf("load: %v requests a second: want more than 0, at most %v", c.RPS, maxRPS)
	}
	if c.Products < 0 || c.MaxInFlight < 0 || c.Timeout < 0 {
		return errors.New("load: products, requests in flight and timeout must not be negative")
	}
	return nil
}

func (c Config) withDefaults() Config {
	c.URL = strings.TrimSuffix(c.URL, "/")
	if c.Timeout == 0 {
		c.Timeout = 5 * time.Second
	}
	if c.MaxInFlight == 0 {
		c.MaxInFlight = int(min(max(4*c.RPS*c.Timeout.Seconds(), 16), 4096))
	}
	if c.Products == 0 {
		c.Products = 1000
	}
	if c.Seed == 0 {
		c.Seed = rand.Uint64()
	}
	return c
}

// Generator sends traffic. Stats and Sent may be called at any time.
type Generator struct {
	cfg     Config
	tally   tally
	planner *planner
}

// New prepares a generator.
func New(cfg Config) (*Generator, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	return &Generator{cfg: cfg, planner: newPlanner(cfg)}, nil
}

// Run sends traffic until ctx ends and returns the totals.
func Run(ctx context.Context, cfg Config) (Stats, error) {
	g, err := New(cfg)
	if err != nil {
		return Stats{}, err
	}
	g.Run(ctx)
	return g.Stats(), nil
}

// Stats are the totals so far. The caller owns what it gets.
func (g *Generator) Stats() Stats { return g.tally.snapshot() }

// Sent is the number of requests begun so far.
func (g *Generator) Sent() uint64 { return g.tally.snapshot().Sent }

// Run sends traffic until ctx ends; requests under way are then abandoned. It
// may be called once.
func (g *Generator) Run(ctx context.Context) {
	transport := g.cfg.Transport
	if transport == nil {
		t := &http.Transport{MaxIdleConnsPerHost: min(g.cfg.MaxInFlight, 256), IdleConnTimeout: 30 * time.Second, DisableCompression: true}
		defer t.CloseIdleConnections()
		transport = t
	}
	s := sender{cfg: g.cfg, tally: &g.tally, client: &http.Client{Transport: transport, CheckRedirect: sameAnswer}}
	places := make(chan struct{}, g.cfg.MaxInFlight)
	var running sync.WaitGroup
	defer g.tally.end()
	defer running.Wait()
	g.tally.begin()
	start := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for i := uint64(0); ; i++ {
		due := start.Add(offset(i, g.cfg.RPS))
		timer.Reset(time.Until(due))
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		if n := surplus(time.Since(due), g.cfg.RPS); n > 0 {
			g.tally.skipped(n)
			i += n - 1
			continue
		}
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
			return
		}
		g.tally.sent(time.Since(due))
		r := g.planner.next(time.Now())
		running.Go(func() { defer func() { <-places }(); s.send(ctx, r) })
	}
}

// sameAnswer counts a redirect as the answer it is.
func sameAnswer(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// sender sends single requests.
type sender struct {
	cfg    Config
	tally  *tally
	client *http.Client
}

// maxAnswer bounds how much of an answer is read; ours have a few KB.
const maxAnswer = 1 << 20

func (s sender) send(ctx context.Context, r request) {
	limited, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	token := r.who.token.Load()
	req, err := s.build(limited, r, token)
	if err != nil {
		s.tally.failed(err, false)
		return
	}
	resp, err := s.client.Do(req)
	var body []byte
	if err == nil {
		// An answer counts when its body is here: only then has the client it.
		body, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
		_ = resp.Body.Close() // all that matters was read
	}
	if err != nil {
		s.tally.failed(err, ctx.Err() != nil)
		if r.login {
			r.who.failed(time.Now())
		}
		return
	}
	s.tally.completed(resp.StatusCode)
	learn(r, resp, body, token)
}

func (s sender) build(ctx context.Context, r request, token *string) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, r.method, s.cfg.URL+r.path, strings.NewReader(r.body))
	if err != nil {
		return nil, fmt.Errorf("load: build %s %s: %w", r.method, r.path, err)
	}
	req.Header.Set("User-Agent", "apitop-demo-traffic")
	req.Header.Set("X-Client-Id", r.who.client)
	if r.body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != nil {
		req.Header.Set("Authorization", "Bearer "+*token)
	}
	return req, nil
}

// learn takes from an answer what the caller needs later.
func learn(r request, resp *http.Response, body []byte, token *string) {
	switch {
	case r.login:
		var answer struct{ Token string }
		if resp.StatusCode == http.StatusOK && json.Unmarshal(body, &answer) == nil && answer.Token != "" {
			r.who.logged(answer.Token)
		} else {
			r.who.failed(time.Now())
		}
	case resp.StatusCode == http.StatusUnauthorized && token != nil:
		r.who.token.CompareAndSwap(token, nil) // expired, or the API has a new secret
	case resp.StatusCode == http.StatusCreated:
		if at := resp.Header.Get("Location"); at != "" {
			r.who.newOrder.Store(&at)
		}
	}
}

package serve

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/redis/go-redis/v9"

	"apitop/demoapi/faults"
	"apitop/demoapi/limit"
	"apitop/demoapi/stack"
)

const (
	faultsPath = "/demo/faults"
	// switchPatience bounds the stop or start of one server.
	switchPatience = 20 * time.Second
	// askPatience bounds a call to faultsPath: the switches before it and its own.
	askPatience = 60 * time.Second
	// mostAnswer bounds an answer of it.
	mostAnswer = 1 << 20
)

// Switcher stops a server of the demo, "redis" or "postgres", or starts it again,
// and returns when it is so.
type Switcher interface {
	Switch(ctx context.Context, server string, up bool) error
}

// SwitcherOf switches the servers of s.
func SwitcherOf(s *stack.Stack) Switcher { return stackServers{s} }

type stackServers struct{ *stack.Stack }

func (s stackServers) Switch(ctx context.Context, server string, up bool) error {
	return s.Stack.Switch(ctx, stack.Server(server), up)
}

// RunsOn says which of the servers are those of s: faults that would harm others
// are available for these alone.
func (c *Config) RunsOn(s *stack.Stack) {
	c.PrivateRedis, c.PrivatePostgres, c.SimulatedRedis = s.Owns(stack.Redis), s.Owns(stack.Postgres), s.Simulated()
}

// private are the servers that were started for the demo.
type private struct {
	Switcher
	cfg Config
}

// Owns implements [faults.Servers].
func (p private) Owns(server string) bool {
	return (server == string(stack.Redis) && p.cfg.PrivateRedis) || (server == string(stack.Postgres) && p.cfg.PrivatePostgres)
}

// site is what an API knows about where it runs.
type site struct {
	base    string   // its URL
	servers Switcher // nil: none
}

// openFaults makes the faults of an API whose other parts are there, but for the
// API itself: that gets the set.
func (p *parts) openFaults(cfg Config) error {
	h := faults.Hooks{
		Cache: p.cache, Queue: lateQueue{p}, BaseURL: p.at.base,
		Token: func(userID int64, tier limit.Tier) string { return p.api.Token(userID, tier) },
	}
	if p.db != nil {
		h.Store = p.db
	}
	if p.at.servers != nil {
		h.Servers = private{p.at.servers, cfg}
	}
	if cfg.PrivateRedis && !cfg.SimulatedRedis {
		o, err := redis.ParseURL(cfg.RedisURL)
		if err != nil {
			return errors.New("read the address of the demo's own Redis: it makes no sense")
		}
		// Connects when it is needed, and not with the API's connections.
		o.ClientName, o.MaxRetries, o.DialerRetries, o.PoolSize = "demoapi-faults", -1, 1, 4
		o.ContextTimeoutEnabled, o.DisableIdentity, o.DialTimeout = true, true, time.Second
		p.faultsRedis = redis.NewClient(o)
		h.Redis = p.faultsRedis
	}
	p.faults = faults.New(h)
	return nil
}

func (p *parts) closeFaults() error {
	var err error
	if p.faults != nil {
		err = p.faults.Close()
	}
	if p.faultsRedis != nil {
		err = errors.Join(err, p.faultsRedis.Close())
	}
	return err
}

// lateQueue is the API's queue of orders, once there is an API.
type lateQueue struct{ p *parts }

func (q lateQueue) Pause()  { q.p.api.Queue().Pause() }
func (q lateQueue) Resume() { q.p.api.Queue().Resume() }

// Faults asks the API at base, "http://127.0.0.1:8000", for its faults.
func Faults(ctx context.Context, base string) ([]faults.State, error) {
	return askFaults(ctx, base, http.MethodGet, nil)
}

// SwitchFault switches a fault of the API at base and returns when it is so. The
// error says in words what is in the way.
func SwitchFault(ctx context.Context, base, name string, on bool) error {
	_, err := askFaults(ctx, base, http.MethodPost, map[string]bool{name: on})
	return err
}

func askFaults(ctx context.Context, base, method string, switches map[string]bool) ([]faults.State, error) {
	body, err := json.Marshal(switches)
	if err != nil {
		return nil, fmt.Errorf("encode switches: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, base+faultsPath, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("ask for faults: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // rarely used
	resp, err := client.Do(req)
	if err != nil {
		if call, ok := errors.AsType[*url.Error](err); ok {
			err = call.Err // without the URL, which helps nobody here
		}
		return nil, fmt.Errorf("the demo API does not answer: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, mostAnswer))
	if err != nil {
		return nil, fmt.Errorf("ask for faults: %w", err)
	}
	var answer struct {
		Faults        []faults.State
		Title, Detail string // of a problem
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		return nil, fmt.Errorf("ask for faults: %s: %w", resp.Status, err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, errors.New(cmp.Or(answer.Detail, answer.Title, resp.Status))
	}
	return answer.Faults, nil
}

// Faults lists the faults of the demo.
func (d *Demo) Faults(ctx context.Context) ([]faults.State, error) { return Faults(ctx, d.URL()) }

// SwitchFault switches a fault of the demo on or off and returns when it is so.
// The error says in words what is in the way, as for a fault that is not
// available here.
func (d *Demo) SwitchFault(ctx context.Context, name string, on bool) error {
	return SwitchFault(ctx, d.URL(), name, on)
}

package limit

import (
	"context"
	"crypto/sha1" //nolint:gosec // Redis names scripts by it
	_ "embed"     // for the scripts
	"encoding/hex"
	"fmt"
	"sync"

	"github.com/redis/go-redis/v9"

	"apitop/demoapi/rdb"
)

//go:embed about.lua
var aboutLua string

//go:embed gcra.lua
var gcraLua string

//go:embed log.lua
var logLua string

// Algorithm is how a limiter counts.
type Algorithm string

const (
	// GCRA is the generic cell rate algorithm: it remembers one point in time for
	// each quota. What is used comes back evenly: after a burst of the whole limit one
	// request may pass each window/limit. Within any time t at most limit +
	// t/(window/limit) pass, so nearly two limits in the worst window.
	GCRA Algorithm = "gcra"
	// SlidingLog remembers every request let through: at most limit in any window,
	// and each place is free again exactly one window after it was taken. It costs
	// about 50 bytes per request in the window below 129 requests, 120 above.
	SlidingLog Algorithm = "sliding-log"
)

// Algorithms are all algorithms, the default first.
func Algorithms() []Algorithm { return []Algorithm{GCRA, SlidingLog} }

// Client is what a limiter needs of a Redis client.
type Client interface {
	Process(ctx context.Context, cmd redis.Cmder) error
	Pipeline() redis.Pipeliner
}

// Shared is a limiter whose state lies in Redis. For each subject:
//
//	rate_gcra:{subject}:{class}   string (GCRA): unix microseconds at which the
//	                              quota will be unused; expires then
//	rate_limit:{subject}:{class}  sorted set (SlidingLog): a member "<µs>-<n>" per
//	                              allowed request, score = unix seconds; expires
//	                              one window after the last
//	rate_limit_meta:{subject}     hash: tier, window (seconds), renewed (unix
//	                              microseconds, when the expiry was set last), and
//	                              for each class limit:<class>, allowed:<class>,
//	                              denied:<class> (since the hash was born)
//
// The class "all" stands for the quota over all classes. A request that is
// denied raises denied:<class> of the quota that binds and writes nothing else.
//
// It is safe for concurrent use. Requests at the same time are decided on together.
type Shared struct {
	calls  batcher
	prefix string    // of the keys with the state
	spare  sync.Pool // of *call
}

// New returns a limiter kept in client, which should be made by [rdb.Open]: a
// client that repeats commands by itself would count twice. An empty algorithm
// is [GCRA]; an unknown one is an error.
func New(a Algorithm, client Client, o rdb.Options) (*Shared, error) {
	switch a {
	case GCRA, "":
		return newShared("rate_gcra:", gcraLua, client, o), nil
	case SlidingLog:
		return newShared("rate_limit:", logLua, client, o), nil
	default:
		return nil, fmt.Errorf("limit: no algorithm %q: want one of %q", a, Algorithms())
	}
}

func newShared(prefix, algorithm string, client Client, o rdb.Options) *Shared {
	source := aboutLua + algorithm
	sum := sha1.Sum([]byte(source)) //nolint:gosec // as above
	guard := rdb.NewGuard("limiter", o)
	return &Shared{
		prefix: prefix,
		spare:  sync.Pool{New: func() any { return &call{turn: make(chan turn, 1)} }},
		calls: batcher{
			client: client, source: source, hash: hex.EncodeToString(sum[:]),
			guard: guard, timeout: guard.Timeout(),
		},
	}
}

// Allow decides on r and counts it if it is allowed. An error means that there
// is no decision, though the request may have been counted; it comes within the
// time limit of the options, and [rdb.Reason] puts it into a word. What to do
// then is the caller's choice. A request on its way is not called back when ctx
// ends.
func (s *Shared) Allow(ctx context.Context, r Request) (Result, error) {
	err := r.check()
	if err == nil {
		err = ctx.Err()
	}
	var o outcome
	if err == nil {
		o, err = s.decide(ctx, &r)
	}
	if err != nil {
		return Result{}, fmt.Errorf("limit: decide on %s: %w", r.Class, err)
	}
	return o.result(&r), nil
}

func (s *Shared) decide(ctx context.Context, r *Request) (outcome, error) {
	c := s.spare.Get().(*call)
	defer s.spare.Put(c) // nobody else has it any more
	s.prepare(c, r)
	s.calls.do(ctx, c)
	return c.outcome, c.err
}

// prepare makes c one to decide on r.
func (s *Shared) prepare(c *call, r *Request) {
	*c = call{r: *r, turn: c.turn, about: MetaKey(r.Subject), state: s.key(r.Subject, string(r.Class))}
	c.whole = c.state
	if r.Overall.Limit > 0 {
		c.whole = s.key(r.Subject, ByAll)
	}
}

func (s *Shared) key(subject, class string) string { return s.prefix + subject + ":" + class }

// MetaKey is the Redis key of the hash about a subject.
func MetaKey(subject string) string { return "rate_limit_meta:" + subject }

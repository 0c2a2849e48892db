package faults

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// fillerPrefix begins the keys that fill the memory.
	fillerPrefix = "apitop-demo:filler:"
	fillerBytes  = 16 << 10
	fillerKeys   = 512                   // names in use: twice the room there is
	fillerEvery  = 20 * time.Millisecond // 0.8 MB a second
	fillerLife   = time.Minute           // none outlives the fault for long
	roomBytes    = 2 << 20
	limitEvery   = time.Second

	spinFor   = 25 * time.Millisecond
	spinPause = 37 * time.Millisecond // 40 % busy
	// The script's turns: the first guess and what it may become.
	firstTurns, mostTurns = 500_000, 20_000_000

	redisTimeout = 2 * time.Second
)

// eviction leaves Redis no room to speak of and keeps writing what nobody reads.
func eviction(ctx context.Context, e *env) (undo, error) {
	before, err := maxMemory(ctx, e.Redis)
	if err != nil {
		return nil, err
	}
	used, err := usedMemory(ctx, e.Redis)
	if err != nil {
		return nil, err
	}
	limit := strconv.FormatInt(used+roomBytes, 10)
	if err := e.Redis.ConfigSet(ctx, "maxmemory", limit).Err(); err != nil {
		return nil, fmt.Errorf("limit redis' memory: %w", err)
	}
	filling := e.background(
		func(ctx context.Context) { fill(ctx, e.Redis) },
		// A Redis that was started again has forgotten its limit.
		func(ctx context.Context) {
			every(ctx, limitEvery, func(ctx context.Context) {
				ctx, cancel := context.WithTimeout(ctx, redisTimeout)
				defer cancel()
				_ = e.Redis.ConfigSet(ctx, "maxmemory", limit).Err() // it may be away
			})
		},
	)
	return inOrder(filling, func(ctx context.Context) error { return empty(ctx, e.Redis, before) }), nil
}

func maxMemory(ctx context.Context, c *redis.Client) (string, error) {
	values, err := c.ConfigGet(ctx, "maxmemory").Result()
	if err != nil {
		return "", fmt.Errorf("ask for redis' memory limit: %w", err)
	}
	return values["maxmemory"], nil
}

func usedMemory(ctx context.Context, c *redis.Client) (int64, error) {
	info, err := c.Info(ctx, "memory").Result()
	if err != nil {
		return 0, fmt.Errorf("ask for redis' memory: %w", err)
	}
	for line := range strings.Lines(info) {
		if value, ok := strings.CutPrefix(line, "used_memory:"); ok {
			return strconv.ParseInt(strings.TrimSpace(value), 10, 64)
		}
	}
	return 0, errors.New("redis does not tell its memory")
}

func fill(ctx context.Context, c *redis.Client) {
	value := strings.Repeat("filler ", fillerBytes/7)
	i := 0
	every(ctx, fillerEvery, func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, redisTimeout)
		defer cancel()
		_ = c.Set(ctx, fillerPrefix+strconv.Itoa(i%fillerKeys), value, fillerLife).Err() // it may be away
		i++
	})
}

// empty gives the memory back. A Redis that is away has nothing left to give.
func empty(ctx context.Context, c *redis.Client, maxmemory string) error {
	if c.Ping(ctx).Err() != nil {
		return nil //nolint:nilerr // it starts without fillers, and with its own limit
	}
	if err := c.ConfigSet(ctx, "maxmemory", maxmemory).Err(); err != nil {
		return fmt.Errorf("give redis its memory back: %w", err)
	}
	keys := make([]string, fillerKeys)
	for i := range keys {
		keys[i] = fillerPrefix + strconv.Itoa(i)
	}
	if err := c.Unlink(ctx, keys...).Err(); err != nil {
		return fmt.Errorf("remove the fillers: %w", err)
	}
	return nil
}

// spin keeps the server's only thread busy; the number of turns is all it gets.
const spin = `local x = 0
for i = 1, tonumber(ARGV[1]) do x = (x + i) % 1009 end
return x`

func slowRedis(ctx context.Context, e *env) (undo, error) {
	if err := e.Redis.Eval(ctx, spin, nil, 1).Err(); err != nil {
		return nil, fmt.Errorf("run a script in redis: %w", err)
	}
	return e.background(func(ctx context.Context) {
		turns := firstTurns
		for {
			began := time.Now()
			if err := runSpin(ctx, e.Redis, turns); err == nil {
				turns = nextTurns(turns, time.Since(began))
			}
			if !rest(ctx, spinPause) {
				return
			}
		}
	}), nil
}

func runSpin(ctx context.Context, c *redis.Client, turns int) error {
	ctx, cancel := context.WithTimeout(ctx, redisTimeout)
	defer cancel()
	return c.Eval(ctx, spin, nil, turns).Err()
}

// nextTurns brings the script's time nearer to spinFor. The time measured has
// waits in it that are not the script's, so a step is half as much or twice at
// most.
func nextTurns(turns int, took time.Duration) int {
	factor := min(2, max(0.5, float64(spinFor)/float64(max(took, time.Microsecond))))
	return max(1000, min(mostTurns, int(float64(turns)*factor)))
}

package serve

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// claimKey marks a Redis database as the demo's. It has no time to live: so the
// demo finds its own keys again and nobody else's are taken for them.
const claimKey = "apitop-demo:owner"

// claimTimeout bounds the look at a database that was given.
const claimTimeout = 5 * time.Second

// claim makes sure that a Redis database that was not started for the demo is
// empty or was the demo's before, and marks it. The demo's keys have common
// names, as product:42, and would overwrite an application's.
func claim(ctx context.Context, rdb *redis.Client) error {
	ctx, cancel := context.WithTimeout(ctx, claimTimeout)
	defer cancel()
	marked, err := rdb.Exists(ctx, claimKey).Result()
	if err != nil {
		return fmt.Errorf("look into the given Redis: %w", err)
	}
	if marked == 1 {
		return nil
	}
	keys, err := rdb.DBSize(ctx).Result()
	if err != nil {
		return fmt.Errorf("count the keys of the given Redis: %w", err)
	}
	if keys > 0 {
		return fmt.Errorf("the given Redis database %d holds %d keys that are not the demo's; give an empty one, as redis://host:6379/9, or leave --redis out", rdb.Options().DB, keys)
	}
	if err := rdb.SetNX(ctx, claimKey, "demoapi", 0).Err(); err != nil { //nolint:staticcheck // SET NX needs 2.6.12
		return fmt.Errorf("mark the given Redis database: %w", err)
	}
	return nil
}

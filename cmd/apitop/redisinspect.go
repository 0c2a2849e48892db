package main

import (
	"context"

	"apitop/collectors/redisconn"
	"apitop/collectors/rediskeys"
	"apitop/tui/screen"
)

// inspecting looks at single keys of a server.
func inspecting(server *redisconn.Server) func(context.Context, string) (screen.KeyDetail, error) {
	return func(ctx context.Context, key string) (screen.KeyDetail, error) {
		d, err := rediskeys.Inspect(ctx, server, key)
		return screen.KeyDetail(d), err
	}
}

package redislive

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"apitop/collectors/redisconn"
)

const (
	mostTracked   = 2 * time.Second // a moment
	mostChanged   = 2000            // names
	mostPrefixes  = 32
	changedBytes  = 1 << 20
	invalidateMsg = "invalidate"
)

// Changed are the names of keys that begin with one of the prefixes and were
// changed while it listened, for 2 s at most: each once, at most 2,000. It uses
// CLIENT TRACKING, which needs no configuration but costs the server time for
// each write to such a key. Prefixes that begin with another one are dropped, as
// are empty ones and those beyond the first 32. A cancelled ctx is an error.
func Changed(ctx context.Context, conn *redisconn.Conn, prefixes []string, most time.Duration) ([]string, error) {
	prefixes = apart(prefixes)
	if len(prefixes) == 0 {
		return nil, nil
	}
	raw, err := conn.Raw(ctx, 3)
	if err != nil {
		return nil, err
	}
	defer raw.Close()
	words := []string{"client", "tracking", "on", "bcast"}
	for _, p := range prefixes {
		words = append(words, "prefix", p)
	}
	if err := begin(ctx, raw, append(words, "noloop")...); err != nil {
		return nil, err
	}
	raw.SetLimit(changedBytes)
	moment, cancel := context.WithTimeout(ctx, min(most, mostTracked))
	defer cancel()
	names := map[string]struct{}{}
	for len(names) < mostChanged {
		reply, err := raw.ReadReply(moment)
		if err != nil && over(ctx) {
			return nil, cmp.Or(ctx.Err(), context.DeadlineExceeded)
		}
		if err != nil && !over(moment) && !raw.Spent() {
			return nil, err
		}
		if err != nil {
			break // the time is up
		}
		invalidated(reply, names)
	}
	return sorted(names), nil
}

// invalidated takes the names out of a message; one without names says that all
// keys were deleted.
func invalidated(reply any, names map[string]struct{}) {
	push, ok := reply.(redisconn.Push)
	if !ok || len(push) != 2 || push[0] != invalidateMsg {
		return
	}
	list, _ := push[1].([]any)
	for _, v := range list {
		if name, ok := v.(string); ok && len(name) <= mostName && len(names) < mostChanged {
			names[name] = struct{}{}
		}
	}
}

func sorted(names map[string]struct{}) []string {
	list := make([]string, 0, len(names))
	for n := range names {
		list = append(list, n)
	}
	slices.Sort(list)
	return list
}

// apart drops prefixes that begin with another one, which a server refuses.
func apart(prefixes []string) []string {
	list := slices.Sorted(slices.Values(prefixes))
	var out []string
	for _, p := range list {
		if p == "" || len(out) == mostPrefixes || len(out) > 0 && strings.HasPrefix(p, out[len(out)-1]) {
			continue
		}
		out = append(out, p)
	}
	return out
}

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"apitop/collectors/ratelimit"
	"apitop/collectors/redisconn"
	"apitop/collectors/rediskeys"
	"apitop/collectors/safe"
	"apitop/tui/screen"
)

// redisActions is what the screens may ask of the Redis server that is watched,
// and with --allow-writes do to it; nothing when there is none.
func (c *Config) redisActions(p process, w *watched) screen.Redis {
	if w.redis == nil {
		return screen.Redis{}
	}
	server, layouts := w.redis, w.layouts
	r := screen.Redis{Inspect: inspecting(server), Slots: func(ctx context.Context, key string) (screen.Slots, error) {
		s, err := rediskeys.ReadSlots(ctx, server, layouts, key)
		return screen.Slots(s), err
	}}
	if c.Live.Monitor {
		r.Burst = w.keys.Burst
	}
	if c.AllowWrites {
		log := newAuditLog(c.LogFile, p.getenv)
		redisWrites{redisconn.NewWriter(server, log.note), server.Name().String(), log, layouts}.addTo(&r)
	}
	return r
}

// redisWrites makes the changes that a person may ask for.
type redisWrites struct {
	writer  *redisconn.Writer
	server  string
	log     auditLog
	layouts []ratelimit.Layout
}

// What a change says when there was nothing to change.
var (
	errNoKey   = errors.New("there was no such key any more: nothing was changed")
	errNoTTL   = errors.New("nothing was changed: the key is gone, or never expired anyway")
	errNobody  = errors.New("there was no such key any more: nobody was counted, so nobody was blocked")
	errStopped = errors.New("not all was sent")
)

// addTo adds the changes to what screens may do.
func (w redisWrites) addTo(r *screen.Redis) {
	r.Delete = func(key string) screen.Write {
		return w.write("The key and its value are gone for good.", errNoKey, redisconn.Remove(key))
	}
	r.SetTTL = func(key string, ttl time.Duration) screen.Write {
		if ttl == 0 {
			return w.write("The key stays until somebody deletes it.", errNoTTL, redisconn.Lifetime(key, 0))
		}
		return w.write("The key is gone at "+time.Now().Add(ttl).Format(time.DateTime)+".", errNoKey, redisconn.Lifetime(key, ttl))
	}
	r.Unblock = func(layout, key string) screen.Write {
		var commands [][]string
		for _, k := range ratelimit.StateKeys(w.layouts, layout, key) {
			commands = append(commands, redisconn.Remove(k))
		}
		return w.write("The limiter forgets what it has counted here and counts from nothing.", errNobody, commands...)
	}
}

// write prepares commands, which are sent one after the other. none is the error
// when they changed nothing.
func (w redisWrites) write(what string, none error, commands ...[]string) screen.Write {
	out := screen.Write{What: what, Server: w.server, Log: safe.Clean(w.log.path, 0)}
	for _, c := range commands {
		out.Commands = append(out.Commands, shownCommand(c))
	}
	out.Run = func(ctx context.Context) error {
		any := false
		for i, c := range commands {
			changed, err := w.writer.Do(ctx, c)
			if err != nil && i > 0 {
				return fmt.Errorf("%w, %d of %d: %w", errStopped, i, len(commands), err)
			}
			if err != nil {
				return err
			}
			any = any || changed
		}
		if !any {
			return none
		}
		return nil
	}
	return out
}

// mostShown is how many cells of a key's name a dialog shows.
const mostShown = 400

// shownCommand is a command as it is drawn: with quotes round what has blanks.
func shownCommand(command []string) string {
	words := []string{strings.ToUpper(command[0])}
	for _, w := range command[1:] {
		text := safe.Clean(w, mostShown)
		if w == "" || strings.ContainsAny(w, " \t\r\n\"'") {
			text = `"` + text + `"`
		}
		words = append(words, text)
	}
	return strings.Join(words, " ")
}

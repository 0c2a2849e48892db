package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"apitop/collectors/redisconn"
	"apitop/collectors/safe"
)

// auditLog is the file in which every command that changes something is noted,
// before it is sent and when it is done.
type auditLog struct{ path string }

// newAuditLog is the log in the file that was asked for or, by default, in the
// folder for what programs keep; see the XDG base directory specification.
func newAuditLog(file string, getenv func(string) string) auditLog {
	if file != "" {
		return auditLog{file}
	}
	return auditLog{filepath.Join(stateDir(getenv), "apitop.log")}
}

// mostLogged is how many bytes of a key's name are noted.
const mostLogged = 8192

// note writes a line and sees to it that it is on the disk. The file is opened
// anew for each, so that one which was moved away or cannot be written any more
// is no surprise.
func (a auditLog) note(w redisconn.Written) (err error) {
	if err := os.MkdirAll(filepath.Dir(a.path), 0o700); err != nil {
		return fmt.Errorf("make its folder: %w", err)
	}
	f, err := os.OpenFile(a.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open it: %w", err)
	}
	defer func() {
		if closed := f.Close(); err == nil && closed != nil {
			err = fmt.Errorf("close it: %w", closed)
		}
	}()
	// Not through a slog.Logger, which keeps errors to itself.
	if err := slog.NewTextHandler(f, nil).Handle(context.Background(), auditRecord(w, time.Now())); err != nil {
		return fmt.Errorf("write it: %w", err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("write it to the disk: %w", err)
	}
	return nil
}

// auditRecord is the line: who sends what where, and what came of it. The key is
// written as it is, so that one can tell which it was; the handler quotes what a
// terminal would obey.
func auditRecord(w redisconn.Written, now time.Time) slog.Record {
	level, step := slog.LevelInfo, "intent"
	if w.Done {
		step = "result"
	}
	if w.Err != nil {
		level = slog.LevelError
	}
	command := w.Command
	r := slog.NewRecord(now, level, "redis write", 0)
	r.AddAttrs(slog.String("step", step), slog.String("by", whoami()), slog.String("server", w.Server),
		slog.String("command", strings.ToUpper(command[0])), slog.String("key", command[1][:min(len(command[1]), mostLogged)]))
	if n := len(command[1]); n > mostLogged {
		r.AddAttrs(slog.Int("key_bytes", n))
	}
	if len(command) > 2 {
		r.AddAttrs(slog.String("milliseconds", command[2]))
	}
	switch {
	case w.Err != nil:
		r.AddAttrs(slog.String("result", "failed"), slog.String("error", safe.Clean(w.Err.Error(), 300)))
	case w.Done:
		r.AddAttrs(slog.String("result", w.Reply))
	}
	return r
}

// whoami is the user and the machine that we run as and on.
func whoami() string {
	name := strconv.Itoa(os.Getuid())
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return name + "@" + host
}

package faults

import (
	"context"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5/pgxpool"

	"apitop/demoapi/cache"
	"apitop/demoapi/store"
)

// record notes what is done to the parts, in order.
type record struct {
	mu   sync.Mutex // guards the rest
	done []string
	fail map[string]error // by what is done
}

func (r *record) note(format string, args ...any) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	what := fmt.Sprintf(format, args...)
	r.done = append(r.done, what)
	return r.fail[what]
}

// take returns what was noted since the last call.
func (r *record) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	done := r.done
	r.done = nil
	return done
}

func (r *record) failing(what string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fail = map[string]error{what: err}
}

// parts are fakes of everything that faults work on.
type parts struct{ *record }

func (p parts) Bypass(caches ...string)                        { _ = p.note("bypass %v", caches) }
func (p parts) Protect(on bool)                                { _ = p.note("protect %v", on) }
func (p parts) UseL1(on bool)                                  { _ = p.note("l1 %v", on) }
func (p parts) Flush(context.Context) (int64, error)           { return 0, p.note("flush") }
func (p parts) Delete(context.Context, ...cache.Item) error    { return p.note("delete") }
func (p parts) Hottest(context.Context, int) ([]string, error) { return nil, p.note("hottest") }
func (p parts) SetFaults(f store.Faults)                       { _ = p.note("store %+v", f) }
func (p parts) Stat() *pgxpool.Stat                            { return nil }
func (p parts) DropIndexes(context.Context) error              { return p.note("drop") }
func (p parts) CreateIndexes(context.Context) error            { return p.note("create") }
func (p parts) Pause()                                         { _ = p.note("pause") }
func (p parts) Resume()                                        { _ = p.note("resume") }
func (p parts) Owns(string) bool                               { return true }

func (p parts) Switch(_ context.Context, server string, up bool) error {
	return p.note("%s %v", server, up)
}

func (p parts) HoldConnections(_ context.Context, n int) (func(), error) {
	return func() { _ = p.note("let go") }, p.note("hold %d", n)
}

func (p parts) LockProducts(context.Context) (func(), error) {
	return func() { _ = p.note("unlock") }, p.note("lock")
}

func (p parts) IdleInTransaction(context.Context) (func(), error) {
	return func() { _ = p.note("commit") }, p.note("begin")
}

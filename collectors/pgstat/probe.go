package pgstat

import (
	"context"
	"fmt"
	"strings"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// probe looks pg_stat_statements up and says how to read it. Each state in
// which it cannot be read is a [snapshot.Failure] with its cure.
func (l *link) probe(ctx context.Context) (extension, queries, error) {
	var found bool
	var e extension
	err := l.query(ctx, probeSQL, func(f *fields) {
		found = true
		e = extension{
			schema: f.text(0), version: f.text(1), newest: f.text(2), usable: f.boolean(3),
			columns: strings.Split(f.text(4), ","), infoExists: f.boolean(5), max: f.value(6),
		}
	})
	switch {
	case err != nil:
		return e, queries{}, err
	case !found && !l.hello.preloaded:
		return e, queries{}, notLoaded("; then CREATE EXTENSION pg_stat_statements;")
	case !found:
		return e, queries{}, snapshot.Fail(snapshot.Unsupported,
			"pg_stat_statements is not installed in database "+l.hello.database, "CREATE EXTENSION pg_stat_statements;")
	case !l.hello.preloaded:
		return e, queries{}, notLoaded("")
	case !e.usable:
		return e, queries{}, snapshot.Fail(snapshot.Denied,
			fmt.Sprintf("role %s may not use schema %s, where pg_stat_statements is", l.hello.user, e.schema),
			fmt.Sprintf("GRANT USAGE ON SCHEMA %s TO %s;", quote(e.schema), quote(l.hello.user)))
	}
	q, err := e.build()
	return e, q, err
}

func notLoaded(more string) error {
	return snapshot.Fail(snapshot.Unsupported, "the server did not load pg_stat_statements",
		"add it to shared_preload_libraries in postgresql.conf and restart the server"+more)
}

// outdated is the note for an extension older than what the server has; nil
// when it is not.
func (e extension) outdated() []snapshot.Note {
	if e.newest == "" || e.newest == e.version {
		return nil
	}
	return []snapshot.Note{{
		What: safe.Short(fmt.Sprintf("pg_stat_statements is at version %s, the server has %s", e.version, e.newest), 200),
		Fix:  "ALTER EXTENSION pg_stat_statements UPDATE;",
	}}
}

// quote makes a name fit for a line that a person may paste into psql: quoted
// where it must be, and safe to draw.
func quote(name string) string {
	plain := name != "" && (name[0] < '0' || name[0] > '9') && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
	if !plain {
		name = `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
	}
	return safe.New(name).String()
}

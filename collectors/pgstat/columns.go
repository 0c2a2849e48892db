package pgstat

import (
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"apitop/collectors/snapshot"
)

// extension is what a database has of pg_stat_statements.
type extension struct {
	schema     string
	version    string // of the extension, which may be older than the library
	newest     string // what the server could give; empty: unknown
	usable     bool   // we may look into the schema
	columns    []string
	infoExists bool           // the view pg_stat_statements_info (1.9)
	max        snapshot.Value // pg_stat_statements.max
}

// queries are the statements to read one extension with.
type queries struct{ head, rows, texts string }

// counters are the columns of rowsSQL after the key: for each the names it had
// over time, the newest first, and what stands for it where it does not exist;
// without the latter it must. The order is the one that decodeRow reads.
func counters() []counter {
	return []counter{
		{names: []string{"toplevel"}, absent: "true"},
		{names: []string{"calls"}},
		{names: []string{"total_exec_time", "total_time"}},
		{names: []string{"stddev_exec_time", "stddev_time"}},
		{names: []string{"rows"}},
		{names: []string{"shared_blks_hit"}},
		{names: []string{"shared_blks_read"}},
		{names: []string{"temp_blks_written"}},
		{names: []string{"wal_bytes"}, absent: "null"},
		{names: []string{"stats_since"}, absent: "null", as: "extract(epoch from %s)::float8"},
	}
}

type counter struct {
	names  []string
	absent string
	as     string // how to select it; empty: as it is
}

// build puts the statements together from the columns that are there. Nothing
// from outside enters them but the schema's name, quoted.
func (e extension) build() (queries, error) {
	schema := pgx.Identifier{e.schema}.Sanitize()
	var list []string
	for _, c := range counters() {
		i := slices.IndexFunc(c.names, func(n string) bool { return slices.Contains(e.columns, n) })
		switch {
		case i < 0 && c.absent == "":
			return queries{}, snapshot.Fail(snapshot.Unsupported,
				fmt.Sprintf("pg_stat_statements %s has no column %s", e.version, c.names[0]), "ALTER EXTENSION pg_stat_statements UPDATE;")
		case i < 0:
			list = append(list, c.absent)
		case c.as != "":
			list = append(list, fmt.Sprintf(c.as, c.names[i]))
		default:
			list = append(list, c.names[i])
		}
	}
	q := queries{
		head:  headSQL,
		rows:  fmt.Sprintf(rowsSQL, strings.Join(list, ", "), schema),
		texts: fmt.Sprintf(textsSQL, schema),
	}
	if e.infoExists {
		q.head = fmt.Sprintf(headInfoSQL, schema)
	}
	return q, nil
}

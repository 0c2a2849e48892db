package pgstat

import (
	"context"
	"time"

	"apitop/collectors/snapshot"
)

// reading is one poll of pg_stat_statements before the texts are joined to it.
type reading struct {
	*snapshot.Statements
	headTook, rowsTook time.Duration // by our clock
}

// read reads head and counters. size is a guess of the number of rows.
func (q queries) read(ctx context.Context, l *link, size int) (reading, error) {
	s := &snapshot.Statements{}
	r := reading{Statements: s}
	start := time.Now()
	if err := l.query(ctx, q.head, func(f *fields) {
		s.At, s.StartedAt = f.moment(0), f.moment(1)
		s.IOTiming = f.text(2) == "on"
		s.ResetAt, s.Dealloc = f.moment(3), f.value(4)
	}); err != nil {
		return r, err
	}
	r.headTook = time.Since(start)
	s.Rows = make([]snapshot.Statement, 0, size)
	first := true
	start = time.Now()
	err := l.query(ctx, q.rows, func(f *fields) {
		if first {
			s.At, first = f.moment(0), false
		}
		if f.null(3) {
			s.HiddenRows++ // of another user, whom this role may not watch
			return
		}
		s.Rows = append(s.Rows, decodeRow(f))
	})
	r.rowsTook = time.Since(start)
	return r, err
}

// decodeRow reads one row of rowsSQL, in the order of counters.
func decodeRow(f *fields) snapshot.Statement {
	return snapshot.Statement{
		Key:           snapshot.StatementKey{UserID: oid(f, 1), DBID: oid(f, 2), QueryID: f.integer(3), TopLevel: f.boolean(4)},
		Calls:         f.float(5),
		ExecSeconds:   f.float(6) / 1000,
		StddevSeconds: f.float(7) / 1000,
		Rows:          f.float(8),
		BlocksHit:     f.float(9),
		BlocksRead:    f.float(10),
		TempBlocks:    f.float(11),
		WALBytes:      f.value(12),
		Since:         f.moment(13),
	}
}

func oid(f *fields, i int) uint32 { return uint32(f.integer(i)) }

package pgstat

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// pgcenterSQL is what pgcenter's statements page asks each second: texts with
// every row, a hash and a regular expression for each, sorted.
const pgcenterSQL = `select pg_get_userbyid(p.userid) as user, d.datname as database,
 date_trunc('seconds', round(p.total_exec_time) / 1000 * '1 second'::interval)::text as t_all_t,
 round(p.total_exec_time) as all_t, p.calls, left(md5(p.userid::text || p.dbid::text || p.queryid::text), 10) as queryid,
 regexp_replace(left(p.query, 256), '\s+', ' ', 'g') as query
 from pg_stat_statements p join pg_database d on d.oid = p.dbid order by 4 desc`

// serverCPU is the time on a core that a backend took so far, in ms (proc(5)).
func serverCPU(t testing.TB, pid uint32) float64 {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/schedstat", pid))
	if err != nil {
		t.Skip(err)
	}
	ns, err := strconv.ParseFloat(strings.Fields(string(b))[0], 64)
	if err != nil {
		t.Fatal(err)
	}
	return ns / 1e6
}

// fullServer makes a database and fills pg_stat_statements with about n rows,
// each with a text of that many bytes.
func fullServer(b *testing.B, n, bytes int) (*pgServer, string) {
	b.Helper()
	srv := needServer(b)
	var columns []string
	for i := range 13 {
		columns = append(columns, fmt.Sprintf("b%d int", i))
	}
	db := srv.database(b, createExtension, "select pg_stat_statements_reset()", "create table wide("+strings.Join(columns, ",")+")")
	app := srv.login(b, "postgres", db)
	var batch strings.Builder
	for i := range n {
		batch.WriteString("select 1") // names and constants do not make a statement another; columns do
		for bit := range 13 {
			if (i+1)>>bit&1 == 1 {
				fmt.Fprintf(&batch, ", b%d", bit)
			}
		}
		fmt.Fprintf(&batch, " from wide where b0 = %d", i)
		for length := 80; length < bytes; length += 12 {
			batch.WriteString(" and b1 > 10")
		}
		batch.WriteString(";")
		if i%100 == 99 || i == n-1 {
			app.run(batch.String())
			batch.Reset()
		}
	}
	return srv, db
}

// BenchmarkStatements is a whole poll, with the server's share of it.
func BenchmarkStatements(b *testing.B) {
	for _, bytes := range []int{80, 2000} {
		b.Run(fmt.Sprintf("5000_rows_of_%d_bytes", bytes), func(b *testing.B) {
			srv, db := fullServer(b, 4950, bytes)
			c := srv.open(b, "postgres", db)
			s := NewStatements(c)
			for range 4 {
				collect(b, s) // reads the texts
			}
			pid := c.idle[0].conn.PgConn().PID()
			before := serverCPU(b, pid)
			rows := 0
			b.ReportAllocs()
			for b.Loop() {
				s.rest = time.Time{}
				if _, err := s.Collect(b.Context()); err != nil {
					b.Fatal(err)
				}
				rows = s.size
			}
			b.ReportMetric((serverCPU(b, pid)-before)/float64(b.N), "server-ms/op")
			b.ReportMetric(float64(rows), "rows")
		})
		b.Run(fmt.Sprintf("pgcenter_of_%d_bytes", bytes), func(b *testing.B) {
			srv, db := fullServer(b, 4950, bytes)
			app := srv.login(b, "postgres", db)
			pid := app.conn.PgConn().PID()
			before := serverCPU(b, pid)
			for b.Loop() {
				rows, err := app.conn.Query(b.Context(), pgcenterSQL, pgx.QueryExecModeSimpleProtocol)
				if err != nil {
					b.Fatal(err)
				}
				for rows.Next() {
				}
				if err := rows.Err(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric((serverCPU(b, pid)-before)/float64(b.N), "server-ms/op")
		})
	}
}

// BenchmarkTexts is the reading of all texts that a cold start does.
func BenchmarkTexts(b *testing.B) {
	srv, db := fullServer(b, 4950, 2000)
	c := srv.open(b, "postgres", db)
	s := NewStatements(c)
	collect(b, s)
	pid := c.idle[0].conn.PgConn().PID()
	before := serverCPU(b, pid)
	for b.Loop() {
		s.texts = texts{}
		collect(b, s)
	}
	b.ReportMetric((serverCPU(b, pid)-before)/float64(b.N), "server-ms/op")
}

func BenchmarkActivity(b *testing.B) {
	srv := needServer(b)
	c := srv.open(b, "postgres", "postgres")
	a := NewActivity(c)
	activity(b, a)
	pid := c.idle[0].conn.PgConn().PID()
	before := serverCPU(b, pid)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := a.Collect(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric((serverCPU(b, pid)-before)/float64(b.N), "server-ms/op")
}

func BenchmarkOneLine(b *testing.B) {
	sql := strings.Repeat("select a,\n    b from t where x = $1 -- why\n and 'a' = 'b'\n", 5)
	b.ReportAllocs()
	for b.Loop() {
		oneLine(sql)
	}
}

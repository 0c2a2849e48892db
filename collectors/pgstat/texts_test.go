package pgstat

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"apitop/collectors/snapshot"
)

func rowsFor(from, to int) []snapshot.Statement {
	var rows []snapshot.Statement
	for i := from; i < to; i++ {
		rows = append(rows, snapshot.Statement{Key: snapshot.StatementKey{QueryID: int64(i), TopLevel: true}, ExecSeconds: float64(i)})
	}
	return rows
}

// learn gives each wanted id a text of that many bytes.
func learn(x *texts, ids []int64, bytes int) {
	for _, id := range ids {
		x.add(textKey{query: id}, "select "+strings.Repeat("x", bytes-7))
	}
}

func TestTextsAreAskedOnce(t *testing.T) {
	var x texts
	now := time.Now()
	rows := rowsFor(1, 4)
	ids := x.join(rows, now)
	if got := fmt.Sprint(ids); got != "[3 2 1]" {
		t.Fatalf("asked for %s: the costliest first", got)
	}
	learn(&x, ids, 20)
	if ids := x.join(rows, now); ids != nil {
		t.Errorf("asked again for %v", ids)
	}
	if rows[0].Query.String() != "select "+strings.Repeat("x", 13) {
		t.Errorf("text %q", rows[0].Query)
	}
	x.after = now.Add(time.Second)
	if ids := x.join(rowsFor(1, 9), now); ids != nil {
		t.Errorf("asked too soon for %v", ids)
	}
	if ids := x.join(rowsFor(1, 9), x.after); len(ids) != 5 {
		t.Errorf("asked for %v", ids)
	}
	if ids := (&texts{}).join(rowsFor(0, 3*textBatch), now); len(ids) != textBatch {
		t.Errorf("asked for %d at once", len(ids))
	}
}

// TestTextsAreBounded: neither number nor bytes grow without end, what is in use
// stays, and a set too large for the cache is not read over and over.
func TestTextsAreBounded(t *testing.T) {
	for name, size := range map[string]int{"number": 20, "bytes": maxText} {
		t.Run(name, func(t *testing.T) {
			var x texts
			now := time.Now()
			for base := 0; base < 5*maxTexts; base += textBatch {
				learn(&x, x.join(rowsFor(base, base+textBatch), now), size)
				if len(x.known) > maxTexts || x.bytes > maxTextBytes+maxText {
					t.Fatalf("%d texts of %d bytes", len(x.known), x.bytes)
				}
			}
			sum := 0
			for _, k := range x.known {
				sum += len(k.query.Raw())
			}
			if sum != x.bytes {
				t.Errorf("%d bytes counted, %d held", x.bytes, sum)
			}
			all := rowsFor(0, 3*maxTexts)
			reads := 0
			for ids := x.join(all, now); ids != nil; ids = x.join(all, now) {
				learn(&x, ids, size)
				if reads++; reads > 100 {
					t.Fatal("a set that does not fit is read over and over")
				}
			}
		})
	}
}

func TestOneLine(t *testing.T) {
	long := strings.Repeat("é", maxText)
	tests := map[string]struct{ in, want string }{
		"plain":          {"select 1", "select 1"},
		"white space":    {"  select\n\t a,\r\n  b  \n", "select a, b"},
		"quotes":         {"select 'a  b\nc', \"x  y\"", "select 'a  b\nc', \"x  y\""},
		"doubled quote":  {"select 'it''s  so'  , 2", "select 'it''s  so' , 2"},
		"open quote":     {"select 'a  b", "select 'a b"},
		"line comment":   {"select 1 -- why  not\n  , 2", "select 1 /* why not */ , 2"},
		"comment at end": {"select 1 -- done", "select 1 /* done */"},
		"empty comment":  {"select 1 --\n, 2", "select 1 /* */ , 2"},
		"comment in it":  {"select 1 -- a */ b /* c\n,2", "select 1 /* a * / b / * c */ ,2"},
		"tricky comment": {"select 1 --/*/ x", "select 1 /* / * / x */"},
		"block comment":  {"/* it's\n -- no  line */  select 'a'", "/* it's -- no line */ select 'a'"},
		"nested comment": {"select /* a /* b */  c */ 1", "select /* a /* b */ c */ 1"},
		"unclosed":       {"select /* a  b", "select /* a b"},
		"long":           {long, strings.Repeat("é", maxText/2) + "…"},
		"empty":          {"", ""},
		"only white":     {" \n ", ""},
	}
	for name, tt := range tests {
		if got := oneLine(tt.in); got != tt.want {
			t.Errorf("%s: %.80q, want %.80q", name, got, tt.want)
		}
	}
}

func TestIsUtility(t *testing.T) {
	for sql, want := range map[string]bool{
		"select 1": false, "SELECT/**/1": false, "(select 1) union (select 2)": false, "/* c */ ( /* d */ with x as (select 1) select 1": false,
		"insert into t values (1)": false, "update t set a=1": false, "delete from t": false, "merge into t": false, "values (1)": false, "table t": false,
		"begin": true, "set x = 1": true, "create table t()": true, "explain select 1": true, "selection": true, "": true, "/* open": true, "copy t to stdout": true,
	} {
		if got := isUtility(sql); got != want {
			t.Errorf("isUtility(%q) = %v", sql, got)
		}
	}
}

// FuzzOneLine: one line outside quotes, bounded, and done in one go.
func FuzzOneLine(f *testing.F) {
	for _, s := range []string{"select 1 -- a\n, 2", "/* a /* b */ c */ x", "'a''b", "\"", "--", "/*", "*/", "a\r\n\tb"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		out := oneLine(sql)
		if len(out) > maxText+len("…") {
			t.Errorf("%d bytes", len(out))
		}
		if utf8.ValidString(sql) && !utf8.ValidString(out) {
			t.Errorf("not valid: %q", out)
		}
		if !strings.ContainsAny(sql, `'"`) && strings.ContainsAny(out, "\n\r\t") {
			t.Errorf("more than one line: %q", out)
		}
		if again := oneLine(out); len(sql) < maxText/4 && again != out {
			t.Errorf("%q becomes %q, and then %q", sql, out, again)
		}
		_ = isUtility(out) // does not panic
	})
}

package pgstat

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

const (
	maxTexts     = 10_000          // statements whose text is kept
	maxTextBytes = 4 << 20         // of all texts together
	textBatch    = 2000            // texts read at once
	textPause    = 5 * time.Second // between two reads of texts
)

// textKey identifies a text. Whether a statement is top-level does not change it.
type textKey struct {
	user, db uint32
	query    int64
}

// text is what a statement's text says.
type text struct {
	query   safe.Text
	utility bool
	own     bool // it carries our marker
	seen    uint64
}

// texts keeps the texts of statements for as long as they are in
// pg_stat_statements, and a while longer if there is room. Use it from one
// goroutine.
type texts struct {
	known map[textKey]*text
	bytes int
	poll  uint64    // number of the reading being joined
	after time.Time // texts are not read before
}

func keyOf(k snapshot.StatementKey) textKey { return textKey{k.UserID, k.DBID, k.QueryID} }

// join fills in what is known about the rows and returns the ids of those whose
// text should be read now, the costliest first; none while it is too soon.
func (t *texts) join(rows []snapshot.Statement, now time.Time) []int64 {
	t.poll++
	var unknown []*snapshot.Statement
	for i := range rows {
		r := &rows[i]
		if k := t.known[keyOf(r.Key)]; k != nil {
			k.seen = t.poll
			r.Query, r.Utility, r.Own = k.query, k.utility, k.own
		} else {
			unknown = append(unknown, r)
		}
	}
	if len(unknown) == 0 || now.Before(t.after) || !t.makeRoom() {
		return nil
	}
	slices.SortFunc(unknown, func(a, b *snapshot.Statement) int { return cmp.Compare(b.ExecSeconds, a.ExecSeconds) })
	ids := make([]int64, 0, min(len(unknown), textBatch, maxTexts-len(t.known)))
	for _, r := range unknown[:cap(ids)] {
		ids = append(ids, r.Key.QueryID)
	}
	return ids
}

// makeRoom forgets texts that are no longer in use once the limits are reached,
// the least recently seen first, and tells whether there is room. Texts in use
// stay: forgetting them would mean to read them again and again.
func (t *texts) makeRoom() bool {
	if len(t.known) < maxTexts && t.bytes < maxTextBytes {
		return true
	}
	var unused []textKey
	for k, x := range t.known {
		if x.seen < t.poll {
			unused = append(unused, k)
		}
	}
	slices.SortFunc(unused, func(a, b textKey) int { return cmp.Compare(t.known[a].seen, t.known[b].seen) })
	for _, k := range unused[:(len(unused)+1)/2] { // half, so that this is rare
		t.bytes -= len(t.known[k].query.Raw())
		delete(t.known, k)
	}
	return len(unused) > 0
}

// read reads the texts of ids and sets when the next read may be: texts are
// dear, so no more than a twentieth of the time goes into them.
func (t *texts) read(ctx context.Context, l *link, sql string, ids []int64) error {
	start := time.Now()
	err := l.query(ctx, sql, func(f *fields) {
		if !f.null(2) {
			t.add(textKey{oid(f, 0), oid(f, 1), f.integer(2)}, f.text(3))
		}
	}, ids)
	took := time.Since(start)
	t.after = start.Add(took + max(textPause, restFactor*took))
	return err
}

func (t *texts) add(k textKey, sql string) {
	if t.known == nil {
		t.known = map[textKey]*text{}
	}
	if _, ok := t.known[k]; ok || len(t.known) >= maxTexts || t.bytes >= maxTextBytes {
		return
	}
	line := oneLine(sql)
	t.known[k] = &text{query: safe.New(line), utility: isUtility(line), own: strings.Contains(line, marker), seen: t.poll}
	t.bytes += len(line)
}

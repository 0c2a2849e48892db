package scrape

// A page that lists its series in the same order each time is read along the list
// of them, and nothing is ever looked up by its text. So the map that could do it,
// which takes as much memory as the series themselves, is made when the first line
// comes that the list does not have next, and dropped when none does any more.

// settledScans is how many scans in a row may do without the index until it is
// dropped: making it costs about as much as a scan.
const settledScans = 10

// index finds series by their raw text. Without it the list is as the last scan
// left it: all series are on it.
func (t *table) index() map[string]*series {
	if t.byRaw == nil {
		t.byRaw = make(map[string]*series, t.count)
		for s := t.head; s != nil; s = s.next {
			t.byRaw[s.raw] = s
		}
	}
	return t.byRaw
}

// settle drops the index when it is of no use, at the end of a scan after which
// all series are on the list.
func (t *table) settle() {
	switch first := len(t.fresh) == t.count; {
	case t.looked && !first:
		t.quiet = 0
		return
	case first:
		t.quiet = settledScans
	default:
		t.quiet++
	}
	if t.quiet >= settledScans {
		t.byRaw = nil
	}
}

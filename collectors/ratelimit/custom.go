package ratelimit

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
)

// Definition is a user's own layout, as the configuration has it. A key belongs
// to it when Key matches and the key is of the type that Type, or the layout
// named in Like, asks for.
type Definition struct {
	Name string // what it is called; required
	// Key is a regular expression for the whole key or a part of it; required.
	// Named groups: "id" (or "user", "ip", "client" and the like) is the subject,
	// "ep" (or "endpoint", "route", "path") the endpoint, "tier" the tier; "limit"
	// is the limit and "window" the window, as [ParseWindow] reads it; "start" is
	// the start of the window, in Unit, or a date in UTC; "bucket" the window's
	// number since the epoch.
	Key string
	// Like names a built-in layout: the keys have other names than usual, and the
	// same values. Type, Algorithm, Unit, Epoch, Fields and ResetFrom are then left
	// empty, and Key has the groups of that layout's keys that its reading needs.
	Like string
	// Type is the type of the keys: "string" (the default), "hash", "zset", "list".
	// Like Algorithm and Unit, it may be spelled in other usual ways.
	Type string
	// Algorithm is one of those that there are for the type: string: fixed-window
	// (the default), sliding-window, gcra, ban; hash: fixed-window, token-bucket,
	// leaky-bucket; zset: sliding-log, concurrency, whose scores are when a request
	// is given up; list: sliding-log. A string with Fields is as a hash is.
	Algorithm string
	// Limit requests are allowed in Window seconds, Burst at once (0: Limit). 0:
	// unknown, or in Key or Fields.
	Limit, Window, Burst float64
	// Unit is that of times in values and of "start": "s" (the default), "ms",
	// "us", "ns". Epoch is the unix second at which such times are 0.
	Unit  string
	Epoch float64
	// Fields are names of fields of a hash, or of a JSON object in a string. In a
	// string, Remaining "value" alone says that the value is what is left, where it
	// is what was used else.
	Fields Fields
	// ResetFrom says what a window's end follows from: "ttl" (the default), "value"
	// (the field Fields.Reset), or "window" ("start" or "bucket" in Key).
	ResetFrom string
}

// Fields are the names of fields in a hash; empty ones are not there.
type Fields struct {
	Used      string // requests in the window, or in the leaky bucket
	Remaining string // requests that are left
	Tokens    string // tokens that are left
	Limit     string // requests allowed, or the size of the bucket
	Start     string // of the window
	Reset     string // its end
	Last      string // when tokens, or what is in the bucket, were counted last
	Denied    string // denials so far
}

// Custom makes a layout of a definition. Errors name the field of the definition
// and what is allowed. It is to be tried before the built-in ones.
func Custom(d Definition) (Layout, error) {
	if d.Name == "" {
		return Layout{}, errors.New("limiter layout: name is missing")
	}
	l, err := custom(d)
	if err != nil {
		return Layout{}, fmt.Errorf("limiter layout %q: %w", d.Name, err)
	}
	return l, nil
}

func custom(d Definition) (Layout, error) {
	if d.Key == "" {
		return Layout{}, errors.New("key is missing")
	}
	var err error
	if d.Key, err = renamed(d.Key); err != nil {
		return Layout{}, err
	}
	key, err := regexp.Compile(`(?s)` + d.Key)
	if err != nil {
		return Layout{}, fmt.Errorf("key: %w", err)
	}
	d.Type, d.Unit = typeOf(d.Type), unitOf(d.Unit)
	d.Algorithm = algorithmOf(d.Algorithm, d.Type)
	for name, v := range map[string]float64{"limit": d.Limit, "window": d.Window, "burst": d.Burst, "epoch": d.Epoch} {
		if !(v >= 0 && v < 1e15) {
			return Layout{}, fmt.Errorf("%s is %v: a number from 0 on is allowed", name, v)
		}
	}
	l := Layout{Name: d.Name, Limit: limitConfig, Key: key, Starts: literal(d.Key)}
	if d.Like != "" {
		err = d.like(&l)
	} else {
		l.Type = firstText(d.Type, "string")
		l.Reader, err = d.reader(l.Type)
	}
	if err != nil {
		return Layout{}, err
	}
	l.Reader = defined{Reader: l.Reader, quota: Quota{Limit: d.Limit, Window: d.Window, Burst: d.Burst, From: "config"}}
	return l, nil
}

// literal is what all keys of an expression begin with, as far as it says so
// without any operator.
func literal(pattern string) []string {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil || !strings.HasPrefix(pattern, "^") {
		return nil
	}
	re = re.Simplify()
	if re.Op != syntax.OpConcat || len(re.Sub) < 2 || re.Sub[0].Op != syntax.OpBeginText {
		return nil
	}
	if lit := re.Sub[1]; lit.Op == syntax.OpLiteral && lit.Flags&syntax.FoldCase == 0 {
		return []string{string(lit.Rune)}
	}
	return nil
}

// like takes the values of a built-in layout: of the type that was named, or of
// the only one it has.
func (d Definition) like(l *Layout) error {
	if d.Algorithm != "" || d.Unit != "" || d.Epoch != 0 || d.ResetFrom != "" || d.Fields != (Fields{}) {
		return errors.New("like says what is in the values: algorithm, unit, epoch, fields and reset_from are not allowed beside it")
	}
	var names, types []string
	for _, b := range Layouts() {
		if names = append(names, b.Name); b.Name != d.Like || d.Type != "" && d.Type != b.Type {
			continue
		}
		types = append(types, b.Type)
		if len(types) == 1 {
			l.Type, l.Reader, l.Neighbour, l.Trim, l.Limit = b.Type, b.Reader, b.Neighbour, b.Trim, b.Limit
		}
	}
	slices.Sort(names)
	switch names = slices.Compact(names); {
	case !slices.Contains(names, d.Like):
		return fmt.Errorf("like is %q: %s are allowed", d.Like, strings.Join(names, ", "))
	case len(types) == 0:
		return fmt.Errorf("type is %q, of which %s has no keys", d.Type, d.Like)
	}
	return nil
}

// reader is the reader for the type and algorithm.
func (d Definition) reader(kind string) (Reader, error) {
	perSecond, ok := units(d.Unit)
	if !ok {
		return nil, fmt.Errorf("unit is %q: s, ms, us, ns are allowed", d.Unit)
	}
	c := clock{perSecond: perSecond, epoch: d.Epoch}
	switch kind {
	case "string":
		return d.stringReader(c)
	case "hash":
		return d.hashReader(c)
	case "zset", "list":
		return d.logReader(kind, c)
	default:
		return nil, fmt.Errorf("type is %q: string, hash, zset, list are allowed", kind)
	}
}

func (d Definition) stringReader(c clock) (Reader, error) {
	if f := d.Fields; f != (Fields{}) && f != (Fields{Remaining: "value"}) {
		r, err := d.hashReader(c)
		return jsonText{r}, err
	}
	left := d.Fields.Remaining != ""
	if left && d.Algorithm != "" && d.Algorithm != "fixed-window" {
		return nil, errors.New("fields.remaining is for fixed-window only")
	}
	if d.Algorithm != "" && d.Algorithm != "fixed-window" && d.ResetFrom != "" {
		return nil, errors.New("reset_from is for fixed-window only")
	}
	switch d.Algorithm {
	case "", "fixed-window":
		return d.counter(c, left)
	case "sliding-window":
		if !d.has("bucket") {
			return nil, errors.New("key has no group \"bucket\", which sliding-window needs")
		}
		return definedSliding{}, nil
	case "gcra":
		return gcra{clock: c}, nil
	case "ban":
		return ban{}, nil
	default:
		return nil, fmt.Errorf("algorithm is %q: fixed-window, sliding-window, gcra, ban are allowed for type string", d.Algorithm)
	}
}

// counter is the reader of a count in a fixed window.
func (d Definition) counter(c clock, left bool) (Reader, error) {
	switch d.ResetFrom {
	case "", "ttl":
		return counter{left: left}, nil
	case "window":
		if !d.has("start") && !d.has("bucket") {
			return nil, errors.New("reset_from is \"window\": key needs a group \"start\" or \"bucket\"")
		}
		if d.has("start") && d.Window == 0 && !d.has("window") {
			return nil, errors.New("window is missing: reset_from is \"window\" and key has no group \"window\"")
		}
		return counter{left: left, frame: d.frame(c)}, nil
	default:
		return nil, fmt.Errorf("reset_from is %q: ttl, window are allowed for type string", d.ResetFrom)
	}
}

// has tells whether Key has a group.
func (d Definition) has(group string) bool { return strings.Contains(d.Key, "<"+group+">") }

// frame is the window of keys whose names tell its start or number.
func (d Definition) frame(c clock) framer {
	return func(r Ref, ttl lifetime, now float64) frame {
		length := firstOf(windowText(r.group("window")), d.Window)
		if start := r.group("start"); start != "" {
			return startFrom(c, start, length, now)
		}
		b := positive(r.group("bucket"))
		if length == 0 {
			var ok bool
			if length, ok = window(b, now, 86400, 3600, 60, 1); !ok {
				return frame{}
			}
		}
		ends := (b + 1) * length
		return frame{length: length, ends: ends, ok: now < ends && now > ends-length-clockSkew}
	}
}

// startFrom is the window of a length, 0: unknown, that began when start says: a
// number of ticks, or a date.
func startFrom(c clock, start string, length, now float64) frame {
	in := func(at, length float64) frame {
		return frame{length: length, ends: at + length, ok: length > 0 && now < at+length && now > at-clockSkew}
	}
	if ticks := positive(start); ticks > 0 {
		if f := in(c.unix(ticks), length); f.ok {
			return f
		}
	}
	at, smallest := startDate(start)
	return in(at, firstOf(length, smallest))
}

func (d Definition) hashReader(c clock) (Reader, error) {
	f := d.Fields
	switch d.Algorithm {
	case "", "fixed-window":
		if f.Used == "" && f.Remaining == "" {
			return nil, errors.New("fields: used or remaining is missing")
		}
		if f.Tokens != "" || f.Last != "" {
			return nil, errors.New("fields: tokens and last are for token-bucket only")
		}
		if d.ResetFrom == "value" && f.Reset == "" {
			return nil, errors.New("fields: reset is missing, as reset_from is \"value\"")
		}
		if !slices.Contains([]string{"", "ttl", "value"}, d.ResetFrom) {
			return nil, fmt.Errorf("reset_from is %q: ttl, value are allowed for type hash", d.ResetFrom)
		}
		if d.ResetFrom == "ttl" {
			f.Reset, f.Start = "", ""
		}
		return fields{used: f.Used, left: f.Remaining, limit: f.Limit, start: f.Start, reset: f.Reset, denied: f.Denied, clock: c}, nil
	case "token-bucket":
		if f.Tokens == "" || f.Last == "" {
			return nil, errors.New("fields: tokens and last are needed for token-bucket")
		}
		return bucket{tokens: f.Tokens, last: f.Last, limit: f.Limit, clock: c}, nil
	case "leaky-bucket":
		if f.Used == "" || f.Last == "" {
			return nil, errors.New("fields: used and last are needed for leaky-bucket")
		}
		return leaky{level: f.Used, last: f.Last, clock: c}, nil
	default:
		return nil, fmt.Errorf("algorithm is %q: fixed-window, token-bucket, leaky-bucket are allowed for type hash", d.Algorithm)
	}
}

func (d Definition) logReader(kind string, c clock) (Reader, error) {
	if d.Fields != (Fields{}) || d.ResetFrom != "" {
		return nil, fmt.Errorf("fields and reset_from are not for type %s", kind)
	}
	switch {
	case kind == "list" && (d.Algorithm == "" || d.Algorithm == "sliding-log"):
		return timeList{clock: c, either: true}, nil
	case kind == "list":
		return nil, fmt.Errorf("algorithm is %q: sliding-log is allowed for type list", d.Algorithm)
	case d.Algorithm == "" || d.Algorithm == "sliding-log":
		return slidingLog{clock: c}, nil
	case d.Algorithm == "concurrency":
		return inFlight{clock: c}, nil
	default:
		return nil, fmt.Errorf("algorithm is %q: sliding-log, concurrency are allowed for type zset", d.Algorithm)
	}
}

// defined is a reader of a user's layout: what its definition and the key's name
// say of the limit goes before what others say.
type defined struct {
	Reader

	quota Quota
}

// Ask implements [Reader].
func (d defined) Ask(r Ref, k Known, now float64) [][]string {
	k.Told = d.told(r, k.Told)
	return d.Reader.Ask(r, k, now)
}

// Read implements [Reader].
func (d defined) Read(r Ref, k Known, replies []any, now float64) Reading {
	k.Told = d.told(r, k.Told)
	return d.Reader.Read(r, k, replies, now)
}

func (d defined) told(r Ref, others Quota) Quota {
	q := d.quota
	if limit := positive(r.group("limit")); limit > 0 {
		q.Limit, q.From = limit, "key"
	}
	q.Window = firstOf(windowText(r.group("window")), q.Window)
	if q.Limit == 0 {
		q.Limit, q.Burst, q.From = others.Limit, others.Burst, others.From
	}
	q.Window = firstOf(q.Window, others.Window)
	return q
}

// windowText reads a window in a key; 0 for anything else.
func windowText(s string) float64 {
	seconds, _ := ParseWindow(s)
	return max(0, seconds)
}

// definedSliding reads two counts of windows that are numbered, where the window
// was told.
type definedSliding struct{}

// Ask implements [Reader].
func (definedSliding) Ask(r Ref, k Known, now float64) [][]string {
	return windowsOf(k).Ask(r, k, now)
}

// Read implements [Reader].
func (definedSliding) Read(r Ref, k Known, replies []any, now float64) Reading {
	return windowsOf(k).Read(r, k, replies, now)
}

func windowsOf(k Known) twoWindows {
	w := twoWindows{group: "bucket", before: otherNumber, perSecond: 1, always: true, steps: []float64{86400, 3600, 60, 1}}
	if k.Told.Window > 0 {
		w.steps = []float64{k.Told.Window}
	}
	return w
}

// otherNumber puts another number in the place of the last one of its kind in a
// key.
func otherNumber(r Ref, b float64) string {
	number := r.group("bucket")
	i := strings.LastIndex(r.Key, number)
	if number == "" || i < 0 {
		return r.Key
	}
	return r.Key[:i] + wholeNumber(b) + r.Key[i+len(number):]
}

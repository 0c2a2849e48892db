package ratelimit

import (
	"encoding/binary"
	"math"
	"strconv"
	"strings"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// laravel reads a count beside which, under the same name with ":timer", is the
// unix second at which it ends. The timer tells it from any other number.
type laravel struct{}

// Ask asks for the count, the time to live and the timer.
func (laravel) Ask(r Ref, _ Known, _ float64) [][]string {
	return [][]string{{"getrange", r.Key, "0", countMost}, {"pttl", r.Key}, {"getrange", r.Key + ":timer", "0", countMost}}
}

// Read implements [Reader].
func (laravel) Read(r Ref, k Known, replies []any, now float64) Reading {
	if len(replies) != 3 {
		return Reading{}
	}
	n, ok := integer(replies[0])
	ttl := lifetimeOf(replies[1])
	ends := phpInteger(replies[2])
	if !ok || n < 0 || !ttl.ok && !ttl.forever || !ends.OK || ends.V < now-clockSkew || ends.V > now+longest {
		return Reading{}
	}
	l := limiterOf(r, "fixed-window")
	l.Used = snapshot.Known(n)
	l.ResetsSeconds = snapshot.Known(max(0, ends.V-now))
	if ttl.forever {
		l.Lint = append(l.Lint, LintNoTTL)
	}
	k.Told.fill(&l)
	return Reading{Limiter: l, Found: true, Known: Known{Limit: l.Limit.V, Window: l.WindowSeconds.V, Used: n}}
}

// phpInteger reads an integer that PHP serialized, or wrote as it is.
func phpInteger(reply any) snapshot.Value {
	s, _ := reply.(string)
	if inner, ok := strings.CutPrefix(s, "i:"); ok {
		s, _ = strings.CutSuffix(inner, ";")
	}
	n, ok := integer(s)
	if !ok {
		return snapshot.Value{}
	}
	return snapshot.Known(n)
}

// symfony reads the serialized state of one of the policies of Symfony's rate
// limiter, which holds the subject that the key hides. All of them pack numbers
// into the names of two or fewer fields.
type symfony struct{}

// phpMost is how many bytes are asked for, less one.
const phpMost = "1023"

// Ask asks for the state and the time to live.
func (symfony) Ask(r Ref, _ Known, _ float64) [][]string {
	return [][]string{{"getrange", r.Key, "0", phpMost}, {"pttl", r.Key}}
}

// Read implements [Reader].
func (symfony) Read(r Ref, k Known, replies []any, now float64) Reading {
	if len(replies) != 2 {
		return Reading{}
	}
	text, _ := replies[0].(string)
	ttl := lifetimeOf(replies[1])
	class, pairs := phpObject(text)
	l := limiterOf(r, "")
	ok := ttl.ok || ttl.forever
	switch {
	case !ok:
	case class == policies+"Window" && len(pairs) == 2:
		ok = symfonyWindow(&l, pairs, now)
	case class == policies+"SlidingWindow" && len(pairs) == 1:
		ok = symfonySliding(&l, pairs, now)
	case class == policies+"TokenBucket" && len(pairs) == 2:
		ok = symfonyBucket(&l, pairs, now)
	default:
		ok = false
	}
	if !ok {
		return Reading{}
	}
	if ttl.forever {
		l.Lint = append(l.Lint, LintNoTTL)
	}
	k.Told.fill(&l)
	return Reading{Limiter: l, Found: true, Known: Known{Window: l.WindowSeconds.V, Limit: l.Limit.V, Used: l.Used.V}}
}

// policies is the namespace of the classes.
const policies = `Symfony\Component\RateLimiter\Policy\`

// named takes the subject that the state names.
func named(l *snapshot.Limiter, id string) { l.Subject = safe.Short(subject(id), shownCells) }

// symfonyWindow: the id is the name of the window's start, and count and length
// are that of the limit.
func symfonyWindow(l *snapshot.Limiter, p []phpPair, now float64) bool {
	if len(p[1].name) != 8 || p[1].value < 1 {
		return false
	}
	count, length := packed(p[1].name, 0), packed(p[1].name, 1)
	named(l, p[0].name)
	l.Algorithm = "fixed-window"
	l.Limit, l.LimitFrom, l.WindowSeconds = told(p[1].value), "key", told(length)
	left := p[0].value + length - now
	if left < 0 {
		count = 0
	}
	l.Used, l.ResetsSeconds = snapshot.Known(count), snapshot.Known(max(0, left))
	return length >= 1
}

// symfonySliding: the counts of this window and the one before, and the length,
// come before the id in the name of the window's end.
func symfonySliding(l *snapshot.Limiter, p []phpPair, now float64) bool {
	name := p[0].name
	if len(name) < 12 {
		return false
	}
	count, before, length := packed(name, 0), packed(name, 1), packed(name, 2)
	if length < 1 {
		return false
	}
	named(l, name[12:])
	l.Algorithm, l.WindowSeconds = "sliding-window", told(length)
	left := p[0].value - now
	if left < 0 { // the window is the one before by now
		before, count, left = count, 0, left+length
	}
	used := count + math.Floor(before*min(max(left/length, 0), 1))
	l.Used, l.ResetsSeconds = snapshot.Known(used), snapshot.Known(max(0, left))
	return true
}

// symfonyBucket: the size comes before the id in the name of the tokens, and the
// pace is the name of the time.
func symfonyBucket(l *snapshot.Limiter, p []phpPair, now float64) bool {
	if len(p[0].name) < 4 {
		return false
	}
	size, pace := packed(p[0].name, 0), phpRate(p[1].name)
	if size < 1 || pace <= 0 {
		return false
	}
	named(l, p[0].name[4:])
	l.Algorithm = "token-bucket"
	l.Limit, l.LimitFrom, l.WindowSeconds = told(size), "key", told(size*pace)
	level{tokens: p[0].value, at: p[1].value, pace: pace}.read(l, now)
	return true
}

// packed is the i-th 32-bit number in front of a name.
func packed(name string, i int) float64 {
	return float64(binary.BigEndian.Uint32([]byte(name[4*i : 4*i+4])))
}

// phpRate is the seconds for a token of a rate such as "P0Y0M0DT0H1M0S-5": the
// interval in which that many come in. It is 0 for anything else.
func phpRate(s string) float64 {
	interval, amount, _ := strings.Cut(s, "-")
	n := positive(amount)
	rest, ok := strings.CutPrefix(interval, "P")
	if n < 1 || !ok {
		return 0
	}
	total, clockPart := 0.0, false
	for rest != "" {
		if rest[0] == 'T' {
			clockPart, rest = true, rest[1:]
			continue
		}
		end := strings.IndexAny(rest, "YMDHS")
		if end < 1 {
			return 0
		}
		total += positive(rest[:end]) * phpUnit(rest[end], clockPart)
		rest = rest[end+1:]
	}
	return total / n
}

// phpUnit is a unit of an interval in seconds: M is a month before the T and a
// minute behind it.
func phpUnit(letter byte, clockPart bool) float64 {
	switch {
	case letter == 'Y':
		return calendar("year")
	case letter == 'M' && clockPart:
		return calendar("minute")
	case letter == 'M':
		return calendar("month")
	case letter == 'D':
		return calendar("day")
	case letter == 'H':
		return calendar("hour")
	default:
		return 1
	}
}

// phpPair is a number under a name.
type phpPair struct {
	name  string
	value float64
}

// phpObject reads an object of named numbers as PHP serializes it:
// O:5:"Class":1:{s:3:"abc";d:1.5;}. It gives nothing for any other value.
func phpObject(s string) (class string, pairs []phpPair) {
	class, s, ok := phpString(s, "O:")
	if !ok {
		return "", nil
	}
	count, s, ok := strings.Cut(strings.TrimPrefix(s, ":"), ":{")
	n, err := strconv.Atoi(count)
	if !ok || err != nil || n < 1 || n > 2 {
		return "", nil
	}
	for range n {
		var p phpPair
		if p.name, s, ok = phpName(s); !ok {
			return "", nil
		}
		value, rest, ok := strings.Cut(s, ";")
		if !ok || !strings.HasPrefix(value, "d:") && !strings.HasPrefix(value, "i:") {
			return "", nil
		}
		v := number(value[2:])
		if !v.OK || math.Abs(v.V) > 1e15 {
			return "", nil
		}
		p.value, s = v.V, rest
		pairs = append(pairs, p)
	}
	if !strings.HasPrefix(s, "}") {
		return "", nil
	}
	return class, pairs
}

// phpName reads a name: a string, or an integer where it looks like one.
func phpName(s string) (name, rest string, ok bool) {
	if digits, isInt := strings.CutPrefix(s, "i:"); isInt {
		return strings.Cut(digits, ";")
	}
	name, rest, ok = phpString(s, "s:")
	if !ok || !strings.HasPrefix(rest, ";") {
		return "", "", false
	}
	return name, rest[1:], true
}

// phpString reads a text with its length before it: 3:"abc" behind a tag.
func phpString(s, tag string) (text, rest string, ok bool) {
	s, ok = strings.CutPrefix(s, tag)
	if !ok {
		return "", "", false
	}
	size, s, ok := strings.Cut(s, `:"`)
	n, err := strconv.Atoi(size)
	if !ok || err != nil || n < 0 || n+1 > len(s) || s[n] != '"' {
		return "", "", false
	}
	return s[:n], s[n+1:], true
}

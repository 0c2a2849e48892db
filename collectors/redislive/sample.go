package redislive

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"apitop/collectors/redisconn"
)

// Sample is what a [Burst] heard.
type Sample struct {
	At        time.Time     // its beginning, by our clock
	Span      time.Duration // the time that its lines cover
	Lines     int           // heard, of all databases and clients
	Few       bool          // too few for rates that mean much
	Cut       string        // what ended it: "lines", "bytes", "time"
	Own       int           // lines of commands that we sent ourselves: not in the rest
	Elsewhere int           // lines of other databases: not in the rest
	Unnamed   int           // uses of keys with names too long to keep
	Reads     int           // uses of keys, with those that are not in Keys
	Writes    int
	Commands  []Count    // most first; commands in scripts count as well
	Clients   []Count    // by address without port, most first
	Keys      []KeyCount // most uses first, at most 1,024
	Learned   []Learned  // from the arguments of scripts
}

// Count is how often a name came up.
type Count struct {
	Name string
	N    int
}

// KeyCount is how often a key was used. A script's declared keys count only
// where the script's own commands use them.
type KeyCount struct {
	Key           string // raw bytes
	Reads, Writes int
}

// Learned are the numbers that a script was called with beside a key: limiters
// get their limits that way. What is no number is a NaN in Args.
type Learned struct {
	Key  string // its first key, raw bytes
	Args []float64
}

// counter counts lines. It is not for concurrent use.
type counter struct {
	db    int
	specs map[string]spec
	line  line
	name  []byte // of the command, in small letters
	key   []byte // unescaped

	heard, own, elsewhere, unnamed int
	reads, writes                  int
	commands, clients              map[string]int
	keys                           map[string]*KeyCount
	learned                        map[string][]float64
}

func newCounter(db int) *counter {
	return &counter{
		db: db, specs: specs(), commands: map[string]int{}, clients: map[string]int{},
		keys: map[string]*KeyCount{}, learned: map[string][]float64{},
	}
}

// take counts a line and tells whether it is one.
func (c *counter) take(text []byte, cut bool) bool {
	l := &c.line
	if !l.parse(text, cut) {
		return false
	}
	c.heard++
	switch {
	case redisconn.Signed(string(l.words[0])):
		c.own++
	case l.db != c.db:
		c.elsewhere++
	default:
		c.count(l)
	}
	return true
}

func (c *counter) count(l *line) {
	c.name = unescape(c.name[:0], l.words[0])
	name := strings.ToLower(string(c.name[:min(len(c.name), 32)]))
	bump(c.commands, name)
	if from := address(l.client); from != "" {
		bump(c.clients, from)
	}
	s, known := c.specs[name]
	if !known {
		return
	}
	if s.use == script {
		c.learn(l)
		return
	}
	s.each(l, c.use)
}

// use counts one use of a key.
func (c *counter) use(word []byte, u use) {
	if u == writes {
		c.writes++
	} else {
		c.reads++
	}
	// Escaped, a byte takes four at most.
	if len(word) > 4*mostName {
		c.unnamed++
		return
	}
	if c.key = unescape(c.key[:0], word); len(c.key) > mostName {
		c.unnamed++
		return
	}
	k := c.keys[string(c.key)]
	if k == nil {
		k = &KeyCount{Key: string(c.key)}
		c.keys[k.Key] = k
	}
	if u == writes {
		k.Writes++
	} else {
		k.Reads++
	}
}

// bump counts a name; when there are too many, as one of the others.
func bump(m map[string]int, name string) {
	if _, known := m[name]; !known && len(m) >= mostNamed {
		name = "(other)"
	}
	m[name]++
}

// sample is what was counted.
func (b *burst) sample() Sample {
	s := Sample{
		At: b.start, Span: b.span(), Lines: b.heard, Few: b.heard-b.own-b.elsewhere < fewLines, Cut: b.cut,
		Own: b.own, Elsewhere: b.elsewhere, Unnamed: b.unnamed, Reads: b.reads, Writes: b.writes,
		Commands: ranking(b.commands), Clients: ranking(b.clients),
	}
	for _, k := range b.keys {
		s.Keys = append(s.Keys, *k)
	}
	slices.SortFunc(s.Keys, func(a, b KeyCount) int {
		return cmp.Or(cmp.Compare(b.Reads+b.Writes, a.Reads+a.Writes), strings.Compare(a.Key, b.Key))
	})
	s.Keys = slices.Clip(s.Keys[:min(len(s.Keys), mostKeys)])
	for _, key := range slices.Sorted(maps.Keys(b.learned)) {
		s.Learned = append(s.Learned, Learned{Key: key, Args: b.learned[key]})
	}
	return s
}

func ranking(m map[string]int) []Count {
	list := make([]Count, 0, len(m))
	for name, n := range m {
		list = append(list, Count{name, n})
	}
	slices.SortFunc(list, func(a, b Count) int {
		return cmp.Or(cmp.Compare(b.N, a.N), strings.Compare(a.Name, b.Name))
	})
	return list
}

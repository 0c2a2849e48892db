package redisinfo

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"apitop/collectors/snapshot"
)

// keyspace is all databases together.
type keyspace struct{ keys, expires, ttl snapshot.Value }

// keyspace sums the lines of the databases, "db0:keys=12,expires=3,avg_ttl=950".
// A server without keys lists no database; one without the section says nothing,
// which shows by its other fields missing too. The average lifetime, in
// milliseconds, is from the server's own samples of the keys that have one; 0
// means that it took none so far.
func (f fields) keyspace() keyspace {
	var keys, expires, weighed, of float64
	for name, value := range f {
		if number, isDB := strings.CutPrefix(name, "db"); !isDB || !isNumber(number) {
			continue
		}
		db := pairsOf(value)
		if !db.number("keys").OK {
			return keyspace{}
		}
		keys += db.number("keys").V
		expires += db.number("expires").V
		if ttl := db.number("avg_ttl").V; ttl > 0 {
			weighed += ttl / 1000 * db.number("expires").V
			of += db.number("expires").V
		}
	}
	known := keys > 0 || f.number("keyspace_hits").OK
	space := keyspace{keys: snapshot.Value{V: keys, OK: known}, expires: snapshot.Value{V: expires, OK: known}}
	if of > 0 {
		space.ttl = snapshot.Known(weighed / of)
	}
	return space
}

func isNumber(s string) bool {
	_, err := strconv.Atoi(s)
	return err == nil
}

// pairsOf reads "keys=12,expires=3".
func pairsOf(value string) fields {
	f := fields{}
	for part := range strings.SplitSeq(value, ",") {
		if name, v, ok := strings.Cut(part, "="); ok {
			f[name] = v
		}
	}
	return f
}

// keySizes sums the histograms of sizes that servers from 8.0 on keep of every
// type, over the databases:
//
//	db0_distrib_strings_sizes:0=1,64=2,1K=28
//	db0_distrib_zsets_items:64=1
//
// A bucket is named by its lower end; it reaches to below the double of it, and
// K, M, G ... are powers of 1024 (Redis 8.0 src/server.c, INFO keysizes).
// Strings are counted by bytes, what "items" stands behind by elements.
func (f fields) keySizes() []snapshot.RedisSizes {
	type family struct {
		kind  string
		bytes bool
	}
	found := map[family]map[float64]float64{}
	for name, value := range f {
		db, rest, ok := strings.Cut(name, "_distrib_")
		kind, unit, ok2 := strings.Cut(rest, "_")
		if !ok || !ok2 || !strings.HasPrefix(db, "db") || !word(kind) || unit != "sizes" && unit != "items" {
			continue
		}
		of := family{kind, unit == "sizes"}
		if found[of] == nil {
			found[of] = map[float64]float64{}
		}
		addBuckets(found[of], value)
	}
	list := make([]snapshot.RedisSizes, 0, len(found))
	for of, buckets := range found {
		if len(buckets) > 0 {
			list = append(list, snapshot.RedisSizes{Type: of.kind, Bytes: of.bytes, Buckets: cumulative(buckets)})
		}
	}
	slices.SortFunc(list, func(a, b snapshot.RedisSizes) int {
		return cmp.Or(strings.Compare(a.Type, b.Type), boolCompare(b.Bytes, a.Bytes))
	})
	if len(list) == 0 {
		return nil
	}
	return list
}

// addBuckets adds buckets, which are named by their lower ends, to sums by upper
// ends: the largest size that belongs to them.
func addBuckets(sums map[float64]float64, value string) {
	for name, count := range pairsOf(value) {
		low, ok := size(name)
		n, err := strconv.ParseFloat(count, 64)
		if ok && err == nil && n >= 0 {
			sums[max(2*low-1, 0)] += n
		}
	}
}

// size reads "0", "512", "2K".
func size(s string) (float64, bool) {
	unit := 1.0
	if n := len(s); n > 0 {
		if power := strings.IndexByte("KMGTPE", s[n-1]); power >= 0 {
			s = s[:n-1]
			for range power + 1 {
				unit *= 1024
			}
		}
	}
	v, err := strconv.ParseUint(s, 10, 63)
	return float64(v) * unit, err == nil
}

func cumulative(buckets map[float64]float64) []snapshot.Bound {
	list := make([]snapshot.Bound, 0, len(buckets))
	for le, n := range buckets {
		list = append(list, snapshot.Bound{Le: le, Count: n})
	}
	slices.SortFunc(list, func(a, b snapshot.Bound) int { return cmp.Compare(a.Le, b.Le) })
	for i := 1; i < len(list); i++ {
		list[i].Count += list[i-1].Count
	}
	return list
}

func boolCompare(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

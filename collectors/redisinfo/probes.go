package redisinfo

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"apitop/collectors/redisconn"
	"apitop/collectors/snapshot"
)

// How often what INFO does not tell is asked for, and of how many commands.
const (
	everyProbe  = 5 * time.Second
	everyConfig = time.Minute
	mostLadders = 20
)

// probes asks a node for what INFO does not tell, where that is permitted: how
// long calls took, and what was slow.
type probes struct {
	next       time.Time          // when to ask again
	nextConfig time.Time          // the same for settings
	runID      string             // of the server that told what is below
	seconds    map[string]float64 // each command's when it was last asked, to find the busiest since
	slow       slowLog
	threshold  snapshot.Value // slowlog-log-slower-than, in seconds
}

// ask fills in n what is due. The error is that of a lost connection.
func (p *probes) ask(ctx context.Context, gate *redisconn.Gate, n *snapshot.RedisNode) error {
	if n.RunID != p.runID {
		*p = probes{runID: n.RunID}
	}
	n.SlowlogSeconds = p.threshold
	if n.At.Before(p.next) || n.LoadingSeconds.OK {
		return nil
	}
	names := p.busiest(n.CommandStats)
	asks := [][]string{append([]string{"latency", "histogram"}, names...), {"slowlog", "len"}, {"slowlog", "get", "1"}}
	settings := !n.At.Before(p.nextConfig)
	if settings {
		asks = append(asks, []string{"config", "get", "slowlog-log-slower-than"})
	}
	if len(names) == 0 {
		asks = asks[1:]
	}
	p.next = n.At.Add(everyProbe) // also after a failure: INFO comes first
	replies, err := gate.Do(ctx, asks)
	if err != nil {
		return err
	}
	if len(names) > 0 {
		takeLadders(n.CommandStats, ladders(replies[0]))
		replies = replies[1:]
	}
	n.SlowlogEntries = p.slow.total(replies[0], replies[1])
	if settings {
		p.nextConfig = n.At.Add(everyConfig)
		p.threshold = slowerThan(replies[2])
		n.SlowlogSeconds = p.threshold
	}
	return nil
}

// busiest are the commands that took most of the server's time since they were
// asked about last.
func (p *probes) busiest(stats []snapshot.RedisCommand) []string {
	since := func(c snapshot.RedisCommand) float64 {
		if before := p.seconds[c.Name]; c.Seconds.V >= before {
			return c.Seconds.V - before
		}
		return c.Seconds.V // reset
	}
	list := slices.Clone(stats)
	slices.SortStableFunc(list, func(a, b snapshot.RedisCommand) int { return cmp.Compare(since(b), since(a)) })
	var names []string
	for _, c := range list[:min(len(list), mostLadders)] {
		names = append(names, c.Name)
	}
	p.seconds = make(map[string]float64, len(stats))
	for _, c := range stats {
		p.seconds[c.Name] = c.Seconds.V
	}
	return names
}

// slowLog makes a total of the slow log, which keeps the newest entries only.
// Entries are numbered from 0 on since the start; the log may have been emptied.
type slowLog struct {
	known bool
	count float64 // entries so far, as far as the log shows
	id    float64 // of the newest entry seen; -1: none
}

// total reads SLOWLOG LEN and SLOWLOG GET 1: unknown where one is not permitted.
// Of an entry only the number is looked at: its command may hold anything.
func (s *slowLog) total(length, newest any) snapshot.Value {
	n, ok := length.(int64)
	entries, ok2 := newest.([]any)
	if !ok || !ok2 {
		return snapshot.Value{}
	}
	if !s.known {
		s.known, s.id = true, -1
	}
	if len(entries) == 0 {
		return snapshot.Known(s.count) // empty, or emptied: what comes next is new
	}
	entry, _ := entries[0].([]any)
	if len(entry) == 0 {
		return snapshot.Value{}
	}
	id, ok := entry[0].(int64)
	switch fresh := float64(id) - s.id; {
	case !ok:
		return snapshot.Value{}
	case s.id >= 0 && fresh >= 0:
		s.count += fresh
	default: // the first that we see: what the log holds is all that we know of
		s.count += float64(n)
	}
	s.id = float64(id)
	return snapshot.Known(s.count)
}

// slowerThan reads the reply to CONFIG GET of the slow log's limit, in
// microseconds; a negative one turns it off.
func slowerThan(reply any) snapshot.Value {
	list, ok := reply.([]any)
	if !ok || len(list) != 2 {
		return snapshot.Value{}
	}
	s, _ := list[1].(string)
	us, err := strconv.ParseFloat(s, 64)
	if err != nil || us < 0 {
		return snapshot.Value{}
	}
	return snapshot.Known(us / 1e6)
}

// ladderSteps is how many bounds LATENCY HISTOGRAM has: 1.024 µs, doubled up to
// the second at which servers cut off (Redis 7.0 src/latency.c).
const ladderSteps = 21

func ladderBound(i int) float64 { return 1.024e-6 * float64(uint64(1)<<i) }

// ladders reads the reply to LATENCY HISTOGRAM: for each command its name and
// [calls, n, histogram_usec, [bound, count, ...]], counts cumulative. Bounds at
// which nothing was counted are left out there, and stand here again, so that
// all ladders are alike.
func ladders(reply any) map[string][]snapshot.Bound {
	list, _ := reply.([]any)
	found := map[string][]snapshot.Bound{}
	for i := 0; i+1 < len(list); i += 2 {
		name, ok := list[i].(string)
		info, ok2 := list[i+1].([]any)
		if !ok || !ok2 || len(info) != 4 {
			continue
		}
		if pairs, ok := info[3].([]any); ok {
			found[strings.ToLower(name)] = ladder(pairs)
		}
	}
	return found
}

func ladder(pairs []any) []snapshot.Bound {
	at := make([]float64, ladderSteps)
	for i := 0; i+1 < len(pairs); i += 2 {
		us, ok := pairs[i].(int64)
		n, ok2 := pairs[i+1].(int64)
		if !ok || !ok2 {
			continue
		}
		step := 0
		for step < ladderSteps-1 && float64(us) > 1.5*1e6*ladderBound(step) {
			step++
		}
		at[step] = max(at[step], float64(n))
	}
	bounds := make([]snapshot.Bound, ladderSteps)
	upTo := 0.0
	for i := range bounds {
		upTo = max(upTo, at[i])
		bounds[i] = snapshot.Bound{Le: ladderBound(i), Count: upTo}
	}
	return bounds
}

func takeLadders(stats []snapshot.RedisCommand, found map[string][]snapshot.Bound) {
	for i := range stats {
		stats[i].Histogram = found[stats[i].Name]
	}
}

package redisinfo

import (
	"cmp"
	"slices"
	"strings"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// What a server may tell at most: modules add commands, scripts can answer with
// error codes of their own making.
const (
	mostStats  = 600
	mostErrors = 64
	mostBytes  = 64 // of a name
)

// commands reads
//
//	cmdstat_get:calls=3,usec=9,usec_per_call=3.00,rejected_calls=0,failed_calls=0
//	latency_percentiles_usec_get:p50=1.003,p99=3.007,p99.9=3.007
//
// Servers before 6.2 do not count rejected and failed calls, those before 7.0
// have no percentiles and one line for all subcommands of a command.
func (f fields) commands() []snapshot.RedisCommand {
	var list []snapshot.RedisCommand
	for name, value := range f {
		command, ok := strings.CutPrefix(name, "cmdstat_")
		if !ok || !word(command) {
			continue
		}
		stats := pairsOf(value)
		latency := pairsOf(f["latency_percentiles_usec_"+command])
		list = append(list, snapshot.RedisCommand{
			Name:     command,
			Calls:    stats.number("calls"),
			Seconds:  micros(stats.number("usec")),
			Rejected: stats.number("rejected_calls"),
			Failed:   stats.number("failed_calls"),
			P50:      micros(latency.number("p50")),
			P99:      micros(latency.number("p99")),
		})
	}
	slices.SortFunc(list, func(a, b snapshot.RedisCommand) int {
		return cmp.Or(cmp.Compare(b.Seconds.V, a.Seconds.V), strings.Compare(a.Name, b.Name))
	})
	return list[:min(len(list), mostStats)]
}

// word tells whether s can be a name of the server's own: of a command, with
// its subcommand or module, or of a type.
func word(s string) bool {
	for _, c := range []byte(s) {
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && !strings.ContainsRune("|._-:", rune(c)) {
			return false
		}
	}
	return s != "" && len(s) <= mostBytes
}

// errors reads "errorstat_NOPERM:count=3".
func (f fields) errors() []snapshot.RedisError {
	var list []snapshot.RedisError
	for name, value := range f {
		code, ok := strings.CutPrefix(name, "errorstat_")
		n := pairsOf(value).number("count")
		if !ok || !n.OK {
			continue
		}
		list = append(list, snapshot.RedisError{Code: safe.Short(code, mostBytes), Count: n.V})
	}
	slices.SortFunc(list, func(a, b snapshot.RedisError) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Code.Raw(), b.Code.Raw()))
	})
	return list[:min(len(list), mostErrors)]
}

// ownCalls is what we sent, under the names by which the server counts it: one
// before 7.0 counts all subcommands of a command together.
func ownCalls(own map[string]uint64, stats []snapshot.RedisCommand) map[string]float64 {
	known := make(map[string]bool, len(stats))
	for _, s := range stats {
		known[s.Name] = true
	}
	calls := make(map[string]float64, len(own))
	for name, n := range own {
		if parent, _, ok := strings.Cut(name, "|"); ok && !known[name] && known[parent] {
			name = parent
		}
		calls[name] += float64(n)
	}
	return calls
}

func micros(v snapshot.Value) snapshot.Value {
	v.V /= 1e6
	return v
}

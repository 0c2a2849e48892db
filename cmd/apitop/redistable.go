package main

import (
	"fmt"
	"io"
	"strconv"

	"apitop/collectors/analysis"
	"apitop/tui/format"
)

// mostLines bounds the short lists of a Redis.
const mostLines = 8

// writeCache writes how Redis is, what it does, and the keys that matter.
func writeCache(w io.Writer, c *analysis.Cache) {
	hit := "hit " + format.Percent(c.HitRatio)
	if c.HitRatioFrom == "metrics" {
		hit += " of the service's lookups"
	}
	fmt.Fprintf(w, "\ncache\t%s\t%s ops/s\tcpu %s\tclients %s\t%s keys\n", hit, format.Number(c.OpsPerSecond),
		format.Percent(c.CPURatio), outOf(format.Whole, c.Clients, c.MaxClients), format.Whole(c.Keys))
	fmt.Fprintf(w, "%s\tmemory %s\trss %s\tevicted %s/s\texpired %s/s\t%s have a lifetime\n", serverName(c), outOf(format.Bytes, c.MemoryBytes, c.MaxMemoryBytes),
		format.Bytes(c.RSSBytes), format.Number(c.EvictedPerSecond), format.Number(c.ExpiredPerSecond), format.Whole(c.ExpiringKeys))
	fmt.Fprintf(w, "%s\tin %s/s\tout %s/s\terrors %s/s\tslow %s/s\trejected %s/s\n", orUnknown(c.Policy.String()),
		format.Bytes(c.NetInPerSecond), format.Bytes(c.NetOutPerSecond), format.Number(c.ErrorsPerSecond), format.Number(c.SlowPerSecond), format.Number(c.RejectedPerSecond))
	writeNodes(w, c.Nodes)
	writeCommands(w, c.Commands)
	writeErrors(w, c.Errors)
	writeHotKeys(w, c.HotKeys)
	writePrefixes(w, c.Prefixes)
}

// serverName is what runs, and in which mode if it is no single server.
func serverName(c *analysis.Cache) string {
	name := orUnknown(c.Server.String())
	if c.Mode == "" || c.Mode == "standalone" {
		return name
	}
	return name + ", " + c.Mode
}

func orUnknown(s string) string {
	if s == "" {
		return format.Unknown
	}
	return s
}

// outOf writes "3 of 10", and "3" where there is no limit.
func outOf(write func(analysis.Value) string, used, most analysis.Value) string {
	if !most.OK {
		return write(used)
	}
	return write(used) + " of " + write(most)
}

func writeNodes(w io.Writer, nodes []analysis.CacheNode) {
	if len(nodes) == 0 {
		return
	}
	fmt.Fprintf(w, "\nNODE\tOPS/S\tHIT\tCPU\tMEMORY\tKEYS\tCLIENTS\n")
	for i := range nodes[:min(len(nodes), mostRows)] {
		n := &nodes[i]
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", n.Node, format.Number(n.OpsPerSecond), format.Percent(n.HitRatio),
			format.Percent(n.CPURatio), format.Bytes(n.MemoryBytes), format.Whole(n.Keys), format.Whole(n.Clients))
	}
}

// writeCommands lists the commands that ran in the window.
func writeCommands(w io.Writer, list []analysis.RedisCommand) {
	rows, starred := 0, false
	for i := range list {
		c := &list[i]
		if c.CallsPerSecond.V <= 0 || rows == mostLines {
			continue
		}
		if rows++; rows == 1 {
			fmt.Fprintf(w, "\nCOMMAND\tCALLS/S\tTIME\tMEAN\tP50\tP99\tFAILED/S\n")
		}
		since := ""
		if c.LatencyFrom == "start" {
			since, starred = "*", true
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s%s\t%s%s\t%s\n", c.Name, format.Number(c.CallsPerSecond), format.Percent(c.TimeShare),
			brief(c.Mean), brief(c.P50), since, brief(c.P99), since, format.Number(c.FailedPerSecond))
	}
	if starred {
		fmt.Fprintf(w, "* since the server's start\n")
	}
}

// brief writes how long a command lasts: a few microseconds, most of them. A
// server that counts in whole microseconds says 0.001 for less than one.
func brief(v analysis.Value) string {
	switch {
	case !v.OK || v.V >= 1e-3:
		return format.Seconds(v)
	case v.V > 0 && v.V < 1e-8:
		return "<1µs"
	}
	return format.Number(analysis.Value{V: v.V * 1e6, OK: true}) + "µs"
}

// writeErrors lists the errors that were answered in the window.
func writeErrors(w io.Writer, list []analysis.RedisError) {
	rows := 0
	for i := range list {
		e := &list[i]
		if e.PerSecond.V <= 0 || rows == mostLines {
			continue
		}
		if rows++; rows == 1 {
			fmt.Fprintf(w, "\nERROR\tPER SECOND\tSINCE THE START\n")
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", e.Code, format.Number(e.PerSecond), format.Whole(e.Total))
	}
}

func writeHotKeys(w io.Writer, list []analysis.HotKey) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(w, "\nKEY\tTYPE\tREADS/S\tBY\tSIZE\tTTL\n")
	for i := range list[:min(len(list), mostRows)] {
		k := &list[i]
		reads, ttl := format.Number(k.ReadsPerSecond), format.Age(k.TTLSeconds)
		if k.AtLeast && k.ReadsPerSecond.OK {
			reads = "≥ " + reads
		}
		if k.NoTTL {
			ttl = "none"
		}
		fmt.Fprintf(w, "%.60s\t%s\t%s\t%s\t%s\t%s\n", k.Key, orUnknown(k.Type), reads, orUnknown(k.Method), format.Bytes(k.Bytes), ttl)
	}
}

func writePrefixes(w io.Writer, list []analysis.Prefix) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(w, "\nPREFIX\tKEYS\tSHARE\tSIZE\tWITHOUT TTL\tREADS/S\n")
	for i := range list[:min(len(list), mostLines)] {
		p := &list[i]
		name := p.Prefix.String()
		if name == "" {
			name = "(other)"
		}
		fmt.Fprintf(w, "%.60s\t%s\t%s\t%s\t%s\t%s\n", name, format.Whole(p.Keys), format.Percent(p.Share),
			format.Bytes(p.Bytes), format.Whole(p.NoTTL), format.Number(p.ReadsPerSecond))
	}
}

// writeLimits writes who is limited, and what is wrong with the limiters' keys.
func writeLimits(w io.Writer, l *analysis.Limits) {
	fmt.Fprintf(w, "\nlimits\t%d throttled\tdenied %s/s\n", l.ThrottledSubjects, format.Number(l.DeniedPerSecond))
	if len(l.Subjects) > 0 {
		fmt.Fprintf(w, "\nSUBJECT\tTIER\tENDPOINT\tUSED\tLIMIT\tFROM\tRESETS\tDENIED/S\tSTATE\n")
	}
	for i := range l.Subjects[:min(len(l.Subjects), mostRows)] {
		s := &l.Subjects[i]
		fmt.Fprintf(w, "%.40s\t%s\t%.40s\t%s\t%s\t%s\t%s\t%s\t%s\n", s.Subject, orUnknown(s.Tier.String()), orUnknown(s.Endpoint.String()),
			format.Whole(s.Used), format.Whole(s.Limit), orUnknown(s.LimitFrom), format.Age(s.ResetsInSeconds), format.Number(s.DeniedPerSecond), stateOfSubject(s))
	}
	if n := len(l.Subjects) - mostRows; n > 0 {
		fmt.Fprintf(w, "and %d more: --format json has them all\n", n)
	}
	for i := range l.Lint {
		x := &l.Lint[i]
		fmt.Fprintf(w, "! %s, %s, as %.60s: %s\n  → %s\n", x.Layout, count(strconv.Itoa(x.Keys), "key"), x.Example, x.What, x.Fix)
	}
}

func stateOfSubject(s *analysis.Subject) string {
	switch {
	case s.IsBlocked():
		return "blocked"
	case s.Gone:
		return "gone"
	case s.Blocked == nil:
		return format.Unknown
	}
	return "ok"
}

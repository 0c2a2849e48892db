package main

import (
	"fmt"
	"io"
	"strings"

	"apitop/collectors/analysis"
	"apitop/tui/format"
)

// writeService writes what the pages say of the service beside its requests.
func writeService(w io.Writer, s *analysis.Service) {
	if t := s.Runtime; t != nil {
		fmt.Fprintf(w, "\nruntime\t%s\theap %s\ttasks %s\tthreads %s\tgc %s of the time\tlag %s\n", orDash(t.Language, t.Version),
			format.Bytes(t.HeapBytes), format.Whole(t.Tasks), format.Whole(t.Threads), format.Percent(t.GCRatio), format.Seconds(t.LagSeconds))
	}
	if len(s.Pools) > 0 {
		fmt.Fprintf(w, "\nPOOL\tIN USE\tMAX\tWAITING\tWAITS/S\tWAIT\tGAVE UP/S\n")
	}
	for i := range s.Pools[:min(len(s.Pools), mostRows)] {
		p := &s.Pools[i]
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", orDash(p.Kind, p.Name), format.Whole(p.InUse), format.Whole(p.Max), format.Whole(p.Waiting),
			format.Number(p.WaitsPerSecond), format.Seconds(p.WaitSeconds), format.Number(p.TimeoutsPerSecond))
	}
	if len(s.Queues) > 0 {
		fmt.Fprintf(w, "\nQUEUE\tLENGTH\tBUSY\tWORKERS\tDONE/S\tFAILED/S\tWAIT\n")
	}
	for i := range s.Queues[:min(len(s.Queues), mostRows)] {
		q := &s.Queues[i]
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", orDash(q.Kind, q.Name), format.Whole(q.Length), format.Whole(q.Busy), format.Whole(q.Workers),
			format.Number(q.DonePerSecond), format.Number(q.FailedPerSecond), format.Seconds(q.WaitSeconds))
	}
	if len(s.Caches) > 0 {
		fmt.Fprintf(w, "\nCACHE\tHIT\tASKED/S\tENTRIES\tEVICTED/S\n")
	}
	for i := range s.Caches[:min(len(s.Caches), mostRows)] {
		c := &s.Caches[i]
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", orDash(c.Kind, c.Name), format.Percent(c.HitRatio), format.Number(c.LookupsPerSecond),
			format.Whole(c.Entries), format.Number(c.EvictionsPerSecond))
	}
}

// orDash puts kind and name together; a thing without either is the only one.
func orDash(kind string, name analysis.Text) string {
	if both := strings.TrimSpace(kind + " " + name.String()); both != "" {
		return both
	}
	return format.Unknown
}

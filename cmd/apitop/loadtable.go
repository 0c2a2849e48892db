package main

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"apitop/collectors/analysis"
	"apitop/collectors/safe"
	"apitop/demoapi/load"
	"apitop/tui/format"
)

// writeLoadTable writes the report of a test as plain text.
func writeLoadTable(out io.Writer, doc *loadDocument) error {
	var b bytes.Buffer
	r := doc.Report
	writeLoadHead(&b, r)
	writeLatencies(&b, r)
	writeRemarks(&b, r)
	if len(r.Course) > 0 {
		writeCourse(&b, r.Course)
	}
	writeRoutes(&b, r)
	writeTiers(&b, r.Tiers)
	if doc.FindMax != nil {
		writeFound(&b, doc.FindMax)
	}
	if doc.Comparison != nil {
		writeComparison(&b, doc.Comparison)
	}
	writeObjectives(&b, r.SLO)
	_, err := out.Write(b.Bytes())
	return err
}

// aligned writes rows of cells that are separated by tabs.
func aligned(b *bytes.Buffer, write func(io.Writer)) {
	w := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	write(w)
	_ = w.Flush() // a buffer takes everything
}

func writeLoadHead(b *bytes.Buffer, r *load.Report) {
	aligned(b, func(w io.Writer) {
		fmt.Fprintf(w, "target\t%s  scenario %s  seed %d\n", safe.Clean(r.Target, 120), safe.Clean(r.Scenario, 60), r.Seed)
		fmt.Fprintf(w, "time\t%s measured", format.Seconds(pointed(&r.Seconds)))
		if r.Warmup > 0 {
			fmt.Fprintf(w, " after %s of warm-up", format.Seconds(pointed(&r.Warmup)))
		}
		fmt.Fprintf(w, "\nrate\t")
		if r.IntendedRPS != nil {
			fmt.Fprintf(w, "%s intended (%s), %s sent", perSecond(*r.IntendedRPS), r.Arrivals, perSecond(r.SentRPS))
		} else {
			fmt.Fprintf(w, "%s sent by %d users", perSecond(r.SentRPS), r.Users)
		}
		fmt.Fprintf(w, "\nrequests\t%d: %d ok%s%s%s%s\n", r.Requests, r.OK, counted(r.Throttled, r.Requests, "throttled"),
			counted(r.ClientErrors, r.Requests, "client errors"), counted(r.Errors, r.Requests, "errors"), errorKinds(r))
		if r.Late+r.Dropped+r.Held+r.Abandoned > 0 {
			fmt.Fprintf(w, "schedule\t%d late, %d dropped, %d held back, %d abandoned\n", r.Late, r.Dropped, r.Held, r.Abandoned)
		}
		if c := r.Connections; c.New+c.Reused > 0 && r.OK > 0 {
			fmt.Fprintf(w, "traffic\t%s in bodies; connections: %d new, %d times reused\n", format.Bytes(whole(r.Bytes)), c.New, c.Reused)
		}
		if r.Logins.OK+r.Logins.Failed > 0 {
			fmt.Fprintf(w, "logins\t%d, %d failed\n", r.Logins.OK, r.Logins.Failed)
		}
	})
}

// perSecond is a rate with one digit more than a screen has: 99.8 % of what was
// intended must not read as all of it.
func perSecond(rps float64) string {
	if rps >= 1000 {
		return fmt.Sprintf("%.0f/s", rps)
	}
	return fmt.Sprintf("%.4g/s", rps)
}

func whole(n uint64) analysis.Value { return analysis.Value{V: float64(n), OK: true} }

// counted is an outcome with its share; "" for none.
func counted(n, all uint64, what string) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(", %d %s (%s)", n, what, format.Percent(ratio(n, all)))
}

// errorKinds says of what kind the errors are; "" without any.
func errorKinds(r *load.Report) string {
	var kinds []string
	for _, k := range slices.Sorted(maps.Keys(r.ErrorKinds)) {
		kinds = append(kinds, fmt.Sprintf("%d %s", r.ErrorKinds[k], safe.Clean(k, 30)))
	}
	for _, s := range slices.Sorted(maps.Keys(r.Status)) {
		if strings.HasPrefix(s, "5") {
			kinds = append(kinds, fmt.Sprintf("%d status %s", r.Status[s], safe.Clean(s, 30)))
		}
	}
	if len(kinds) == 0 {
		return ""
	}
	return ": " + strings.Join(kinds, ", ")
}

// latencyRow is a row of the table of latencies.
type latencyRow struct {
	name string
	l    *load.Latency
	what string
}

// writeLatencies puts response and service side by side, that is one above the
// other.
func writeLatencies(b *bytes.Buffer, r *load.Report) {
	rows := []latencyRow{
		{"response", &r.Response, "due to end of answer"},
		{"service", &r.Service, "sent to end of answer"},
		{"first byte", &r.TTFB, "sent to head of answer"},
	}
	if r.Mode != load.ClosedLoop { // where nothing is due
		rows = append(rows, latencyRow{"lag", &r.Lag, "due to sent"})
	}
	b.WriteByte('\n')
	aligned(b, func(w io.Writer) {
		fmt.Fprintf(w, "LATENCY\tCOUNT\tMEAN\tP50\tP90\tP95\tP99\tP99.9\tMAX\tOF\n")
		for _, row := range rows {
			l := row.l
			fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", row.name, l.Count, secs(l.Mean), secs(l.P50), secs(l.P90), secs(l.P95), secs(l.P99), secs(l.P999), secs(l.Max), row.what)
		}
	})
	if r.Response.Count > 0 && r.Response.P99 == nil {
		fmt.Fprintf(b, "%s: too few answers to tell (p95 takes 200, p99 1000, p99.9 10000)\n", format.Unknown)
	}
}

func secs(v *float64) string { return format.Seconds(pointed(v)) }

// writeRemarks says what to know about the figures.
func writeRemarks(b *bytes.Buffer, r *load.Report) {
	var notes []string
	if s := stalled(r); s != "" {
		notes = append(notes, s)
	}
	notes = append(notes, r.Verdict...)
	if len(notes) == 0 && r.Requests > 0 {
		notes = append(notes, "the generator kept its schedule: the figures are the target's")
	}
	if len(notes) > 0 {
		b.WriteByte('\n')
	}
	for _, n := range notes {
		fmt.Fprintf(b, "note: %s\n", safe.Clean(n, 0))
	}
}

// stalled explains response times that are much longer than service times; ""
// when they are not, or when the generator's own lag is all there is to say.
func stalled(r *load.Report) string {
	const much, least, often = 1.5, 0.005, 0.01 // times the service time; seconds; of the requests
	if r.Requests == 0 || float64(r.Late) < often*float64(r.Requests) {
		return ""
	}
	for _, q := range []float64{0.99, 0.95, 0.5} {
		response, enough := r.Response.Quantile(q)
		service, _ := r.Service.Quantile(q)
		if enough && response >= much*service && response-service >= least {
			return fmt.Sprintf("the target stalls: at p%.4g clients waited %s, though it answered within %s of the sending; "+
				"the rest is the wait for a place among those under way (--max-inflight), or for this machine", q*100,
				format.Seconds(pointed(&response)), format.Seconds(pointed(&service)))
		}
	}
	return ""
}

func writeRoutes(b *bytes.Buffer, r *load.Report) {
	if len(r.Routes) == 0 {
		return
	}
	b.WriteByte('\n')
	aligned(b, func(w io.Writer) {
		fmt.Fprintf(w, "METHOD\tROUTE\tREQUESTS\tRPS\tP50\tP95\tP99\tMAX\tSERVICE P95\tERRORS\t4XX\t429\n")
		for i := range r.Routes {
			row := &r.Routes[i]
			rps := analysis.Value{OK: r.Seconds > 0}
			if rps.OK {
				rps.V = float64(row.Requests) / r.Seconds
			}
			fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", safe.Clean(row.Method, 10), safe.Clean(row.Route, 80), row.Requests, format.Number(rps),
				secs(row.Response.P50), secs(row.Response.P95), secs(row.Response.P99), secs(row.Response.Max), secs(row.Service.P95),
				format.Percent(ratio(row.Errors, row.Requests)), format.Percent(ratio(row.ClientErrors, row.Requests)), format.Percent(ratio(row.Throttled, row.Requests)))
		}
	})
}

// writeTiers is what the callers of each tier got, and whether the limiter keeps
// to what it advertises.
func writeTiers(b *bytes.Buffer, tiers []load.TierReport) {
	if len(tiers) == 0 {
		return
	}
	b.WriteByte('\n')
	aligned(b, func(w io.Writer) {
		fmt.Fprintf(w, "TIER\tADMITTED\tDENIED\tFIRST DENIAL\n")
		for _, t := range tiers {
			fmt.Fprintf(w, "%s\t%d\t%d\t%s\n", tierName(t.Tier), t.Admitted, t.Denied, format.Age(pointed(t.FirstDenial)))
		}
	})
	if !slices.ContainsFunc(tiers, func(t load.TierReport) bool { return len(t.Conformance) > 0 }) {
		return
	}
	b.WriteByte('\n')
	aligned(b, func(w io.Writer) {
		fmt.Fprintf(w, "TIER\tLIMIT OF\tADVERTISED\tCALLERS\tMOST ADMITTED\tDENIED\tCONFORMS\n")
		for _, t := range tiers {
			for i := range t.Conformance {
				writeConformance(w, t.Tier, &t.Conformance[i])
			}
		}
	})
}

func tierName(tier string) string {
	if tier == "" {
		return "all"
	}
	return safe.Clean(tier, 30)
}

func writeConformance(w io.Writer, tier string, c *load.Conformance) {
	limit := strconv.FormatUint(c.Limit, 10)
	if c.Window > 0 {
		limit += " per " + format.Age(pointed(&c.Window))
	}
	verdict := "?"
	switch {
	case c.Conforms != nil && *c.Conforms:
		verdict = "✓ yes"
	case c.Conforms != nil:
		verdict = "✗ no"
	}
	if c.Note != "" {
		verdict += " " + safe.Clean(c.Note, 120)
	}
	fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t%d\t%s\n", tierName(tier), safe.Clean(c.Policy, 60), limit, c.Identities, c.Most, c.Denied, verdict)
}

// writeObjectives is a line an objective.
func writeObjectives(b *bytes.Buffer, results []load.SLOResult) {
	if len(results) == 0 {
		return
	}
	b.WriteByte('\n')
	aligned(b, func(w io.Writer) {
		for _, r := range results {
			mark, value := "?", safe.Clean(r.Reason, 120)
			if r.Pass != nil {
				mark = map[bool]string{true: "✓", false: "✗"}[*r.Pass]
				value = format.Unknown
				if s, err := load.ParseSLO(r.Expr); err == nil {
					value = sloValue(s, r)
				}
			}
			word := map[string]string{"?": "open", "✓": "kept", "✗": "broken"}[mark]
			fmt.Fprintf(w, "%s %s\t%s\t%s\n", mark, word, safe.Clean(r.Expr, 120), value)
		}
	})
}

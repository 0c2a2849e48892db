package main

import (
	"bytes"
	"fmt"
	"io"
	"text/tabwriter"

	"apitop/collectors/analysis"
	"apitop/tui/format"
)

// mostRows bounds each list of the plain report; JSON has them all.
const mostRows = 15

// writeTable writes r as plain text, for a pipe or a quick look.
func writeTable(out io.Writer, r *analysis.Report) error {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	writeSources(w, r)
	if r.HTTP != nil {
		writeHTTP(w, r.HTTP)
		writeInstances(w, r.HTTP.Instances)
	}
	if r.Service != nil {
		writeService(w, r.Service)
	}
	if r.Cache != nil {
		writeCache(w, r.Cache)
	}
	if r.Limits != nil {
		writeLimits(w, r.Limits)
	}
	if r.Database != nil {
		writeDatabase(w, r.Database)
	}
	if h := r.Host; h != nil {
		fmt.Fprintf(w, "\nhost\tcpu %s\tload %s\tmemory %s\n", format.Percent(h.CPURatio), format.Number(h.Load1), format.Bytes(h.MemoryUsedBytes))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := out.Write(b.Bytes())
	return err
}

func writeSources(w io.Writer, r *analysis.Report) {
	for _, s := range r.Sources {
		fmt.Fprintf(w, "%s\t%s\t%s", s.Name, s.State, format.Seconds(s.TookSeconds))
		if s.Error != nil {
			fmt.Fprintf(w, "\t%s", *s.Error)
			if s.Fix != "" {
				fmt.Fprintf(w, ": %s", s.Fix)
			}
		}
		fmt.Fprintln(w)
	}
}

func writeHTTP(w io.Writer, h *analysis.HTTP) {
	fmt.Fprintf(w, "\nMETHOD\tROUTE\tREQUESTS\tRPS\tP50\tP95\tP99\t5XX\t4XX\t429\n")
	row := func(method, route string, r *analysis.Route) {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", method, route,
			format.Whole(r.Requests), format.Number(r.RPS), format.Quantile(r.P50, r.P50Bucket), format.Quantile(r.P95, r.P95Bucket), format.Quantile(r.P99, r.P99Bucket),
			format.Percent(r.ErrorRatio), format.Percent(r.ClientErrorRatio), format.Whole(r.Throttled))
	}
	row("all", "", &analysis.Route{
		Requests: h.Requests, RPS: h.RPS, P50: h.P50, P50Bucket: h.P50Bucket, P95: h.P95, P95Bucket: h.P95Bucket, P99: h.P99, P99Bucket: h.P99Bucket,
		ErrorRatio: h.ErrorRatio, ClientErrorRatio: h.ClientErrorRatio, Throttled: h.Throttled,
	})
	rows := h.Rows()
	for i := range rows[:min(len(rows), mostRows)] {
		r := &rows[i]
		route := r.Route.String()
		if route == "" {
			route = "(no route)"
		}
		row(r.Method.String(), route, r)
	}
}

// writeInstances lists the instances of the service, if there are several or
// they were asked for.
func writeInstances(w io.Writer, list []analysis.Instance) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(w, "\nINSTANCE\tSTATE\tPROCESSES\tREQUESTS\tRPS\tP50\tP95\tP99\t5XX\tIN FLIGHT\n")
	for i := range list[:min(len(list), mostRows)] {
		in := &list[i]
		state := "up"
		if !in.Up {
			state = "down"
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", in.Name, state, in.Processes,
			format.Whole(in.Requests), format.Number(in.RPS), format.Seconds(in.P50), format.Seconds(in.P95), format.Seconds(in.P99),
			format.Percent(in.ErrorRatio), format.Whole(in.InFlight))
	}
	if n := len(list) - mostRows; n > 0 {
		fmt.Fprintf(w, "and %d more: --format json has them all\n", n)
	}
}

func writeDatabase(w io.Writer, d *analysis.Database) {
	fmt.Fprintf(w, "\ndatabase\tload %s\t%s calls/s\thit %s\tconnections %s/%s\n", format.Number(d.Load),
		format.Number(d.CallsPerSecond), format.Percent(d.HitRatio), format.Whole(d.Connections.Used), format.Whole(d.Connections.Max))
	for _, s := range d.Statements[:min(len(d.Statements), mostRows)] {
		fmt.Fprintf(w, "%s\t%s/s\t%s/req\t%s\t%.60s\n", format.Percent(s.Share), format.Number(s.CallsPerSecond),
			format.Number(s.CallsPerRequest), format.Seconds(s.Mean), s.Query)
	}
}

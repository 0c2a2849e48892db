package main

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"apitop/collectors/safe"
	"apitop/demoapi/load"
	"apitop/tui/format"
)

// writeCourse is the result of a closed loop with the fields of the course
// notes' benchmark.
func writeCourse(b *bytes.Buffer, results []load.CourseResult) {
	b.WriteByte('\n')
	number := func(v *float64) string {
		if v == nil {
			return format.Unknown
		}
		return fmt.Sprintf("%.2f", *v)
	}
	aligned(b, func(w io.Writer) {
		fmt.Fprintf(w, "ENDPOINT\tTOTAL REQUESTS\tTOTAL TIME\tRPS\tAVG\tMIN\tMAX\tP95 RESPONSE TIME\tERRORS\tERROR RATE\tSTATUS CODES\n")
		for i := range results {
			c := &results[i]
			if c.Error != "" {
				fmt.Fprintf(w, "%s\t%d\t%s: %s\n", safe.Clean(c.Endpoint, 60), c.Total, safe.Clean(c.Error, 60), counts(c.Kinds))
				continue
			}
			fmt.Fprintf(w, "%s\t%d\t%.2f s\t%.2f\t%s ms\t%s ms\t%s ms\t%s ms\t%d\t%.2f %%\t%s\n", safe.Clean(c.Endpoint, 60), c.Total, c.Seconds, c.RPS,
				number(c.Avg), number(c.Min), number(c.Max), number(c.P95), c.Errors, c.Rate, counts(c.Status))
		}
	})
}

// counts lists what was counted: "200: 95, 500: 5".
func counts(m map[string]uint64) string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, fmt.Sprintf("%s: %d", safe.Clean(k, 30), m[k]))
	}
	return strings.Join(out, ", ")
}

// writeFound is the result of a search and its steps.
func writeFound(b *bytes.Buffer, f *load.Found) {
	b.WriteByte('\n')
	for _, s := range f.Steps {
		fmt.Fprintln(b, stepLine(s))
	}
	switch {
	case f.RPS != nil && f.BrokeAt != nil:
		fmt.Fprintf(b, "\n%s keep the objectives; %s do not (%s)\n", perSecond(*f.RPS), perSecond(*f.BrokeAt), safe.Clean(f.Why, 200))
	case f.RPS != nil:
		fmt.Fprintf(b, "\nat least %s keep the objectives (%s)\n", perSecond(*f.RPS), safe.Clean(f.Why, 200))
	default:
		fmt.Fprintf(b, "\nno rate was found: %s\n", safe.Clean(f.Why, 200))
	}
}

// writeComparison lists what changed, and says how much did not.
func writeComparison(b *bytes.Buffer, c *load.Comparison) {
	b.WriteByte('\n')
	counted := map[load.Kind]int{}
	aligned(b, func(w io.Writer) {
		fmt.Fprintf(w, "COMPARED\tFIGURE\tBASE\t99 %% WITHIN\tNOW\t99 %% WITHIN\tCHANGE\n")
		for i := range c.Rows {
			row := &c.Rows[i]
			counted[row.Kind]++
			if row.Kind == load.Better || row.Kind == load.Worse || row.Route == "" {
				writeChange(w, row)
			}
		}
	})
	fmt.Fprintf(b, "%d figures: %d worse, %d better, %d the same within chance and tolerance, %d cannot be told\n", len(c.Rows),
		counted[load.Worse], counted[load.Better], counted[load.Same], counted[load.Unclear])
	for _, n := range c.Notes {
		fmt.Fprintf(b, "note: %s\n", safe.Clean(n, 200))
	}
}

func writeChange(w io.Writer, row *load.Change) {
	name := "all"
	if row.Route != "" {
		name = safe.Clean(row.Method+" "+row.Route, 80)
	}
	change := string(row.Kind)
	switch {
	case row.Kind == load.Unclear:
		change = "? " + safe.Clean(row.Reason, 120)
	case row.Base.Value != nil && *row.Base.Value > 0:
		change = fmt.Sprintf("%s %+.0f %%", mark(row.Kind), (*row.Now.Value / *row.Base.Value - 1)*100)
	}
	show := showFigure(row.Figure)
	fmt.Fprintf(w, "%s\t%s\t%s\t%s-%s\t%s\t%s-%s\t%s\n", name, row.Figure, show(row.Base.Value), show(row.Base.Low), show(row.Base.High),
		show(row.Now.Value), show(row.Now.Low), show(row.Now.High), change)
}

func mark(k load.Kind) string {
	return map[load.Kind]string{load.Same: "=", load.Better: "✓", load.Worse: "✗"}[k]
}

// showFigure writes values of a compared figure.
func showFigure(name string) func(*float64) string {
	switch name {
	case "errors":
		return func(v *float64) string { return format.Percent(pointed(v)) }
	case "rps":
		return func(v *float64) string { return format.Number(pointed(v)) }
	}
	return secs
}

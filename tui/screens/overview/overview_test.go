package overview

import (
	"slices"
	"testing"

	"apitop/collectors/analysis"
	"apitop/tui/screen/screentest"
)

func TestGolden(t *testing.T) {
	t.Run("empty", func(t *testing.T) { screentest.GoldenSizes(t, New(), screentest.Empty()) })
	t.Run("calm", func(t *testing.T) { screentest.GoldenSizes(t, New(), screentest.Calm()) })
	t.Run("stale", func(t *testing.T) { screentest.GoldenSizes(t, New(), screentest.Stale()) })
	t.Run("unconfigured", func(t *testing.T) { screentest.GoldenSizes(t, New(), screentest.Unconfigured()) })
	t.Run("started", func(t *testing.T) { screentest.GoldenSizes(t, New(), started()) })
	screentest.NoOrphans(t, "TestGolden")
}

// started is the calm report whose first seconds saw three slow requests.
func started() *analysis.Report {
	r := *screentest.Calm()
	r.History = slices.Clone(r.History)
	for i := range r.History {
		p := &r.History[i]
		if p.Measured = 1000; i < 10 {
			p.Measured = 3
			p.P99 = analysis.Value{V: 4.9, OK: true}
		}
	}
	return &r
}

func TestFitsEverywhere(t *testing.T) {
	screentest.FitsEverywhere(t, New(), screentest.Empty(), screentest.Stale(), screentest.Hostile())
}

func TestBrief(t *testing.T) {
	for query, want := range map[string]string{
		"select id, name, price from products where id = $1": "select … from products where id = $1",
		"SELECT id, name FROM a":                             "SELECT … FROM a",
		"select 1 from a":                                    "select 1 from a",
		"select $1":                                          "select $1",
		"update products set a = (select b from c)":          "update products set a = (select b from c)",
		"": "",
	} {
		if got := brief(query); got != want {
			t.Errorf("brief(%q) = %q, want %q", query, got, want)
		}
	}
}

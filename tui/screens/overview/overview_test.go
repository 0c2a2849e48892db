package overview

import (
	"testing"

	"apitop/tui/screen/screentest"
)

func TestGolden(t *testing.T) {
	t.Run("empty", func(t *testing.T) { screentest.GoldenSizes(t, New(), screentest.Empty()) })
	t.Run("calm", func(t *testing.T) { screentest.GoldenSizes(t, New(), screentest.Calm()) })
	t.Run("stale", func(t *testing.T) { screentest.GoldenSizes(t, New(), screentest.Stale()) })
	t.Run("unconfigured", func(t *testing.T) { screentest.GoldenSizes(t, New(), screentest.Unconfigured()) })
	screentest.NoOrphans(t, "TestGolden")
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

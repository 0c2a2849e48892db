package traffic

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

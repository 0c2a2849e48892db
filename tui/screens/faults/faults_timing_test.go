package faults

import (
	"fmt"
	"testing"

	"apitop/tui/screen/screentest"
)

func BenchmarkDraw(b *testing.B) {
	boards := board()
	for i := range 20 {
		boards.list = append(boards.list, Switch{Name: fmt.Sprint("fault-", i), What: "what it does"})
	}
	m := shown(boards)
	for b.Loop() {
		screentest.Drawing(m, nothing(), 120, 40)
	}
}

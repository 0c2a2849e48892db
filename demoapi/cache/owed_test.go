package cache

import (
	"fmt"
	"testing"
)

func TestOwed(t *testing.T) {
	var o owed
	if o.has("a") {
		t.Error("the zero value owes something")
	}
	o.add([]string{"a", "b"})
	listed, all := o.list()
	if len(listed) != 2 || all != 0 || !o.has("a") || o.has("c") {
		t.Errorf("listed %v, %d", listed, all)
	}
	o.add([]string{"a"}) // while the others are being paid
	o.paid("a", listed["a"])
	o.paid("b", listed["b"])
	if !o.has("a") || o.has("b") {
		t.Error("a later debt was struck out with the earlier one, or one is still there")
	}
	listed, _ = o.list()
	o.paid("a", listed["a"])
	if o.any.Load() {
		t.Error("nothing is owed, and yet something")
	}
}

// TestOwedTooMuch: beyond the bound everything is owed, in constant memory.
func TestOwedTooMuch(t *testing.T) {
	var o owed
	for i := range mostOwed + 1 {
		o.add([]string{fmt.Sprint("product:", i)})
	}
	listed, all := o.list()
	if len(listed) != 0 || all == 0 || !o.has("anything") {
		t.Errorf("%d keys, all %d", len(listed), all)
	}
	o.add([]string{"late"})
	o.paidAll(all)
	if o.has("anything") || !o.has("late") {
		t.Error("all was paid: only what came later is owed")
	}
	for i := range mostOwed + 1 {
		o.add([]string{fmt.Sprint("product:", i)})
	}
	o.paidAll(all) // of an earlier time
	if !o.has("anything") {
		t.Error("a later debt was struck out with an earlier one")
	}
}

package analysis

import (
	"slices"
	"testing"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// TestFailover: a replica that takes over brings counters of its own; that is a
// mark, and neither a spike nor a rate below zero.
func TestFailover(t *testing.T) {
	node := func(name string, commands float64) snapshot.RedisNode {
		return snapshot.RedisNode{Node: safe.New(name), RunID: name, Commands: known(commands), KeyspaceHits: known(commands / 2), KeyspaceMisses: known(commands / 2)}
	}
	var steps [][]snapshot.RedisNode
	for i := range 4 {
		steps = append(steps, []snapshot.RedisNode{node("a", 1e6+100*float64(i)), node("b", 100*float64(i))})
	}
	for i := 4; i < 6; i++ {
		steps = append(steps, []snapshot.RedisNode{node("b", 100*float64(i))}) // a does not answer
	}
	for i := 6; i < 10; i++ {
		steps = append(steps, []snapshot.RedisNode{node("b", 100*float64(i)), node("c", 7e6+100*float64(i))})
	}
	steps = append(steps, []snapshot.RedisNode{node("b", 1000), node("c", 7e6+1000), node("d", 5)})
	var marks []string
	for i, r := range script(steps...) {
		for _, e := range r.Events {
			if !slices.Contains(marks, e.Text) {
				marks = append(marks, e.Text)
			}
		}
		if ops := r.Cache.OpsPerSecond; ops.OK && (ops.V < 99 || ops.V > 201) {
			t.Errorf("step %d: %v ops a second, want 100 to 200", i, ops.V)
		}
	}
	if len(marks) != 2 || marks[0] != "redis failed over: a to c" || marks[1] != "redis node d appeared" {
		t.Errorf("marks %q", marks)
	}
}

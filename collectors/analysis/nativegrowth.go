package analysis

import (
	"math"
	"slices"

	"apitop/collectors/snapshot"
)

// natives follows the native buckets of one histogram beside its totals. What
// each step added is kept and not what there was, so that the memory goes with
// the requests of the window. A nil one has none.
type natives struct {
	last  *snapshot.Native
	steps []nativeStep // those with growth, oldest first
	kept  int          // buckets in them
}

// maxKept bounds the buckets kept for one target, 16 bytes each. Real services
// keep some thousands; what finds no room is told by the classic buckets.
const maxKept = 4_000_000

// nativeStep is what one step added, or several between which no window can begin;
// grown never changes.
type nativeStep struct {
	step  int
	grown *snapshot.Native
}

// fell tells whether the native buckets show that their histogram was reset.
func (n *natives) fell(now *snapshot.Native) bool {
	return n != nil && now != nil && nativeFell(n.last, now)
}

// follow takes the native buckets of a step, nil for none; how is what became of
// the histogram as a whole. It gives back how many more buckets are kept, of
// which there may be so many as there is room.
func (n *natives) follow(now *snapshot.Native, how change, clock *steps, room int) (more int) {
	if now == nil {
		return 0
	}
	before := n.kept
	n.trim(clock.number(clock.filled - 1))
	var grown *snapshot.Native
	switch {
	case how == fromZero:
		grown = now
	case how == goesOn && n.last != nil && n.last != now:
		grown = combined(now, n.last, -1)
	}
	n.last = now
	if grown != nil && observed(grown) > 0 && size(grown) <= room+before-n.kept {
		n.push(grown, clock)
	}
	return n.kept - before
}

// size is how many buckets of n are kept.
func size(n *snapshot.Native) int { return len(n.Positive) + len(n.Negative) }

// push keeps what a step added.
func (n *natives) push(grown *snapshot.Native, clock *steps) {
	if last := len(n.steps) - 1; last >= 0 && clock.filled > 1 && n.steps[last].step > clock.number(1) {
		n.kept -= size(n.steps[last].grown)
		grown = combined(n.steps[last].grown, grown, 1)
		n.steps = n.steps[:last]
	}
	n.steps = append(n.steps, nativeStep{clock.step, grown})
	n.kept += size(grown)
}

// trim forgets the steps up to old.
func (n *natives) trim(old int) {
	gone := 0
	for gone < len(n.steps) && n.steps[gone].step <= old {
		n.kept -= size(n.steps[gone].grown)
		gone++
	}
	n.steps = slices.Delete(n.steps, 0, gone)
}

// restart says that the histogram began at zero again, unseen.
func (n *natives) restart() {
	if n != nil {
		n.last = &snapshot.Native{Schema: maxSchema, PerSecond: n.last.PerSecond}
	}
}

// since is what the native buckets grew by after a step; nil when they did not, or
// when they do not hold the count observations that the histogram grew by: there
// were readings without native buckets in between.
func (n *natives) since(step int, count float64) *snapshot.Native {
	if n == nil {
		return nil
	}
	var sum *snapshot.Native
	for _, s := range n.steps {
		switch {
		case s.step <= step:
		case sum == nil:
			sum = s.grown
		default:
			sum = combined(sum, s.grown, 1)
		}
	}
	if sum == nil || math.Abs(observed(sum)-count) > count/100 {
		return nil
	}
	return sum
}

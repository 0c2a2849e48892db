package scrape

import (
	"maps"
	"slices"
	"strings"
)

// maxCompared bounds the names that are compared with a misspelt one.
const maxCompared = 2000

// nearest asks whether the name most like a wrong one was meant; empty when
// none is like it.
func nearest(wrong string, names []string) string {
	best, least := "", len(wrong)/3+1
	for _, name := range names[:min(len(names), maxCompared)] {
		if n := editDistance(wrong, name, least); n < least {
			best, least = name, n
		}
	}
	if best == "" {
		for _, name := range names { // a part of the name, or the name with more
			if strings.Contains(name, wrong) || strings.Contains(wrong, name) {
				best = name
				break
			}
		}
	}
	if best == "" {
		return ""
	}
	return ": did you mean " + best + "?"
}

// editDistance is how many letters differ between a and b; limit when they are
// that many or more.
func editDistance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		left, diagonal := i+1, i
		for j := range len(b) {
			up := row[j+1]
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, up, left)
			}
			row[j], diagonal, left = left, up, cost
		}
		row[len(b)] = left
	}
	return min(row[len(b)], limit)
}

func sortedKeys(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }

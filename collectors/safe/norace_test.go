//go:build !race

package safe

const step = 1 // the exhaustive tests try every rune

//go:build race

package safe

// step makes the exhaustive tests a sample under the race detector: they are ten
// times slower there and have no goroutines for it to watch.
const step = 37

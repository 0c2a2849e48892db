//go:build race

package scrape

// raceDetector makes everything several times slower.
const raceDetector = true

//go:build !race

package scrape

const raceDetector = false

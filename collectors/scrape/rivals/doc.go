// Package rivals compares the scanner of metrics pages with the parsers that
// others use, in one run on one page: expfmt's text parser of
// github.com/prometheus/common, and textparse of
// github.com/prometheus/prometheus. It is a module of its own, so that apitop
// does not depend on a server's 250 modules to be measured against it.
//
//	cd collectors/scrape/rivals && go test -bench . -benchtime 10x
package rivals

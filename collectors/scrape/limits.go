package scrape

import (
	"bytes"
	"fmt"

	"apitop/collectors/snapshot"
)

// Limits bounds what one page may cost. Each is a hard end of the scrape with
// an error of its own: a page is never cut in silence. A zero field takes its
// default.
type Limits struct {
	BodyBytes    int64 // of the page, after decompression; default 64 MiB
	LineBytes    int   // of one line of text; default 64 KiB
	Labels       int   // of one series; default 128
	Series       int   // on one page, and as many families; default 500,000
	MessageBytes int   // of one protobuf message; default 32 MiB
}

// maxHeaderBytes bounds the response headers.
const maxHeaderBytes = 64 << 10

// maxBounds is how many buckets a histogram may have. Real ladders have up to
// about 300 (Micrometer); more costs memory in every reading of the history.
const maxBounds = 1000

// Of a metrics page most lines are samples, or come with one. Another kind of page
// ends soon, at many lines that are not, and not only at the limit of its bytes.
const (
	mostBad   = 10_000  // and twice the samples
	mostEmpty = 10_000  // families, and four times the samples
	mostIdle  = 100_000 // lines, and four times the samples
)

// wasted tells whether there is too little on the page for its lines.
func (p *scan) wasted() error {
	switch {
	case p.bad > mostBad && p.bad > 2*p.samples:
		return notMetrics(fmt.Sprintf("data that mostly cannot be read (%s)", p.first[0].Why))
	case p.table.liveDecls > mostEmpty && p.table.liveDecls > 4*p.samples:
		return notMetrics("data with more families than samples")
	case p.idle > mostIdle && p.idle > 4*p.samples:
		return notMetrics("data with hardly any samples")
	}
	return nil
}

// After knownAhead series of a new page, the next countedAhead bytes at most are
// counted before more is remembered: half a million short lines.
const (
	knownAhead   = 10_000
	countedAhead = 31 << 20 // the buffer is a little more
)

// count refuses a page that has too many samples, before they cost more. It
// reads on only as long as that is open.
func (p *scan) count() error {
	limit, lines, counted := p.src.limits.Series, p.samples, 0
	const step = 1 << 20
	for n := step; ; n += step {
		if n > step {
			p.src.room(countedAhead) // what of it is not needed is never touched
		}
		ahead := p.src.peek(n)
		for {
			rest := ahead[counted:]
			i := bytes.IndexByte(rest, '\n')
			if i < 0 {
				break
			}
			if i > 0 && rest[0] != '#' {
				lines++
			}
			counted += i + 1
		}
		switch {
		case lines > limit:
			return tooManySeries(limit)
		case len(ahead) < n, n >= countedAhead:
			return nil
		}
	}
}

func (l Limits) withDefaults() Limits {
	def := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	if l.BodyBytes <= 0 {
		l.BodyBytes = 64 << 20
	}
	def(&l.LineBytes, 64<<10)
	def(&l.Labels, 128)
	def(&l.Series, 500_000)
	def(&l.MessageBytes, 32<<20)
	return l
}

const fixLabels = "drop labels with unbounded values (ids, raw paths) from the service's metrics"

func tooLong(limit int64) error {
	return snapshot.Fail(snapshot.Unsupported,
		"the page is larger than "+size(limit), fixLabels)
}

func tooLongLine(line, limit int) error {
	return snapshot.Fail(snapshot.Unsupported,
		fmt.Sprintf("line %d is longer than %s", line, size(int64(limit))),
		"check that the address is a metrics page")
}

func tooManyLabels(limit int) error {
	return snapshot.Fail(snapshot.Unsupported,
		fmt.Sprintf("a series has more than %d labels", limit),
		"check that the address is a metrics page")
}

func tooManySeries(limit int) error {
	return snapshot.Fail(snapshot.Unsupported,
		fmt.Sprintf("the page has more than %d series", limit), fixLabels)
}

func tooManyFamilies(limit int) error {
	return snapshot.Fail(snapshot.Unsupported,
		fmt.Sprintf("the page declares more than %d families", limit),
		"check that the address is a metrics page")
}

func tooLongMessage(limit int) error {
	return snapshot.Fail(snapshot.Unsupported,
		"a protobuf message is larger than "+size(int64(limit)), fixLabels)
}

// size writes n bytes for people: "64 MiB", "10 KiB", "100 bytes".
func size(n int64) string {
	switch {
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 1<<10 && n%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", n>>10)
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d bytes", n)
}

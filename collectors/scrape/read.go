package scrape

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// Reader reads the metrics pages of one target, one after another. It remembers
// the series of the page before, so that a page read again costs one comparison
// a line, and which families count the requests, so that two pages are
// comparable. It is for one goroutine.
type Reader struct {
	target safe.Text
	limits Limits
	table  *table
	src    source
	body   unpacker

	rows    []dialect
	pin     Pin
	mapping mapping
	labels  safe.Text // of the mapping, for people
	missing []string  // what is fixed and not on the page
	found   detection
	plan    *plan
	notes   []snapshot.Note
}

// NewReader makes a Reader for pages of one target, named as people know it
// ("localhost:8000"). Zero limits are the defaults.
func NewReader(target string, limits Limits) *Reader {
	limits = limits.withDefaults()
	return &Reader{target: safe.New(target), limits: limits, rows: dialects(), table: newTable(limits)}
}

// twin makes a Reader for pages of another process of the same kind.
func (r *Reader) twin() *Reader {
	return &Reader{target: r.target, limits: r.limits, rows: r.rows, pin: r.pin, table: newTable(r.limits)}
}

// ReadFile reads a saved page. Its format is told by its content, and the
// reading's time stays zero, as a page does not say when it was written.
func (r *Reader) ReadFile(path string) (*snapshot.HTTP, error) {
	f, err := os.Open(path) //nolint:gosec // the user names the file
	if err != nil {
		return nil, unreadableFile(path, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, unreadableFile(path, err)
	}
	if !info.Mode().IsRegular() {
		return nil, snapshot.Fail(snapshot.Unsupported, path+" is not a file", "give a saved metrics page")
	}
	return r.Read(f, "")
}

func unreadableFile(path string, err error) error {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		err = pathErr.Err // "no such file or directory", without the path again
	}
	return snapshot.Fail(snapshot.Unreachable, "cannot open "+path+": "+err.Error(), "")
}

// Read reads one page to its end, unpacking it where it is gzip or zstd data.
// contentType may be empty: then the content tells. A page without a single
// sample is an error of kind NoData, a page that is something else one of kind
// Unsupported; an error of src comes wrapped. The time of the reading is the
// caller's to set.
func (r *Reader) Read(src io.Reader, contentType string) (*snapshot.HTTP, error) {
	return r.read(src, contentType, "")
}

// read is Read for a page that a server says to be in an encoding.
func (r *Reader) read(src io.Reader, contentType, encoding string) (*snapshot.HTTP, error) {
	r.notes = nil
	r.src.reset(&r.body, r.limits)
	defer r.src.done()
	defer r.body.done()
	if err := r.body.reset(src, encoding); err != nil {
		return nil, r.failed(err)
	}
	format, err := formatOf(contentType, r.src.peek(sniffLength))
	if err != nil {
		return nil, err
	}
	r.table.begin()
	p := protoScan{scan: scan{src: &r.src, table: r.table}}
	if format == formatProtobuf {
		err = p.read()
	} else {
		err = p.text()
	}
	if err == nil {
		err = p.judge()
	}
	if err != nil {
		r.table.abort()
		return nil, r.failed(err)
	}
	r.table.commit()
	if r.table.changed || r.plan == nil || r.mapping.unsure {
		r.replan()
	}
	if format == formatText && contentType == "" && p.eof {
		format = formatOpenMetrics
	}
	return r.reading(&p, format)
}

// failed adds how far a page came that broke off.
func (r *Reader) failed(err error) error {
	if _, ok := errors.AsType[*snapshot.Failure](err); ok {
		return err
	}
	return fmt.Errorf("read the page after %s: %w", size(r.src.total), err)
}

// judge refuses a page on which nothing could be read, unless it declares types
// as only a metrics page does.
func (p *scan) judge() error {
	if p.samples > 0 || p.bad == 0 || p.table.liveDecls > 0 {
		return nil
	}
	return notMetrics("text without samples (" + p.first[0].Why.String() + ")")
}

func (r *Reader) reading(p *protoScan, format string) (*snapshot.HTTP, error) {
	h, dropped := r.plan.reading()
	h.Target = r.target
	h.Page.Format, h.Page.Bytes = format, r.src.total
	h.Page.Samples, h.Page.BadLines, h.Page.FirstBad = p.samples, p.bad, p.first
	r.describe(&h.Page)
	r.notes = r.note(p, h, dropped)
	switch {
	case p.samples == 0 && p.bad > 0:
		return h, snapshot.Fail(snapshot.NoData, "no line of the page can be read: "+p.first[0].Why.String(),
			"check what the service writes there")
	case p.samples == 0:
		return h, snapshot.Fail(snapshot.NoData, "the page is empty: no metrics on it",
			"check that the service registers its metrics")
	}
	return h, nil
}

// Notes says what of the page read last could not be used. It is nil when all
// could.
func (r *Reader) Notes() []snapshot.Note { return r.notes }

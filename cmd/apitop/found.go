package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"apitop/collectors"
	"apitop/collectors/safe"
	"apitop/collectors/scrape"
	"apitop/collectors/snapshot"
	"apitop/collectors/targets"
	"apitop/collectors/web"
)

// pageSet is the metrics pages that are found while apitop runs. Everything but
// watchers belongs to the goroutine that polls.
type pageSet struct {
	sources []announced
	timeout time.Duration                                   // for one page
	wrap    func(collectors.Collector) collectors.Collector // nil: nothing around them
	pages   map[safe.Text]found
	list    []collectors.Job // of pages
}

// announced is one place that says which pages there are.
type announced struct {
	watcher *targets.Watcher
	base    scrape.Config // how its pages are read
	version int           // of the list below
	list    []targets.Target
}

// found is one page that was found, and who reads it.
type found struct {
	target    targets.Target
	collector collectors.Collector
}

// searchTime bounds the first search: it happens before the first frame.
const searchTime = 200 * time.Millisecond

// searchTimeout bounds every later one.
const searchTimeout = 10 * time.Second

// addPages adds what announces metrics pages.
func (c *Config) addPages(w *watched) error {
	list, err := c.announced()
	if err != nil || len(list) == 0 {
		return err
	}
	w.pages = &pageSet{sources: list, timeout: c.timeout()}
	w.closers = append(w.closers, w.pages.close)
	every := max(1, int(targets.Every/c.Interval))
	for _, a := range list {
		w.jobs = append(w.jobs, collectors.Job{Collector: a.watcher, Every: every, Timeout: searchTimeout})
	}
	w.pages.search()
	return nil
}

// search looks a first time, so that the first round has pages to read.
func (s *pageSet) search() {
	ctx, cancel := context.WithTimeout(context.Background(), searchTime)
	defer cancel()
	var wg sync.WaitGroup
	for _, a := range s.sources {
		wg.Go(func() { _, _ = a.watcher.Collect(ctx) }) // the first round says what went wrong
	}
	wg.Wait()
}

// announced opens the places that c names.
func (c *Config) announced() (list []announced, err error) {
	add := func(w *targets.Watcher, base scrape.Config, failed error) {
		err = errors.Join(err, failed)
		list = append(list, announced{watcher: w, base: base})
	}
	for _, url := range c.Metrics {
		if targets.IsDNS(url) {
			base, where := c.dnsPages(url)
			w, failed := targets.DNS(targets.DNSConfig{URL: url, Web: base.Web})
			add(w, base, within(where, failed))
		}
	}
	for _, pattern := range c.TargetFiles {
		base, where := c.filePages(pattern)
		w, failed := targets.Files(pattern, base.Web)
		add(w, base, within(where, failed))
	}
	if c.PromConfig != "" {
		w, failed := targets.Prometheus(c.PromConfig, c.Jobs...)
		add(w, scrape.Config{}, within(c.origin("prometheus-config"), failed))
	} else if len(c.Jobs) > 0 {
		err = errors.Join(err, errors.New("--job names a job of --prometheus-config, which is not given"))
	}
	return list, err
}

func within(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

// dnsURL is how a name whose addresses are all meant is written.
func dnsURL(url string) string {
	if targets.IsDNS(url) {
		return url
	}
	return "dns+" + metricsURL(url)
}

// dnsPages is what the file says of the pages behind a name, and where the name
// comes from.
func (c *Config) dnsPages(url string) (base scrape.Config, where string) {
	for i := range c.File.DNS {
		if d := &c.File.DNS[i]; metricsURL(dnsURL(d.URL.Reveal())) == url {
			return scraped(&d.Scrape), c.File.Where(fmt.Sprintf("dns[%d].url", i))
		}
	}
	if m, path, ok := c.File.Page(url, metricsURL); ok {
		return scraped(&m.Scrape), c.File.Where(path + ".url")
	}
	return scrape.Config{}, "metrics"
}

// filePages is what the file says of the pages that another lists, and where that
// is named.
func (c *Config) filePages(pattern string) (base scrape.Config, where string) {
	for i := range c.File.FileSD {
		if f := &c.File.FileSD[i]; f.Path == pattern {
			return scraped(&f.Scrape), c.File.Where(fmt.Sprintf("file_sd_files[%d].path", i))
		}
	}
	return scrape.Config{}, "--targets-file"
}

// jobs is all pages that are announced now. It makes collectors for new ones and
// forgets those that are gone; who polls closes them.
func (s *pageSet) jobs() []collectors.Job {
	changed := false
	for i := range s.sources {
		a := &s.sources[i]
		list, version := a.watcher.Targets()
		changed = changed || version != a.version
		a.list, a.version = list, version
	}
	if !changed {
		return s.list
	}
	pages := map[safe.Text]found{}
	s.list = nil
	for i := range s.sources {
		for _, t := range s.sources[i].list {
			if _, double := pages[t.Name]; double {
				continue
			}
			p, known := s.pages[t.Name]
			if !known || !p.target.Same(t) {
				p = found{target: t, collector: s.collector(t, s.sources[i].base)}
			}
			pages[t.Name] = p
			s.list = append(s.list, collectors.Job{Collector: p.collector, Timeout: s.timeout})
		}
	}
	s.pages = pages
	return s.list
}

// collector reads t. One that cannot be read is a source that fails.
func (s *pageSet) collector(t targets.Target, page scrape.Config) (c collectors.Collector) {
	page.URL, page.Dial, page.Target, page.Web = t.URL.Reveal(), t.Dial, t.Name.Raw(), t.Web
	c, err := scrape.New(page)
	if err != nil {
		c = &unreadable{source: snapshot.Source{Name: safe.New("metrics " + t.Name.Raw()), Kind: snapshot.KindMetrics}, why: err}
	}
	if s.wrap != nil {
		c = s.wrap(c)
	}
	return c
}

// close gives all connections back. Nobody polls any more.
func (s *pageSet) close() error {
	for _, p := range s.pages {
		if c, ok := p.collector.(interface{ Close() }); ok {
			c.Close()
		}
	}
	return nil
}

// unreadable is a page that cannot be asked for: its address or its settings are
// wrong.
type unreadable struct {
	source snapshot.Source
	why    error
}

// Source implements [collectors.Collector].
func (u *unreadable) Source() snapshot.Source { return u.source }

// Collect implements [collectors.Collector].
func (u *unreadable) Collect(context.Context) (snapshot.Reading, error) {
	if field, ok := errors.AsType[*web.FieldError](u.why); ok {
		return nil, snapshot.Fail(snapshot.Unsupported, field.Error(), "")
	}
	return nil, u.why
}

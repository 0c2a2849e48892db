package config

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"apitop/collectors/web"
)

// Size is a number of bytes: 67108864, 64KiB, 64MiB, 64MB, 1GiB.
type Size int64

// UnmarshalText reads a size.
func (s *Size) UnmarshalText(text []byte) error {
	number, unit := string(text), int64(1)
	for suffix, bytes := range map[string]int64{"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "KB": 1e3, "MB": 1e6, "GB": 1e9} {
		if n, ok := strings.CutSuffix(number, suffix); ok {
			number, unit = strings.TrimSpace(n), bytes
			break
		}
	}
	n, err := strconv.ParseInt(number, 10, 32)
	if err != nil && unit == 1 {
		n, err = strconv.ParseInt(number, 10, 64)
	}
	if err != nil || n <= 0 {
		return errors.New("want a size such as 64MiB")
	}
	*s = Size(n * unit)
	return nil
}

// check finds settings that cannot be used, as far as the file alone can tell.
func (f *File) check() error {
	names, urls := map[string]bool{}, map[string]bool{}
	for i := range f.Metrics {
		m, path := &f.Metrics[i], element("metrics", i)
		switch {
		case m.URL.Reveal() == "":
			return f.errorAt(path, "it has no url")
		case urls[m.URL.Reveal()]:
			return f.errorAt(path+".url", "another page has this address")
		case m.Name != "" && names[m.Name]:
			return f.errorAt(path+".name", "another page has this name")
		}
		names[m.Name], urls[m.URL.Reveal()] = true, true
		if err := f.checkScrape(&m.Scrape, path); err != nil {
			return err
		}
	}
	for i := range f.FileSD {
		path := element("file_sd_files", i)
		if f.FileSD[i].Path == "" {
			return f.errorAt(path, "it has no path")
		}
		if err := f.checkScrape(&f.FileSD[i].Scrape, path); err != nil {
			return err
		}
	}
	for i := range f.DNS {
		path := element("dns", i)
		if f.DNS[i].URL.Reveal() == "" {
			return f.errorAt(path, "it has no url")
		}
		if err := f.checkScrape(&f.DNS[i].Scrape, path); err != nil {
			return err
		}
	}
	if err := f.checkLimiting(); err != nil {
		return err
	}
	return f.checkOthers()
}

func (f *File) checkOthers() error {
	if err := f.checkRedis(); err != nil {
		return err
	}
	switch {
	case f.PID < 0:
		return f.errorAt("pid", "a process id is positive")
	case f.PrometheusConfig != nil && f.PrometheusConfig.Path == "":
		return f.errorAt("prometheus_config", "it has no path")
	case f.Prometheus == nil:
		return nil
	case f.Prometheus.URL.Reveal() == "":
		return f.errorAt("prometheus", "it has no url")
	}
	if err := f.checkMapping(f.Prometheus.Mapping, "prometheus"); err != nil {
		return err
	}
	return f.checkWeb(f.Prometheus.Settings, "prometheus")
}

func (f *File) checkRedis() error {
	if f.Redis == nil {
		return nil
	}
	if f.Redis.URL.Reveal() == "" {
		return f.errorAt("redis", "it has no url")
	}
	if d := f.Redis.Duty; d != "" {
		if _, err := ParseDuty(d); err != nil {
			return f.errorAt("redis.duty", err.Error())
		}
	}
	_, err := f.Redis.TLS.Open()
	if field, ok := errors.AsType[*web.FieldError](err); ok {
		return f.errorAt("redis."+field.Field, field.Why)
	}
	return err
}

func (f *File) checkMapping(m *Mapping, path string) error {
	if m != nil && m.Unit != "" && !slices.Contains(Units(), m.Unit) {
		return f.errorAt(path+".mapping.unit", "want one of "+strings.Join(Units(), ", "))
	}
	return nil
}

func (f *File) checkScrape(s *Scrape, path string) error {
	if err := f.checkMapping(s.Mapping, path); err != nil {
		return err
	}
	if s.Limits.Series < 0 {
		return f.errorAt(path+".limits.series", "want a positive number")
	}
	return f.checkWeb(s.Settings, path)
}

// checkWeb opens the settings once, to say where in the file they are wrong.
func (f *File) checkWeb(s web.Settings, path string) error {
	_, err := s.Open()
	if field, ok := errors.AsType[*web.FieldError](err); ok {
		return f.errorAt(path+"."+field.Field, field.Why)
	}
	return err
}

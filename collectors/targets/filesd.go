package targets

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
	"apitop/collectors/web"
)

// Files watches files in the format of Prometheus' file-based discovery, JSON
// or YAML, and asks their targets as settings say. In the last element of
// pattern, * and ? and […] match. The error is a [snapshot.Failure]; a file that
// is not there is none, as it may come.
func Files(pattern string, settings web.Settings) (*Watcher, error) {
	if err := checkPattern(pattern); err != nil {
		return nil, snapshot.Fail(snapshot.Unsupported, safe.Clean(pattern, 100)+": "+err.Error(),
			"see file_sd_config in the documentation of Prometheus")
	}
	j := &job{name: "file", scheme: "http", path: "/metrics", web: settings, sources: []source{newFiles([]string{pattern}, "")}}
	return newWatcher("file "+pattern, one{j}), nil
}

// filePattern is what Prometheus accepts, ? and […] beside it.
// Source: discovery/file/file.go (patFileSDName).
var filePattern = regexp.MustCompile(`^(.*/)?[^/]+\.(json|yml|yaml|JSON|YML|YAML)$`)

func checkPattern(pattern string) error {
	dir, _ := filepath.Split(pattern)
	switch _, err := filepath.Match(pattern, ""); {
	case !filePattern.MatchString(filepath.ToSlash(pattern)):
		return errors.New("the name must end in .json, .yml or .yaml")
	case strings.ContainsAny(dir, "*?["):
		return errors.New("only the last element of a path can match several")
	case err != nil:
		return errors.New("the pattern cannot be read")
	}
	return nil
}

// goneGrace is how long the targets of a file stay that is no longer there, or
// the addresses of a name: both vanish for a moment when they are replaced.
const goneGrace = time.Minute

// maxFiles bounds how many files one pattern gives.
const maxFiles = 1000

// files is a source: file_sd_configs.
type files struct {
	patterns []string
	known    map[string]*targetFile
}

// newFiles makes a source of patterns, relative ones in dir.
func newFiles(patterns []string, dir string) *files {
	f := &files{known: map[string]*targetFile{}}
	for _, p := range patterns {
		f.patterns = append(f.patterns, under(dir, p))
	}
	return f
}

// under is path in dir, unless it is absolute.
func under(dir, path string) string {
	if path == "" || dir == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// targetFile is one file and what it last held.
type targetFile struct {
	file
	groups []group
	good   bool      // groups were read once
	fault  *fault    // of the newest reading
	gone   time.Time // since when it is not there; zero: it is
}

func (f *files) find(_ context.Context, now time.Time) (groups []group, notes []snapshot.Note, err error) {
	notes = f.list()
	var faults []string
	for _, path := range slices.Sorted(maps.Keys(f.known)) {
		t := f.known[path]
		t.refresh(now)
		if t.fault != nil && t.gone.IsZero() {
			notes = append(notes, t.complaint())
			faults = append(faults, t.fault.at(path)+": "+t.fault.why)
		}
		if !t.gone.IsZero() {
			if now.Sub(t.gone) >= goneGrace || !t.good {
				delete(f.known, path)
				continue
			}
			notes = append(notes, note("", "%s is gone: its targets stay for %v", safe.Clean(path, 100), goneGrace))
		}
		groups = append(groups, t.groups...)
	}
	switch {
	case len(groups) > 0:
	case len(faults) > 0:
		err = snapshot.Fail(snapshot.Unsupported, faults[0], "see file_sd_config in the documentation of Prometheus")
	case len(f.known) == 0:
		err = snapshot.Fail(snapshot.NoData, "no file matches "+safe.Clean(strings.Join(f.patterns, " "), 150), "check the path")
	}
	return groups, notes, err
}

// list adds the files that match now.
func (f *files) list() (notes []snapshot.Note) {
	for _, p := range f.patterns {
		matches, err := filepath.Glob(p)
		if err != nil {
			notes = append(notes, note("", "the pattern %s cannot be read", safe.Clean(p, 100)))
		}
		for i, path := range matches {
			if i == maxFiles {
				notes = append(notes, note("", "more than %d files match %s: the rest is left out", maxFiles, safe.Clean(p, 100)))
				break
			}
			if f.known[path] == nil {
				f.known[path] = &targetFile{file: file{path: path}}
			}
		}
	}
	return notes
}

// refresh reads the file when it has changed. What it held stays when it is
// broken now.
func (t *targetFile) refresh(now time.Time) {
	content, fresh, err := t.read()
	switch {
	case errors.Is(err, errGone):
		if t.gone.IsZero() {
			t.gone = now
		}
		return
	case err != nil:
		t.gone, t.fault = time.Time{}, faultOf(err)
		return
	}
	t.gone = time.Time{}
	if !fresh {
		return
	}
	groups, err := parseGroups(t.path, content)
	if err != nil {
		t.fault = faultOf(err)
		return
	}
	t.groups, t.good, t.fault = groups, true, nil
}

func (t *targetFile) complaint() snapshot.Note {
	kept := ""
	if t.good {
		kept = " (its former targets stay)"
	}
	return note("", "%s: %s%s", t.fault.at(t.path), t.fault.why, kept)
}

// fileGroup is an element of such a file.
// Source: discovery/targetgroup/targetgroup.go.
type fileGroup struct {
	Targets []string          `json:"targets" yaml:"targets"`
	Labels  map[string]string `json:"labels" yaml:"labels"`
}

// parseGroups reads the content of a file. Its error is a *fault.
func parseGroups(path string, content []byte) ([]group, error) {
	var list []*fileGroup
	var err error
	if strings.EqualFold(filepath.Ext(path), ".json") {
		err = parseJSON(content, &list)
	} else if yamlErr := yaml.Unmarshal(content, &list); yamlErr != nil {
		err = yamlFault(yamlErr, 0)
	}
	if err != nil {
		return nil, err
	}
	groups := make([]group, 0, len(list))
	for i, g := range list {
		if g == nil {
			return nil, &fault{why: fmt.Sprintf("group %d is null", i+1)}
		}
		shared := labels{"__meta_filepath": path}
		maps.Copy(shared, g.Labels)
		groups = append(groups, addresses(g.Targets, shared))
	}
	return groups, nil
}

// parseJSON finds the line of an error, which encoding/json does not say.
func parseJSON(content []byte, list *[]*fileGroup) error {
	dec := json.NewDecoder(bytes.NewReader(content))
	err := dec.Decode(list)
	at := dec.InputOffset()
	if err == nil {
		if _, end := dec.Token(); !errors.Is(end, io.EOF) {
			return &fault{line: lineAt(content, at), why: "there is more after the end of the list"}
		}
		return nil
	}
	f := &fault{why: "it does not read as JSON"}
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		at = e.Offset
	} else if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		at, f.why = e.Offset, "another kind of value is expected here"
	}
	f.line = lineAt(content, at)
	return f
}

func lineAt(content []byte, offset int64) int {
	return bytes.Count(content[:min(max(offset, 0), int64(len(content)))], []byte("\n")) + 1
}

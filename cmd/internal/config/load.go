package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"apitop/collectors/safe"
	"apitop/collectors/web"
)

// maxFileBytes bounds the file: a configuration is small.
const maxFileBytes = 1 << 20

// Error is a fault in the file: where, what key, and what is allowed. It holds no
// value from the file.
type Error struct {
	File         string
	Line, Column int    // from 1
	Key          string // with dots and indices: "metrics[0].limits.series"; empty: the whole file
	Why          string
}

// Error implements error.
func (e *Error) Error() string {
	key := e.Key
	if key != "" {
		key += ": "
	}
	return fmt.Sprintf("%s:%d:%d: %s%s", safe.Clean(e.File, 0), e.Line, e.Column, key, e.Why)
}

// DefaultPath is where the file is when nobody names one:
// $XDG_CONFIG_HOME/apitop/config.yaml, else ~/.config/apitop/config.yaml; empty
// when there is no home.
// Source: XDG Base Directory Specification 0.8.
func DefaultPath(getenv func(string) string) string {
	base := getenv("XDG_CONFIG_HOME")
	if !filepath.IsAbs(base) { // the specification wants relative ones ignored
		home := getenv("HOME")
		if home == "" {
			return ""
		}
		base = filepath.Join(home, ".config")
	}
	return filepath.Join(base, "apitop", "config.yaml")
}

// Load reads the file called path. A file that holds a secret and may be read by
// others is refused, as ssh does. The error is an *[Error] where a place in the
// file is to blame.
func Load(path string) (*File, error) {
	text, mode, err := read(path)
	if err != nil {
		return nil, err
	}
	f := &File{name: path, places: map[string]place{}}
	root, err := f.parse(text)
	if err != nil {
		return nil, err
	}
	if root != nil {
		d := &decoder{file: f}
		if err := d.decode(root, reflect.ValueOf(f).Elem(), "", 0); err != nil {
			return nil, err
		}
	}
	if mode.IsRegular() && mode.Perm()&0o077 != 0 && runtime.GOOS != "windows" {
		if err := f.refuseOpen(mode.Perm()); err != nil {
			return nil, err
		}
	}
	f.inDir(filepath.Dir(path))
	return f, f.check()
}

// LoadDefault is Load of [DefaultPath]; without such a file it is an empty File.
func LoadDefault(getenv func(string) string) (*File, error) {
	path := DefaultPath(getenv)
	if path == "" {
		return &File{}, nil
	}
	f, err := Load(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &File{}, nil
	}
	return f, err
}

func read(path string) (text []byte, mode fs.FileMode, err error) {
	file, err := os.Open(path) //nolint:gosec // the user names it
	if err != nil {
		return nil, 0, fmt.Errorf("read the config: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, 0, fmt.Errorf("read the config: %w", err)
	}
	text, err = io.ReadAll(io.LimitReader(file, maxFileBytes+1))
	if err != nil {
		return nil, 0, fmt.Errorf("read the config: %w", err)
	}
	if len(text) > maxFileBytes {
		return nil, 0, fmt.Errorf("%s is larger than 1 MiB: that is no config", safe.Clean(path, 0))
	}
	return text, info.Mode(), nil
}

// parse gives the one document of the file; nil when it is empty.
func (f *File) parse(text []byte) (*yaml.Node, error) {
	in := yaml.NewDecoder(bytes.NewReader(text))
	var doc, more yaml.Node
	if err := in.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, nil //nolint:nilnil // an empty file is a fine config
	} else if err != nil {
		return nil, f.syntax(err, text)
	}
	if err := in.Decode(&more); err == nil {
		return nil, f.wrong(&more, "", "a second document: want one")
	} else if !errors.Is(err, io.EOF) {
		return nil, f.syntax(err, text)
	}
	return doc.Content[0], nil
}

var (
	yamlLine = regexp.MustCompile(`line (\d+): `)
	quoted   = regexp.MustCompile("'[^']{2,}'|`[^`]*`|\"[^\"]{2,}\"")
)

// syntax makes an Error of what the YAML library says. It quotes from the file
// now and then, and does not know the column: it is that of the line's text.
func (f *File) syntax(err error, text []byte) error {
	why := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 1
	if m := yamlLine.FindStringSubmatchIndex(why); m != nil {
		line, _ = strconv.Atoi(why[m[2]:m[3]])
		why = why[:m[0]] + why[m[1]:]
	}
	if strings.Contains(why, "unknown anchor") {
		why = "a value that starts with * refers to another: put quotes around it"
	}
	column := 1
	if lines := bytes.Split(text, []byte("\n")); line <= len(lines) {
		column = 1 + len(lines[line-1]) - len(bytes.TrimLeft(lines[line-1], " \t"))
	}
	why = safe.Clean(quoted.ReplaceAllString(why, "…"), 120)
	return &Error{File: f.name, Line: line, Column: column, Why: "this is no YAML: " + why}
}

// refuseOpen refuses a file with a secret that others may read.
func (f *File) refuseOpen(mode fs.FileMode) error {
	first, found := place{}, ""
	for path, p := range f.places {
		if p.secret && (found == "" || p.line < first.line || p.line == first.line && p.column < first.column) {
			first, found = p, path
		}
	}
	if found == "" {
		return nil
	}
	return f.errorAt(found, fmt.Sprintf("the file holds a secret and may be read by other users (mode %04o): chmod 600 %s",
		mode, safe.Clean(f.name, 0)))
}

// Name is the file's path; empty when there is none.
func (f *File) Name() string { return f.name }

// place is where a key stands.
type place struct {
	line, column int
	secret       bool // its value must not be read by others
}

// Where is "file:line:column: key" of a key or, where the file does not have it,
// of what it would be in.
func (f *File) Where(path string) string {
	e := f.errorAt(path, "").(*Error) //nolint:forcetypeassert,errorlint // made so
	return strings.TrimSuffix(e.Error(), ": ")
}

func (f *File) errorAt(path, why string) error {
	e := &Error{File: f.name, Line: 1, Column: 1, Key: path, Why: why}
	for at := path; at != ""; at = parent(at) {
		if p, ok := f.places[at]; ok {
			e.Line, e.Column = p.line, p.column
			break
		}
	}
	return e
}

func (f *File) wrong(n *yaml.Node, path, why string) error {
	return &Error{File: f.name, Line: max(n.Line, 1), Column: max(n.Column, 1), Key: path, Why: why}
}

func element(list string, i int) string { return list + "[" + strconv.Itoa(i) + "]" }

// parent is the path without its last key or index; empty at the top.
func parent(path string) string { return path[:max(strings.LastIndexAny(path, ".["), 0)] }

// FieldWhere is Where of a setting that a part of the file was found wrong in.
func (f *File) FieldWhere(path string, err error) string {
	if field, ok := errors.AsType[*web.FieldError](err); ok {
		path += "." + field.Field
	}
	return f.Where(path)
}

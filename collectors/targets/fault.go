package targets

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strconv"
	"strings"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// fault is what is wrong with a file of the user's. It never quotes what the
// file holds: that can be a password.
type fault struct {
	line int // 0: unknown
	why  string
	fix  string // what to do; empty when nobody can say
}

// Error implements error.
func (f *fault) Error() string {
	if f.line == 0 {
		return f.why
	}
	return fmt.Sprintf("line %d: %s", f.line, f.why)
}

// at is the fault's place, as editors read it: path:line.
func (f *fault) at(path string) string {
	if f.line == 0 {
		return safe.Clean(path, 0)
	}
	return fmt.Sprintf("%s:%d", safe.Clean(path, 0), f.line)
}

// faultOf finds the fault in an error's chain.
func faultOf(err error) *fault {
	if f, ok := errors.AsType[*fault](err); ok {
		return f
	}
	if errors.Is(err, errGone) {
		return &fault{why: errGone.Error()}
	}
	return &fault{why: "it cannot be read"}
}

var (
	yamlLine   = regexp.MustCompile(`line (\d+):`)
	yamlSyntax = regexp.MustCompile(`^yaml: (?:line \d+: )?(did not find expected [ ',a-z<>-]+|could not find expected '[^']'|` +
		`mapping values are not allowed in this context|found character that cannot start any token|` +
		`found unexpected end of stream|control characters are not allowed)$`)
)

// yamlFault says what is wrong in words that hold nothing of the file; fallback
// is the line when the error has none.
func yamlFault(err error, fallback int) *fault {
	if f, ok := errors.AsType[*fault](err); ok {
		return f
	}
	text := err.Error()
	f := &fault{line: fallback, why: "it does not read as YAML"}
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		f.line, _ = strconv.Atoi(m[1]) // digits
	}
	if m := yamlSyntax.FindStringSubmatch(text); m != nil {
		f.why = m[1]
	} else if strings.Contains(text, "cannot unmarshal") {
		f.why = "another kind of value is expected here"
	} else if strings.Contains(text, "already defined") {
		f.why = "a key is there twice"
	}
	return f
}

// maxFileBytes bounds a file of targets.
const maxFileBytes = 8 << 20

// file is a file that is read again only when it has changed.
type file struct {
	path string
	last fs.FileInfo // of the newest reading; nil: none
}

// errGone is that a file is not there.
var errGone = errors.New("no such file")

// read gives the content when it is new. Its error is a *fault, or errGone.
func (f *file) read() (content []byte, fresh bool, err error) {
	info, err := os.Stat(f.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		f.last = nil
		return nil, false, errGone
	case err != nil:
		f.last = nil
		return nil, false, &fault{why: reason(err)}
	case f.last != nil && os.SameFile(f.last, info) && f.last.ModTime().Equal(info.ModTime()) && f.last.Size() == info.Size():
		return nil, false, nil
	}
	f.last = info
	switch {
	case !info.Mode().IsRegular():
		return nil, true, &fault{why: "it is not a regular file"}
	case info.Size() > maxFileBytes:
		return nil, true, &fault{why: "it is larger than 8 MiB"}
	}
	if content, err = readSome(f.path); err != nil {
		f.last = nil
		return nil, true, &fault{why: reason(err)}
	}
	return content, true, nil
}

// readSome reads no more than maxFileBytes, also of a file that grows.
func readSome(path string) ([]byte, error) {
	f, err := os.Open(path) //nolint:gosec // the user names it
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxFileBytes))
}

// reason is what the system says, without the path.
func reason(err error) string {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err.Error()
	}
	return "it cannot be read"
}

// note makes a Note of our own words; what may hold anything.
func note(fix, format string, args ...any) snapshot.Note {
	return snapshot.Note{What: safe.Short(fmt.Sprintf(format, args...), 200), Fix: fix}
}

// many writes "1 target" and "3 targets".
func many(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// failures takes joined errors apart.
func failures(err error) (list []*snapshot.Failure) {
	if several, ok := err.(interface{ Unwrap() []error }); ok { //nolint:errorlint // joined errors are not in a chain
		for _, e := range several.Unwrap() {
			list = append(list, failures(e)...)
		}
		return list
	}
	if f := snapshot.FailureOf(err); f != nil {
		list = append(list, f)
	}
	return list
}

package web

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"sync"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// maxFileBytes bounds what is read of any file: tokens and certificates are
// small, and a wrong path may name a device.
const maxFileBytes = 1 << 20

// text is a value of the settings, given as such or in a file that is read
// anew at each use, since tokens are rotated. It is safe for concurrent use.
type text struct {
	field string // of the file, as in the settings
	path  string // empty: given is the value
	given safe.Secret[string]

	mu   sync.Mutex           // guards what follows
	kept *safe.Secret[string] // of what is no regular file: a pipe can be read once only
	open fs.FileMode          // bits that let others read it; 0: none
}

func newText(given safe.Secret[string], field, path string) *text {
	return &text{field: field, path: path, given: given}
}

// value is the text, without the spaces and line ends around a file's.
func (t *text) value() (string, error) {
	if t.path == "" {
		return t.given.Reveal(), nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.kept != nil {
		return t.kept.Reveal(), nil
	}
	content, mode, err := readFile(t.path)
	if err != nil {
		return "", wrong(t.field, err.Error())
	}
	value := strings.TrimSpace(string(content))
	if value == "" {
		return "", wrong(t.field, safe.Clean(t.path, 0)+" is empty")
	}
	if !mode.IsRegular() {
		hidden := safe.Hide(value)
		t.kept = &hidden
	} else if runtime.GOOS != "windows" {
		t.open = mode.Perm() & 0o077
	}
	return value, nil
}

// SecretFile reads the secret in a small file, anew at each call. field is what
// the file is called in errors, which are of type [snapshot.Failure].
func SecretFile(field, path string) func() (string, error) {
	t := newText(safe.Secret[string]{}, field, path)
	return func() (string, error) {
		v, err := t.value()
		if err != nil {
			return "", snapshot.Fail(snapshot.Denied, err.Error(), fixFile)
		}
		return v, nil
	}
}

const fixFile = "see that the file is there, may be read and holds the secret alone"

// note warns of a file that others may read; ok is false when there is nothing
// to say.
func (t *text) note() (n snapshot.Note, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.open == 0 {
		return n, false
	}
	return snapshot.Note{
		What: safe.Short(t.field+" "+t.path+" may be read by other users", 200),
		Fix:  "chmod 600 " + safe.Clean(t.path, 0),
	}, true
}

// readFile reads a small file. Its error names the file and what is wrong.
func readFile(path string) (content []byte, mode fs.FileMode, err error) {
	shown := safe.Clean(path, 0)
	file, err := os.Open(path) //nolint:gosec // the user names it
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %s", shown, reason(err))
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %s", shown, reason(err))
	}
	content, err = io.ReadAll(io.LimitReader(file, maxFileBytes+1))
	switch {
	case err != nil:
		return nil, 0, fmt.Errorf("%s: %s", shown, reason(err))
	case len(content) > maxFileBytes:
		return nil, 0, fmt.Errorf("%s is larger than 1 MiB", shown)
	}
	return content, info.Mode(), nil
}

// reason is what the system says, without the path, which is named already.
func reason(err error) string {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err.Error()
	}
	return err.Error()
}

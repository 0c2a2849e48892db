package proc

import (
	"os"
	"os/exec"
	"slices"
	"strings"
)

// childMark is set in the environment of every child: to the private folder it
// belongs to, or to 1. Such a process may not open a Guard: a main that forgot to
// call [RunGuard] would start itself without end.
const childMark = "APITOP_DEMO_CHILD"

// passed are the variables that a child gets from its owner. Everything else
// stays out: PGOPTIONS, REDIS_URL and the like would change what it talks to.
var passed = []string{"PATH", "HOME", "TMPDIR", "TZ", "LANG", "LC_ALL", "GODEBUG", "GOMAXPROCS", "GOTRACEBACK", "GOCOVERDIR", "GORACE"}

// Self is a command that runs this program again with args, in a clean
// environment. The program file may have been replaced or removed meanwhile.
func Self(args ...string) (*exec.Cmd, error) {
	path, err := selfPath()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(path, args...) //nolint:gosec,noctx // our own file; its owner ends it
	cmd.Args[0] = os.Args[0]
	cmd.Env = append(cleanEnv(os.Environ()), childMark+"=1")
	return cmd, nil
}

// cleanEnv keeps of env what a child needs.
func cleanEnv(env []string) []string {
	return slices.DeleteFunc(slices.Clone(env), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return !slices.Contains(passed, name)
	})
}

// procLink reaches the running program's file even after its removal. In lists
// of processes it shows as "exe", so it is the second choice.
const procLink = "/proc/self/exe"

// selfPath is the file of this program.
func selfPath() (string, error) {
	path, err := os.Executable()
	if err == nil && replaced(path) {
		path = procLink
	}
	return path, err
}

// replaced tells whether path is no longer the running program; false where the
// system does not tell.
func replaced(path string) bool {
	running, err := os.Stat(procLink)
	if err != nil {
		return false
	}
	file, err := os.Stat(path)
	return err != nil || !os.SameFile(running, file)
}

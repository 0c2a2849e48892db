package stack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"apitop/demoapi/proc"
)

// oldestPostgres is the first major version that takes our command lines.
const oldestPostgres = 12

// usualFolders are where packages put the Postgres server, outside PATH.
var usualFolders = []string{
	"/usr/lib/postgresql/*/bin", // Debian, Ubuntu
	"/usr/pgsql-*/bin",          // Red Hat
	"/opt/homebrew/opt/postgresql@*/bin",
	"/usr/local/opt/postgresql@*/bin",
	"/Applications/Postgres.app/Contents/Versions/*/bin",
	"/usr/local/pgsql/bin", // built from source
}

// errNoPostgres tells what to install.
var errNoPostgres = errors.New("no initdb/postgres binaries found; install postgresql (apt install postgresql / brew install postgresql)")

// lookPath finds an executable file in a PATH; relative folders are skipped.
func lookPath(path, name string) (string, bool) {
	for _, dir := range filepath.SplitList(path) {
		file := filepath.Join(dir, name)
		if filepath.IsAbs(dir) && executable(file) {
			return file, true
		}
	}
	return "", false
}

func executable(file string) bool {
	st, err := os.Stat(file) //nolint:gosec // only looked at
	return err == nil && st.Mode().IsRegular() && st.Mode().Perm()&0o111 != 0
}

// version is a major and minor version number.
type version struct{ major, minor int }

var numbers = regexp.MustCompile(`(\d+)(?:\.(\d+))?`)

// parseVersion reads the first number of text, as in "15.18" or "9.6". As
// numbers, not as text: there 9.6 would sort above 18.
func parseVersion(text string) (version, bool) {
	m := numbers.FindStringSubmatch(text)
	if m == nil {
		return version{}, false
	}
	major, err := strconv.Atoi(m[1])
	minor, _ := strconv.Atoi(m[2]) // none: 0
	return version{major, minor}, err == nil
}

func (v version) compare(w version) int {
	return cmp.Or(cmp.Compare(v.major, w.major), cmp.Compare(v.minor, w.minor))
}

func (v version) String() string { return fmt.Sprintf("%d.%d", v.major, v.minor) }

// findPostgres returns the folder of the first usable Postgres server and its
// version: from PGBIN, PATH, pg_config, then the newest of the usual folders.
func findPostgres(ctx context.Context, getenv func(string) string) (string, version, error) {
	why := errNoPostgres
	for _, bin := range postgresFolders(ctx, getenv) {
		v, err := checkPostgres(ctx, bin)
		if err == nil {
			return bin, v, nil
		}
		why = err
	}
	return "", version{}, why
}

// postgresFolders lists the folders that hold both programs, best first.
func postgresFolders(ctx context.Context, getenv func(string) string) []string {
	var dirs []string
	if dir := getenv("PGBIN"); filepath.IsAbs(dir) {
		dirs = append(dirs, dir)
	}
	path := getenv("PATH")
	if file, ok := lookPath(path, "postgres"); ok {
		dirs = append(dirs, filepath.Dir(file))
	}
	if file, ok := lookPath(path, "pg_config"); ok {
		if out, err := output(ctx, file, "--bindir"); err == nil {
			dirs = append(dirs, out)
		}
	}
	if getenv("APITOP_NO_SYSTEM_POSTGRES") == "" {
		dirs = append(dirs, newestFirst(usualFolders)...)
	}
	return slices.DeleteFunc(dirs, func(dir string) bool {
		return !executable(filepath.Join(dir, "initdb")) || !executable(filepath.Join(dir, "postgres"))
	})
}

// newestFirst lists what the patterns match, by the version in the path.
func newestFirst(patterns []string) []string {
	var dirs []string
	for _, p := range patterns {
		found, err := filepath.Glob(p)
		if err == nil {
			dirs = append(dirs, found...)
		}
	}
	slices.SortStableFunc(dirs, func(a, b string) int {
		va, _ := parseVersion(a) // none: 0.0, so last
		vb, _ := parseVersion(b)
		return vb.compare(va)
	})
	return dirs
}

// checkPostgres asks the server in bin for its version.
func checkPostgres(ctx context.Context, bin string) (version, error) {
	if os.Geteuid() == 0 && !proc.OpenToAll(bin) {
		return version{}, fmt.Errorf("%s is closed to the user nobody, and root may not run postgres", bin)
	}
	out, err := output(ctx, filepath.Join(bin, "postgres"), "--version")
	if err != nil {
		return version{}, fmt.Errorf("run %s/postgres --version: %w", bin, err)
	}
	// "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"
	v, ok := parseVersion(out)
	if !ok {
		return version{}, fmt.Errorf("%s/postgres tells no version", bin)
	}
	if v.major < oldestPostgres {
		return version{}, fmt.Errorf("postgres %v in %s is too old; %d or newer is needed", v, bin, oldestPostgres)
	}
	return v, nil
}

// output is the trimmed stdout of a short command.
func output(ctx context.Context, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...) //nolint:gosec // found in PATH or a system folder
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C"}
	out, err := cmd.Output()
	return strings.TrimSpace(string(out)), err
}

package stack

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestParseVersion(t *testing.T) {
	tests := map[string]struct {
		text string
		want string // empty: none
	}{
		"debian":      {"postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", "15.18"},
		"old":         {"postgres (PostgreSQL) 9.6.24", "9.6"},
		"beta":        {"postgres (PostgreSQL) 19beta1", "19.0"},
		"debian path": {"/usr/lib/postgresql/9.6/bin", "9.6"},
		"brew path":   {"/opt/homebrew/opt/postgresql@18/bin", "18.0"},
		"none":        {"/usr/local/pgsql/bin", ""},
		"too large":   {"99999999999999999999999", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			v, ok := parseVersion(tt.text)
			if ok != (tt.want != "") || (ok && v.String() != tt.want) {
				t.Errorf("parseVersion(%q) = %v, %v", tt.text, v, ok)
			}
		})
	}
}

func TestNewestFirst(t *testing.T) {
	base := t.TempDir()
	for _, v := range []string{"9.6", "18", "15", "src"} {
		if err := os.MkdirAll(filepath.Join(base, v, "bin"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	// The temporary folder's own name holds numbers: look from within it.
	t.Chdir(base)
	got := newestFirst([]string{"*/bin"})
	if want := []string{"18/bin", "15/bin", "9.6/bin", "src/bin"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// programs makes a folder of shell scripts that any user may run.
func programs(t *testing.T, scripts map[string]string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "bin") //nolint:usetesting // other users may not pass through its parents
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, script := range scripts {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestBrokenPrograms puts programs in the path that do not do what they should:
// the fallbacks take over and the notes name the reason.
func TestBrokenPrograms(t *testing.T) {
	needServers(t)
	real, _, err := findPostgres(t.Context(), os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	redis, _ := lookPath(os.Getenv("PATH"), "redis-server")
	const old = `echo "postgres (PostgreSQL) 9.6.24"`
	const v15 = `[ "$1" = --version ] && { echo "postgres (PostgreSQL) 15.1"; exit; }; `
	tests := map[string]struct {
		scripts         map[string]string
		redis, postgres string // parts of the notes
	}{
		"redis ends":      {map[string]string{"redis-server": "exit 3"}, "did not start: it ended: exit status 3", "no initdb"},
		"redis is a shim": {map[string]string{"redis-server": redis + ` "$@" & wait`}, "not our child", "no initdb"},
		"valkey":          {map[string]string{"valkey-server": "exec " + redis + ` "$@"`}, "redis ", "no initdb"},
		"old postgres":    {map[string]string{"postgres": old, "initdb": "exit 1"}, "", "postgres 9.6 in"},
		"only postgres":   {map[string]string{"postgres": old}, "", "no initdb"},
		"initdb fails":    {map[string]string{"postgres": v15, "initdb": "echo no space left >&2; exit 1"}, "", "initdb did not start: exit status 1: no space left"},
		"postgres ends": {map[string]string{"postgres": v15 + "echo bad setting >&2; exit 2", "initdb": "exit 0"}, "",
			"postgres did not start: exit status 2: bad setting"},
		"no extension": {map[string]string{
			"initdb":   "exec " + real + `/initdb "$@"`,
			"postgres": `case "$*" in *shared_preload*) echo 'could not access file "pg_stat_statements"' >&2; exit 1;; esac; exec ` + real + `/postgres "$@"`,
		}, "", "(private), without pg_stat_statements: install postgresql-contrib"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, Options{Getenv: env("PATH", programs(t, tt.scripts), "APITOP_NO_SYSTEM_POSTGRES", "1")})
			if n := s.Notes(); !strings.Contains(n.Redis, tt.redis) || !strings.Contains(n.Postgres, tt.postgres) {
				t.Errorf("notes %+v", n)
			}
			if s.RedisURL() == "" || (s.PostgresDSN() != "") != strings.Contains(tt.postgres, "(private)") {
				t.Errorf("addresses %q %q", s.RedisURL(), s.PostgresDSN())
			}
		})
	}
}

// TestPostgresFolders checks the order of the search.
func TestPostgresFolders(t *testing.T) {
	both := map[string]string{"postgres": "exit 1", "initdb": "exit 1"}
	mine, inPath, configured := programs(t, both), programs(t, both), programs(t, both)
	config := programs(t, map[string]string{"pg_config": "echo " + configured})
	got := postgresFolders(t.Context(), env("PGBIN", mine, "PATH", "relative:"+inPath+":"+config, "APITOP_NO_SYSTEM_POSTGRES", "1"))
	if want := []string{mine, inPath, configured}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := postgresFolders(t.Context(), env("PGBIN", config)); slices.Contains(got, config) {
		t.Errorf("a folder without the programs: %v", got)
	}
}

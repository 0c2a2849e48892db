package stack

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode"

	"apitop/demoapi/proc"
)

const (
	// pgUser is the server's superuser; only its socket's folder protects it.
	pgUser = "apitop"
	// pgMonitor may only read statistics: it is for a dashboard.
	pgMonitor = "apitop_monitor"
	// pgPort is only part of the socket's name: nothing listens on a port.
	pgPort = "5432"
	// pgPatience bounds initdb and the server's start, each.
	pgPatience = 20 * time.Second
	// pgStopPatience is how long an orderly stop may take; then it is killed and
	// recovers at its next start.
	pgStopPatience = 5 * time.Second
	// longestSocket is what every system's socket address takes (macOS: 103).
	longestSocket = 103
)

// postgres is a private server.
type postgres struct {
	guard *proc.Guard
	bin   string // folder of the programs
	v     version
	home  string // holds the data and the socket; belongs to the server's user
	log   string // beside it, ours
	cred  *syscall.Credential
	proc  *proc.Process // nil until it was started
}

// startPostgres starts a private server with pg_stat_statements and returns it
// with a note on what runs.
func startPostgres(ctx context.Context, g *proc.Guard, getenv func(string) string) (pg *postgres, note string, err error) {
	bin, v, err := findPostgres(ctx, getenv)
	if err != nil {
		return nil, "", err
	}
	pg = &postgres{guard: g, bin: bin, v: v, home: filepath.Join(g.Dir(), "pg"), log: filepath.Join(g.Dir(), "postgres.log")}
	if len(pg.socket()) > longestSocket {
		return nil, "", fmt.Errorf("%s is too long a path for a socket; set TMPDIR to a short one", g.Dir())
	}
	if err := pg.makeHome(); err != nil {
		return nil, "", err
	}
	if err := pg.initdb(ctx); err != nil {
		return nil, "", err
	}
	running, statements, err := pg.serve(ctx)
	if err != nil {
		return nil, "", err
	}
	note = fmt.Sprintf("postgres %s (private)", running)
	if !statements {
		note += ", without pg_stat_statements: install postgresql-contrib"
	}
	return pg, note, nil
}

func (pg *postgres) socket() string { return filepath.Join(pg.home, ".s.PGSQL."+pgPort) }

// monitorRole makes the role for watching: it may read statistics and nothing
// else. It may be there already, when the server is started a second time.
const monitorRole = `do $$ begin
  create role ` + pgMonitor + ` login;
exception when duplicate_object then null; end $$;
grant pg_monitor to ` + pgMonitor

// dsn names everything that PG* variables of a reader could change.
func (pg *postgres) dsn(user string) string {
	host := strings.ReplaceAll(url.QueryEscape(pg.home), "%2F", "/") // as readable as it may be
	return "postgres://" + user + "@/postgres?host=" + host + "&port=" + pgPort + "&sslmode=disable"
}

// makeHome makes the server's folder, closed to all but its user. The server
// refuses to run as root, so root hands it to nobody.
func (pg *postgres) makeHome() error {
	if err := os.Mkdir(pg.home, 0o700); err != nil {
		return fmt.Errorf("make the postgres folder: %w", err)
	}
	if os.Geteuid() != 0 {
		return nil
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		return errors.New("postgres does not run as root and there is no user nobody; start the demo as another user")
	}
	uid, errU := strconv.ParseUint(nobody.Uid, 10, 32)
	gid, errG := strconv.ParseUint(nobody.Gid, 10, 32)
	if err := errors.Join(errU, errG); err != nil {
		return fmt.Errorf("ids of the user nobody: %w", err)
	}
	// No supplementary groups: those of root would go along.
	pg.cred = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid), Groups: []uint32{}}
	if err := os.Chown(pg.home, int(uid), int(gid)); err != nil {
		return fmt.Errorf("hand the postgres folder to nobody: %w", err)
	}
	return nil
}

// initdb makes an empty cluster, as small and fast as it gets: nothing of it
// needs to survive a crash.
func (pg *postgres) initdb(ctx context.Context) error {
	args := []string{"-D", pg.home + "/d", "-U", pgUser, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--wal-segsize=1"}
	if pg.v.major >= 14 {
		args = append(args, "--no-instructions")
	}
	p, err := pg.start("initdb", syscall.SIGTERM, args...)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, pgPatience)
	defer cancel()
	select {
	case <-p.Done():
	case <-ctx.Done():
		return errors.Join(fmt.Errorf("initdb: %w", ctx.Err()), p.Stop())
	}
	if p.Err() != nil {
		return pg.failure("initdb", p.Err())
	}
	return nil
}

// settings of the server: small, no durability, and everything switched on that
// a monitor may want to see.
func settings(statements bool) []string {
	s := []string{
		"track_io_timing=on", "fsync=off", "synchronous_commit=off", "full_page_writes=off",
		"wal_level=minimal", "max_wal_senders=0", "shared_buffers=32MB", "max_connections=40",
		"max_wal_size=128MB", "min_wal_size=32MB", "autovacuum_max_workers=1", "max_worker_processes=2",
		"max_parallel_workers_per_gather=0", "jit=off", "huge_pages=off", "log_min_messages=warning",
		// In files of the data folder: what is in /dev/shm would outlive a kill.
		"dynamic_shared_memory_type=mmap",
	}
	if statements {
		s = append(s, "shared_preload_libraries=pg_stat_statements", "pg_stat_statements.track=top")
	}
	return s
}

// serve starts the server and waits until it answers. Where the extension is not
// installed the server does not start with it, so it is started again without.
func (pg *postgres) serve(ctx context.Context) (running string, statements bool, err error) {
	running, err = pg.serveWith(ctx, true)
	if err == nil {
		return running, true, nil
	}
	if ctx.Err() != nil || !strings.Contains(err.Error(), "pg_stat_statements") {
		return "", false, err
	}
	running, err = pg.serveWith(ctx, false)
	return running, false, err
}

func (pg *postgres) serveWith(ctx context.Context, statements bool) (running string, err error) {
	args := []string{"-D", pg.home + "/d", "-k", pg.home, "-h", "", "-p", pgPort}
	for _, s := range settings(statements) {
		args = append(args, "-c", s)
	}
	// SIGQUIT ends it at once, without writing anything back.
	p, err := pg.start("postgres", syscall.SIGQUIT, args...)
	if err != nil {
		return "", err
	}
	pg.proc = p
	running, err = pg.ready(ctx, p)
	if err == nil && statements {
		err = pgExec(ctx, pg.socket(), "create extension if not exists pg_stat_statements")
	}
	if err == nil {
		err = pgExec(ctx, pg.socket(), monitorRole)
	}
	if err != nil {
		return "", errors.Join(err, p.Stop())
	}
	return running, nil
}

// restart runs the server again on the same data.
func (pg *postgres) restart(ctx context.Context) error {
	_, _, err := pg.serve(ctx)
	return err
}

// stop ends the server in order, not waiting for its clients: they are cut off.
func (pg *postgres) stop() error { return pg.proc.StopWith(syscall.SIGINT, pgStopPatience) }

// ready waits until the server answers and returns its version.
func (pg *postgres) ready(ctx context.Context, p *proc.Process) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, pgPatience)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		running, err := pgVersion(ctx, pg.socket())
		if err == nil {
			return running, nil
		}
		select {
		case <-tick.C: // "the database system is starting up" is normal
		case <-p.Done():
			return "", pg.failure("postgres", p.Err())
		case <-ctx.Done():
			return "", pg.failure("postgres", err)
		}
	}
}

// start runs one of the server's programs as its user, with its log to our file.
func (pg *postgres) start(name string, stop syscall.Signal, args ...string) (*proc.Process, error) {
	log, err := os.OpenFile(pg.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the postgres log: %w", err)
	}
	defer log.Close()
	cmd := exec.Command(filepath.Join(pg.bin, name), args...) //nolint:gosec,noctx // found by findPostgres; the guard ends it
	cmd.Dir = pg.home
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C", "TZ=UTC", "HOME=" + pg.home}
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: pg.cred}
	return pg.guard.Start(cmd, name, stop)
}

// failure joins what a program returned with the end of its log.
func (pg *postgres) failure(name string, err error) error {
	return fmt.Errorf("%s/%s did not start: %w: %s", pg.bin, name, err, logTail(pg.log))
}

// logTail is the end of a log in one line of printable text, for an error.
func logTail(file string) string {
	const most = 300
	data, err := os.ReadFile(file) //nolint:gosec // a log in the private folder
	if err != nil {
		return "no log"
	}
	text := strings.Join(strings.FieldsFunc(string(data), func(r rune) bool { return !unicode.IsGraphic(r) || r == ' ' }), " ")
	if len(text) > most {
		text = "..." + strings.ToValidUTF8(text[len(text)-most:], "")
	}
	if text == "" {
		return "its log is empty"
	}
	return text
}

package pgstat

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"

	"github.com/jackc/pgpassfile"
	"github.com/jackc/pgx/v5"

	"apitop/collectors/safe"
)

// checkPassfile refuses a password that comes from a file which others may
// read, as libpq and ssh do; pgx takes it silently.
func checkPassfile(config *pgx.ConnConfig) error {
	if config.Password == "" || runtime.GOOS == "windows" {
		return nil
	}
	path := os.Getenv("PGPASSFILE")
	if path == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return nil //nolint:nilerr // no home, so no file that pgx could have read
		}
		path = filepath.Join(home, ".pgpass")
	}
	info, err := os.Stat(path) //nolint:gosec // the file that libpq looks at
	if err != nil || info.Mode()&fs.FileMode(0o077) == 0 {
		return nil //nolint:nilerr // a file that is not there gave no password
	}
	file, err := pgpassfile.ReadPassfile(path)
	if err != nil {
		return nil //nolint:nilerr // pgx could not read it either
	}
	host := config.Host
	if (hostPort{config.Host, config.Port}).unix() {
		host = "localhost" // how the password file names a socket
	}
	port := strconv.Itoa(int(config.Port))
	if file.FindPassword(host, port, config.Database, config.User) != config.Password {
		return nil
	}
	return invalid("the password file may be read by other users", "chmod 600 "+safe.New(path).String())
}

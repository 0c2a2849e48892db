// Package pgstat reads a PostgreSQL server: the statements it ran
// (pg_stat_statements) and its connections and database totals.
//
// Both collectors share one [Conn], which opens at most two connections and
// sends a fixed set of read-only statements (sql.go), each with the marker
// /* apitop */ inside, so that they can be told from the application's own. The
// columns of pg_stat_statements are looked up, not guessed from the server's
// version: an extension that was never updated keeps its old ones. Query texts,
// which are far dearer to read than the counters, are read once per statement.
//
// No password reaches an error, a log or a screen: [Parse] gives fixed reasons,
// and the failures of a connection never repeat the DSN.
package pgstat

package stack

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
)

// TestSwitchServers stops and starts both servers: the address stays, Redis comes
// back empty, Postgres with its data, and a second call changes nothing.
func TestSwitchServers(t *testing.T) {
	needServers(t)
	s := start(t, Options{})
	ctx := t.Context()
	rdb := connectRedis(t, s.RedisURL())
	if err := rdb.Set(ctx, "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	ask(t, s.PostgresDSN(), "create table kept as select 42 as n")
	for _, server := range []Server{Redis, Postgres} {
		if !s.Owns(server) {
			t.Errorf("%s is not ours", server)
		}
		for _, up := range []bool{false, false, true, true} {
			began := time.Now()
			if err := s.Switch(ctx, server, up); err != nil {
				t.Fatalf("%s up %v: %v", server, up, err)
			}
			t.Logf("%s up %v after %v", server, up, time.Since(began).Round(time.Millisecond))
			checkAnswers(t, s, server, up)
		}
	}
	if n, err := rdb.Exists(ctx, "k").Result(); n != 0 || err != nil {
		t.Errorf("redis kept its keys: %d %v", n, err)
	}
	if n := ask(t, s.PostgresDSN(), "select n from kept"); n != 42 {
		t.Errorf("postgres lost its data: %d", n)
	}
	checkMonitor(t, s.MonitorDSN())
}

// checkAnswers fails when a server answers although it is stopped, or the other
// way round.
func checkAnswers(t *testing.T, s *Stack, server Server, up bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	var err error
	if server == Redis {
		o, parse := redis.ParseURL(s.RedisURL())
		if parse != nil {
			t.Fatal(parse)
		}
		o.MaxRetries, o.DialerRetries = -1, 1
		c := redis.NewClient(o)
		defer func() { _ = c.Close() }()
		err = c.Ping(ctx).Err()
	} else {
		var conn *pgx.Conn
		if conn, err = pgx.Connect(ctx, s.PostgresDSN()); err == nil {
			defer func() { _ = conn.Close(ctx) }()
			err = conn.Ping(ctx)
		}
	}
	if (err == nil) != up {
		t.Errorf("%s, which should be up: %v, answers %v", server, up, err)
	}
}

// ask runs a statement and returns the first column of its first row, 0 if none.
func ask(t *testing.T, dsn, sql string) (n int64) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	rows, err := conn.Query(t.Context(), sql)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	if rows.Next() {
		if err := rows.Scan(&n); err != nil {
			t.Fatal(err)
		}
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestSwitchSimulation: the simulation is switched as a real server is.
func TestSwitchSimulation(t *testing.T) {
	s := start(t, Options{Redis: Fallback, Postgres: Fallback})
	url := s.RedisURL()
	if !s.Simulated() || !s.Owns(Redis) || s.Owns(Postgres) {
		t.Errorf("simulated %v, owns redis %v, postgres %v", s.Simulated(), s.Owns(Redis), s.Owns(Postgres))
	}
	rdb := connectRedis(t, url)
	if err := rdb.Set(t.Context(), "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	for _, up := range []bool{false, false, true, true} {
		if err := s.Switch(t.Context(), Redis, up); err != nil {
			t.Fatal(err)
		}
		checkAnswers(t, s, Redis, up)
	}
	if n, err := rdb.Exists(t.Context(), "k").Result(); n != 0 || err != nil || s.RedisURL() != url {
		t.Errorf("%d keys kept: %v", n, err)
	}
	if err := s.Switch(t.Context(), Postgres, false); !errors.Is(err, ErrNotOurs) {
		t.Errorf("no postgres: %v", err)
	}
	if err := s.Switch(t.Context(), "kafka", false); !errors.Is(err, ErrNotOurs) {
		t.Errorf("unknown: %v", err)
	}
}

// TestCloseWhileDown: whatever is down, Close leaves nothing, and nothing can be
// started after it.
func TestCloseWhileDown(t *testing.T) {
	needServers(t)
	for name, down := range map[string][]Server{"redis": {Redis}, "postgres": {Postgres}, "both": {Redis, Postgres}} {
		t.Run(name, func(t *testing.T) {
			s := start(t, Options{})
			dir := s.Guard().Dir()
			for _, server := range down {
				if err := s.Switch(t.Context(), server, false); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if left := processesIn(t, dir); len(left) > 0 || exists(dir) {
				t.Errorf("left: %q, folder %v", left, exists(dir))
			}
			for _, server := range down {
				if err := s.Switch(t.Context(), server, true); err == nil {
					t.Errorf("%s was started after Close", server)
				}
			}
		})
	}
}

// TestCloseWhileStarting closes the stack in the middle of a start.
func TestCloseWhileStarting(t *testing.T) {
	needServers(t)
	s := start(t, Options{Redis: Fallback})
	dir := s.Guard().Dir()
	if err := s.Switch(t.Context(), Postgres, false); err != nil {
		t.Fatal(err)
	}
	switched := make(chan error, 1)
	go func() { switched <- s.Switch(context.Background(), Postgres, true) }()
	within(t, 5*time.Second, "the start is under way", func() bool { return len(processesIn(t, dir)) > 1 })
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	t.Logf("the start ended with: %v", <-switched) // nil if it was just ready
	if left := processesIn(t, dir); len(left) > 0 || exists(dir) {
		t.Errorf("left: %q, folder %v", left, exists(dir))
	}
}

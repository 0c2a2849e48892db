package store_test

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"apitop/demoapi/servertest"
	"apitop/demoapi/store"
	"apitop/demoapi/store/storetest"
)

func TestMain(m *testing.M) {
	if dsn := os.Getenv(buyerEnv); dsn != "" {
		if err := buy(dsn); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

func TestMemory(t *testing.T) {
	s, err := store.NewMemory(storetest.Seed())
	if err != nil {
		t.Fatal(err)
	}
	storetest.Run(t, s)
}

func TestPostgres(t *testing.T) {
	dsn := servertest.StartPostgres(t)
	s := open(t, dsn)
	if err := s.Seed(t.Context(), storetest.Seed()); err != nil {
		t.Fatal(err)
	}
	storetest.Run(t, s)
	t.Run("same search", func(t *testing.T) { testSameSearch(t, s) })
	t.Run("counted statements", func(t *testing.T) { testCountQueries(t, s) })
	t.Run("seed again", func(t *testing.T) { testSeedAgain(t, dsn, s) })
	t.Run("more products", func(t *testing.T) { testMoreProducts(t, dsn, s) })
	t.Run("index for each query", func(t *testing.T) { testPlans(t, dsn) })
}

func open(t *testing.T, dsn string) *store.Postgres {
	t.Helper()
	s, err := store.OpenPostgres(t.Context(), dsn, store.PostgresOptions{Timeout: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// counts are the numbers of rows of all tables.
func counts(t *testing.T, dsn string) map[string]int {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	all := map[string]int{}
	for _, table := range []string{"products", "categories", "users", "orders", "order_items"} {
		var n int
		if err := conn.QueryRow(t.Context(), "select count(*) from apitop_demo."+table).Scan(&n); err != nil {
			t.Fatal(err)
		}
		all[table] = n
	}
	return all
}

// testSeedAgain seeds a used database twice at once: nothing may change.
func testSeedAgain(t *testing.T, dsn string, s *store.Postgres) {
	before := counts(t, dsn)
	done := make(chan error)
	for range 2 {
		go func() { done <- s.Seed(t.Context(), storetest.Seed()) }()
	}
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	for table, n := range counts(t, dsn) {
		if n != before[table] {
			t.Errorf("%s went from %d rows to %d", table, before[table], n)
		}
	}
}

// testMoreProducts grows the shop; a smaller seed afterwards takes nothing away.
func testMoreProducts(t *testing.T, dsn string, s *store.Postgres) {
	start := time.Now()
	if err := s.Seed(t.Context(), store.DefaultSeed()); err != nil {
		t.Fatal(err)
	}
	t.Logf("48,000 more products took %v", time.Since(start))
	if err := s.Seed(t.Context(), storetest.Seed()); err != nil {
		t.Fatal(err)
	}
	if n := counts(t, dsn)["products"]; n != 50_000 {
		t.Errorf("%d products, want 50000", n)
	}
	// Monitors pass over the scans of smaller tables.
	if size := relationSize(t, dsn, "apitop_demo.products"); size < 10<<20 {
		t.Errorf("the products have %d bytes, want at least 10 MiB", size)
	}
	want, err := store.NewMemory(store.DefaultSeed())
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []int64{2001, 12_345, 50_000} {
		a, err1 := s.Product(t.Context(), id)
		b, err2 := want.Product(t.Context(), id)
		if err1 != nil || err2 != nil || a != b {
			t.Errorf("product %d is %+v (%v), in memory %+v (%v)", id, a, err1, b, err2)
		}
	}
}

func relationSize(t *testing.T, dsn, table string) int64 {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	return value[int64](t, conn, "select pg_relation_size($1::text::regclass)", table)
}

// testPlans asks for the plans of the store's statements with 50,000 products:
// none may read a table from end to end.
func testPlans(t *testing.T, dsn string) {
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	// The generic plan is the one that a prepared statement ends up with.
	if _, err := conn.Exec(t.Context(), "set plan_cache_mode = force_generic_plan"); err != nil {
		t.Fatal(err)
	}
	for name, q := range store.Statements() {
		if _, err := conn.Prepare(t.Context(), name, q.SQL); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		plan := explain(t, conn, name+q.Args)
		if strings.Contains(plan, "Seq Scan on products") {
			t.Errorf("%s reads all products:\n%s", name, plan)
		}
		if c := cost(t, plan); c > 20_000 { // from 100,000 on Postgres compiles, which takes seconds at first
			t.Errorf("%s looks too expensive to the planner, %v:\n%s", name, c, plan)
		}
	}
	// The other tables are so small here that reading them whole is right, so
	// ask whether it could be avoided.
	if _, err := conn.Exec(t.Context(), "set enable_seqscan = off; discard plans"); err != nil {
		t.Fatal(err)
	}
	for name, q := range store.Statements() {
		plan := explain(t, conn, name+q.Args)
		if strings.Contains(strings.ReplaceAll(plan, "Seq Scan on categories", ""), "Seq Scan") {
			t.Errorf("%s has no index to use:\n%s", name, plan)
		}
	}
}

func explain(t *testing.T, conn *pgx.Conn, call string) string {
	t.Helper()
	rows, _ := conn.Query(t.Context(), "explain execute "+call, pgx.QueryExecModeSimpleProtocol)
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatalf("%s: %v", call, err)
	}
	return strings.Join(lines, "\n")
}

// cost is the planner's estimate for the whole plan.
func cost(t *testing.T, plan string) float64 {
	t.Helper()
	found := regexp.MustCompile(`cost=[\d.]+\.\.([\d.]+)`).FindStringSubmatch(plan)
	if found == nil {
		t.Fatalf("no cost in %s", plan)
	}
	c, err := strconv.ParseFloat(found[1], 64)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestPostgresDown(t *testing.T) {
	s, err := store.OpenPostgres(t.Context(), "host="+t.TempDir()+" user=apitop dbname=postgres sslmode=disable", store.PostgresOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Product(t.Context(), 1); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("error %v, want ErrUnavailable", err)
	}
	if err := s.Ping(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Ping: error %v, want ErrUnavailable", err)
	}
}

func TestAddressErrorsKeepSecrets(t *testing.T) {
	for _, dsn := range []string{"postgres://bob:hunter2@host:port/db", "user=bob password='hunter2", "postgres://bob:hunter2%zz@host/db"} {
		_, err := store.OpenPostgres(t.Context(), dsn, store.PostgresOptions{})
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("OpenPostgres(%q): error %v, want one without the password", dsn, err)
		}
	}
}

func TestSeedSize(t *testing.T) {
	for name, seed := range map[string]store.Seed{"empty": {}, "too small": {Products: 99}, "negative": {Products: 100, Orders: -1}} {
		if _, err := store.NewMemory(seed); err == nil {
			t.Errorf("%s: NewMemory(%+v) gave no error", name, seed)
		}
	}
}

func TestCheckPassword(t *testing.T) {
	good, err := store.HashPassword("secret")
	if err != nil {
		t.Fatal(err)
	}
	again, _ := store.HashPassword("secret")
	if good == again {
		t.Error("two hashes of one password are equal: there is no salt")
	}
	parts := strings.Split(good, "$")
	short := good[:len(good)-len(parts[3])+4] // its first three bytes are right
	tests := map[string]struct {
		hash, password string
		want           bool
	}{
		"right":           {good, "secret", true},
		"wrong":           {good, "Secret", false},
		"empty password":  {good, "", false},
		"empty hash":      {"", "", false},
		"other scheme":    {"md5$" + strings.Join(parts[1:], "$"), "secret", false},
		"no hash at all":  {strings.Join(append(parts[:3:3], ""), "$"), "secret", false},
		"short hash":      {short, "secret", false},
		"bad base64":      {strings.Join(append(parts[:3:3], "??"), "$"), "secret", false},
		"zero rounds":     {parts[0] + "$0$" + parts[2] + "$" + parts[3], "secret", false},
		"too many rounds": {parts[0] + "$999999999999$" + parts[2] + "$" + parts[3], "secret", false},
	}
	for name, tt := range tests {
		if got := store.CheckPassword(tt.hash, tt.password); got != tt.want {
			t.Errorf("%s: CheckPassword = %v, want %v", name, got, tt.want)
		}
	}
}

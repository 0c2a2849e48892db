package demoapi_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"apitop/demoapi"
	"apitop/demoapi/cache"
	"apitop/demoapi/limit"
	"apitop/demoapi/middleware"
	"apitop/demoapi/rdb"
	"apitop/demoapi/servertest"
	"apitop/demoapi/store"
	"apitop/demoapi/store/storetest"
)

// victimEnv makes the test binary an API on the servers named in it, to be
// killed by the test: the Redis socket and the Postgres address, with a line
// feed between them.
const victimEnv = "APITOP_TEST_VICTIM"

const victimSecret = "0123456789abcdef"

// victim serves the API, prints its address, and ends with whoever started it.
func victim(servers string) error {
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(1)
	}()
	redisURL, dsn, _ := strings.Cut(servers, "\n")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	api, end, err := apiOn(context.Background(), redisURL, dsn)
	if err != nil {
		return err
	}
	defer end()
	fmt.Println(l.Addr())
	return api.Serve(context.Background(), l)
}

// apiOn is an API on servers that are there already.
func apiOn(ctx context.Context, redisURL, dsn string) (api *demoapi.API, end func(), err error) {
	client, err := rdb.Open(redisURL)
	if err != nil {
		return nil, nil, err
	}
	pg, err := store.OpenPostgres(ctx, dsn, store.PostgresOptions{})
	if err != nil {
		return nil, nil, err
	}
	patient := rdb.Options{Timeout: 10 * time.Second}
	limiter, err := limit.New(limit.GCRA, client, patient)
	if err != nil {
		return nil, nil, err
	}
	c := cache.New(client, cache.Config{Redis: patient, NotFound: store.ErrNotFound})
	api, err = demoapi.New(demoapi.Config{Secret: []byte(victimSecret)}, pg, c, limiter)
	return api, func() { c.Close(); _ = client.Close(); pg.Close() }, err
}

// startVictim starts the API's process and returns its URL.
func startVictim(t *testing.T, redisURL, dsn string) (cmd *exec.Cmd, url string) {
	t.Helper()
	cmd = exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), victimEnv+"="+redisURL+"\n"+dsn)
	cmd.Stderr = os.Stderr
	_, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return cmd, "http://" + strings.TrimSpace(line)
}

// TestKilled kills the API in the middle of orders. Whatever a client was told
// is so afterwards, nothing is half there, and the next run ends the work.
func TestKilled(t *testing.T) {
	server := servertest.StartRedis(t)
	redisURL, dsn := "unix://"+server.Socket, servertest.StartPostgres(t)
	pg, err := store.OpenPostgres(t.Context(), dsn, store.PostgresOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pg.Close)
	if err := pg.Seed(t.Context(), storetest.Seed()); err != nil {
		t.Fatal(err)
	}
	const product = 7
	before, err := pg.Product(t.Context(), product)
	if err != nil {
		t.Fatal(err)
	}
	cmd, url := startVictim(t, redisURL, dsn)
	told, sent := orderUntilKilled(t, cmd, url, product)

	// The limiter has counted each admitted order, and none that was not sent.
	client := server.Client()
	defer client.Close()
	counted, err := client.HGet(t.Context(), limit.MetaKey("1"), "allowed:/orders").Int()
	if err != nil || counted < len(told) || counted > sent {
		t.Errorf("%d orders counted, %d answered, %d sent: %v", counted, len(told), sent, err)
	}
	next, end, err := apiOn(t.Context(), redisURL, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer end()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	l, _ := listen(t)
	go func() { ended <- next.Serve(ctx, l) }()
	until(t, "all settled", func() bool {
		ids, err := pg.PendingOrders(t.Context(), 1)
		return err == nil && len(ids) == 0
	})
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	whole(t, pg, dsn, told, before)
}

// orderUntilKilled sends orders from several clients, one piece each, kills the
// API when a good many are answered, and returns the ids that clients were told.
func orderUntilKilled(t *testing.T, cmd *exec.Cmd, url string, product int) (told []int64, sent int) {
	t.Helper()
	signer, err := middleware.NewSigner([]byte(victimSecret), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	token, _ := signer.Sign(middleware.Claims{UserID: 1, Tier: limit.Admin})
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}, Timeout: 20 * time.Second}
	defer client.CloseIdleConnections()
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for {
				mu.Lock()
				sent++
				mu.Unlock()
				id, err := orderOne(client, url, token, product)
				if err != nil {
					return // killed
				}
				mu.Lock()
				told = append(told, id)
				if len(told) == 150 {
					_ = cmd.Process.Kill()
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(told) < 150 {
		t.Fatalf("%d orders only", len(told))
	}
	return told, sent
}

func orderOne(client *http.Client, url, token string, product int) (id int64, err error) {
	r, err := http.NewRequest("POST", url+"/orders", strings.NewReader(`{"items":[{"product_id":`+strconv.Itoa(product)+`,"quantity":1}]}`))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := client.Do(r)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err
	}
	var o store.Order
	if err := json.Unmarshal(body, &o); err != nil || resp.StatusCode != http.StatusCreated {
		return 0, fmt.Errorf("%s %s", resp.Status, body)
	}
	return o.ID, nil
}

// whole checks every order that clients were told of, and that the stock is what
// all orders that stand have left.
func whole(t *testing.T, pg *store.Postgres, dsn string, told []int64, before store.Product) {
	t.Helper()
	for _, id := range told {
		o, err := pg.Order(t.Context(), id)
		if err != nil || o.Status == store.StatusPending || len(o.Items) != 1 || o.TotalCents != o.Items[0].PriceCents {
			t.Errorf("order %d: %+v, %v", id, o, err)
		}
	}
	db, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(context.Background())
	var sold, empty int64
	err = db.QueryRow(t.Context(), `select
		(select count(*) from apitop_demo.orders o join apitop_demo.order_items i on i.order_id = o.id
		 where i.product_id = $1 and o.status = 'confirmed' and o.id > $2),
		(select count(*) from apitop_demo.orders o where not exists (select from apitop_demo.order_items i where i.order_id = o.id))`,
		before.ID, storetest.Seed().Orders).Scan(&sold, &empty)
	if err != nil {
		t.Fatal(err)
	}
	after, err := pg.Product(t.Context(), before.ID)
	if err != nil || after.Stock != before.Stock-sold || empty != 0 {
		t.Errorf("stock %d, before %d, sold %d, orders without items %d: %v", after.Stock, before.Stock, sold, empty, err)
	}
}

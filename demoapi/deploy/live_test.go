package deploy_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"apitop/demoapi/serve"
	"apitop/demoapi/servertest"
	"apitop/demoapi/store"
)

// shop is the demo API as it is run, on servers of its own, and a client of it.
type shop struct {
	t      *testing.T
	addr   string
	client *http.Client
	token  string
}

func startShop(t *testing.T) *shop {
	t.Helper()
	cfg := serve.Config{
		PostgresDSN: servertest.StartPostgres(t), RedisURL: "unix://" + servertest.StartRedis(t).Socket, PrivateRedis: true,
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	ready := make(chan struct{})
	go func() { ended <- serve.API(ctx, ln, cfg, serve.Hooks{Ready: func() { close(ready) }}) }()
	s := &shop{t: t, addr: ln.Addr().String(), client: &http.Client{Timeout: 20 * time.Second}}
	t.Cleanup(func() {
		s.client.CloseIdleConnections()
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	select {
	case <-ready:
	case err := <-ended:
		ended <- err
		t.Fatal("the API ended at its start")
	}
	var login struct{ Token string }
	body := s.do("POST", "/auth/login", `{"username":"premium1","password":"`+store.DemoPassword+`"}`, http.StatusOK)
	if err := json.Unmarshal(body, &login); err != nil || login.Token == "" {
		t.Fatalf("login: %v %s", err, body)
	}
	s.token = login.Token
	return s
}

// do sends one request and returns the body of the answer, which must have the
// status.
func (s *shop) do(method, path, body string, status int) []byte {
	s.t.Helper()
	req, err := http.NewRequest(method, "http://"+s.addr+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if s.token != "" {
		req.Header.Set("Authorization", "Bearer "+s.token)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != status {
		s.t.Fatalf("%s %s: %s %v %s", method, path, resp.Status, err, got)
	}
	return got
}

// shopping is one of each thing that there is to ask.
func (s *shop) shopping() {
	s.t.Helper()
	s.do("GET", "/categories", "", http.StatusOK)
	s.do("GET", "/products", "", http.StatusOK)
	s.do("GET", "/products/1", "", http.StatusOK)
	s.do("GET", "/products/999999999", "", http.StatusNotFound)
	s.do("POST", "/products/search", `{"query":"table","limit":10}`, http.StatusOK)
	s.do("GET", "/users/me", "", http.StatusOK)
	var order struct{ ID int64 }
	if err := json.Unmarshal(s.do("POST", "/orders", `{"items":[{"product_id":7,"quantity":1}]}`, http.StatusCreated), &order); err != nil {
		s.t.Fatal(err)
	}
	s.do("GET", fmt.Sprintf("/orders/%d", order.ID), "", http.StatusOK)
}

// healthCheck asks what the container's health check asks.
func (s *shop) healthCheck() {
	s.t.Helper()
	test := readCompose(s.t).Services["api"].Healthcheck.Test
	path, ok := strings.CutPrefix(test[len(test)-1], "http://127.0.0.1:8000")
	if !ok {
		s.t.Fatalf("health check %v", test)
	}
	s.do("GET", path, "", http.StatusOK)
}

// page reads the metrics page: series by name, with the labels that they have.
func (s *shop) page() map[string][]string {
	s.t.Helper()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(s.do("GET", "/metrics", "", http.StatusOK)))
	if err != nil {
		s.t.Fatal(err)
	}
	known := map[string][]string{}
	for name, f := range families {
		var labels []string
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if !slices.Contains(labels, l.GetName()) {
					labels = append(labels, l.GetName())
				}
			}
		}
		known[name] = labels
		if f.GetMetric()[0].Histogram != nil {
			known[name+"_bucket"] = append([]string{"le"}, labels...)
			known[name+"_sum"], known[name+"_count"] = labels, labels
			delete(known, name) // there is no series of that name
		}
	}
	return known
}

// prometheus is a running server.
type prometheus struct{ base string }

// startPrometheus runs a Prometheus with our configuration, in which the API is
// at addr, everything else is absent, and each interval is a second.
func startPrometheus(t *testing.T, addr string) *prometheus {
	t.Helper()
	dir := t.TempDir()
	config := regexp.MustCompile(`(interval|scrape_timeout): \w+`).ReplaceAll(prometheusConfig(t), []byte("$1: 1s"))
	config = bytes.ReplaceAll(config, []byte("[api:8000]"), []byte("["+addr+"]"))
	config = regexp.MustCompile(`\[(redis|postgres|node)-exporter:\d+\]|\[alertmanager:9093\]|\[127.0.0.1:9090\]`).ReplaceAll(config, []byte("[]"))
	if err := os.WriteFile(dir+"/prometheus.yml", config, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(dir+"/rules", 0o700); err != nil {
		t.Fatal(err)
	}
	for _, path := range files(t, "prometheus/rules/*.yml") {
		quick := regexp.MustCompile(`(?m)^    interval: \w+`).ReplaceAll(read(t, path), []byte("    interval: 1s"))
		if err := os.WriteFile(dir+"/rules/"+filepath.Base(path), quick, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &prometheus{base: "http://" + ln.Addr().String()}
	_ = ln.Close() // Prometheus opens it itself
	var log bytes.Buffer
	cmd := exec.Command(program(t, "prometheus", "prometheus"), "--config.file="+dir+"/prometheus.yml", "--storage.tsdb.path="+dir+"/data",
		"--web.listen-address="+strings.TrimPrefix(p.base, "http://"))
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	})
	deadline := time.Now().Add(20 * time.Second)
	for ; time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if _, err := p.query("vector(1)"); err == nil {
			return p
		}
	}
	t.Fatalf("prometheus does not answer:\n%s", log.String())
	return nil
}

// query evaluates an expression now and returns the values of its series.
func (p *prometheus) query(expr string) ([]string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", p.base+"/api/v1/query?query="+url.QueryEscape(expr), http.NoBody)
	if err != nil {
		return nil, err
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var answer struct {
		Status, Error string
		Data          struct{ Result []struct{ Value [2]any } }
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return nil, err
	}
	if answer.Status != "success" {
		return nil, fmt.Errorf("%s: %s", answer.Status, answer.Error)
	}
	var values []string
	for _, r := range answer.Data.Result {
		values = append(values, fmt.Sprint(r.Value[1]))
	}
	return values, nil
}

// TestLive runs the API as it is, lets a real Prometheus scrape it and compute the
// rules, and asks it every expression: each must be one, name metrics and labels
// that exist, and, where the API alone can answer it, have an answer.
func TestLive(t *testing.T) {
	program(t, "prometheus", "prometheus")
	s := startShop(t)
	s.shopping()
	s.healthCheck()
	s.stress()
	page := s.page()
	known := recorded(t)
	for _, more := range []map[string][]string{page, exporters} {
		maps.Copy(known, more)
	}
	p := startPrometheus(t, s.addr)
	all := expressions(t)
	var open []expression
	for _, e := range all {
		u := parse(e.text)
		u.check(t, e.where, known)
		if _, err := p.query(e.text); err != nil {
			t.Errorf("%s: %v\n%s", e.where, err, e.text)
		} else if answerable(e, u) {
			open = append(open, e)
		}
	}
	asked := len(open)
	for deadline := time.Now().Add(40 * time.Second); len(open) > 0 && time.Now().Before(deadline); time.Sleep(500 * time.Millisecond) {
		s.shopping()
		open = slices.DeleteFunc(open, func(e expression) bool {
			values, err := p.query(e.text)
			// A route that nobody asks for has no quantile.
			return err == nil && slices.ContainsFunc(values, func(v string) bool { return v != "NaN" })
		})
	}
	for _, e := range open {
		values, err := p.query(e.text)
		t.Errorf("%s: no answer: %v %v\n%s", e.where, values, err, e.text)
	}
	if asked < 100 {
		t.Errorf("only %d of %d expressions expect an answer", asked, len(all))
	}
}

// answerable tells whether a healthy API of some seconds has an answer to e.
func answerable(e expression, u uses) bool {
	if strings.HasPrefix(e.where, "rule ") && !strings.Contains(e.where, ":") {
		return false // an alert
	}
	if strings.Contains(e.text, "_before") || strings.Contains(e.text, "offset") || strings.HasPrefix(e.where, "annotation") {
		return false // of an hour ago; of a restart
	}
	if strings.HasSuffix(e.text, "> 0") {
		return false // only what fails
	}
	for metric := range u.metrics {
		if _, other := exporters[metric]; other {
			return false
		}
	}
	return true
}

package promql

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/common/model"

	"apitop/collectors/snapshot"
	"apitop/collectors/web"
)

// api asks a server over its HTTP API. It is safe for concurrent use.
// Source: prometheus.io, HTTP API.
type api struct {
	address
	transport *http.Transport
	web       web.Client
	onlyGet   atomic.Bool // POST was refused once, and GET was not
}

const (
	maxHeaderBytes = 64 << 10
	maxBodyBytes   = 32 << 20 // of an answer, after decompression
	maxConnections = 4        // at once
	idleTime       = 2 * time.Minute
)

func newAPI(a address, client web.Client) *api {
	dialer := &net.Dialer{KeepAlive: 30 * time.Second}
	return &api{
		address: a,
		transport: &http.Transport{
			Proxy:                  client.Proxy,
			DialContext:            dialer.DialContext,
			TLSClientConfig:        client.TLS.Clone(),
			MaxIdleConnsPerHost:    maxConnections,
			MaxConnsPerHost:        2 * maxConnections,
			IdleConnTimeout:        idleTime,
			MaxResponseHeaderBytes: maxHeaderBytes,
		},
		web: client,
	}
}

// row is one series of an answer. Its labels stay raw, as nearly all of them
// were seen in the answer before.
type row struct {
	Metric     json.RawMessage             `json:"metric"`
	Value      *model.SamplePair           `json:"value"`
	Histogram  *model.SampleHistogramPair  `json:"histogram"`
	Values     []model.SamplePair          `json:"values"`     // of a range
	Histograms []model.SampleHistogramPair `json:"histograms"` // of a range
}

// labels reads the labels of r.
func (r *row) labels() map[string]string {
	var m map[string]string
	if json.Unmarshal(r.Metric, &m) != nil {
		return nil // a row without readable labels is one without labels
	}
	return m
}

// answer is what a server said: the result, what it warns of, and its size.
type answer struct {
	rows  []row
	notes []string
	bytes int
}

// instant asks for the value of expr at one time; the zero time is the server's
// now.
func (a *api) instant(ctx context.Context, expr string, at time.Time) (answer, error) {
	params := url.Values{"query": {expr}}
	if !at.IsZero() {
		params.Set("time", unix(at))
	}
	return a.rows(ctx, "query", params)
}

// span is a stretch of time in steps.
type span struct {
	start, end time.Time
	step       time.Duration
}

// between asks for the values of expr over a span.
func (a *api) between(ctx context.Context, expr string, s span) (answer, error) {
	return a.rows(ctx, "query_range", url.Values{
		"query": {expr}, "start": {unix(s.start)}, "end": {unix(s.end)}, "step": {seconds(s.step)},
	})
}

func (a *api) rows(ctx context.Context, endpoint string, params url.Values) (answer, error) {
	var data struct {
		Result []row `json:"result"`
	}
	got, err := a.call(ctx, endpoint, params, &data)
	got.rows = data.Result
	return got, err
}

// unix writes a time as the API takes it, in seconds.
func unix(t time.Time) string {
	return fmt.Sprintf("%d.%03d", t.Unix(), t.Nanosecond()/int(time.Millisecond))
}

// envelope is the form of all answers.
type envelope struct {
	Status    string   `json:"status"`
	Data      any      `json:"data"`
	ErrorType string   `json:"errorType"`
	Error     string   `json:"error"`
	Warnings  []string `json:"warnings"`
	Infos     []string `json:"infos"`
}

// call asks an endpoint and reads the answer's data into data, a pointer. The
// error is a [snapshot.Failure] unless ctx was cancelled.
func (a *api) call(ctx context.Context, endpoint string, params url.Values, data any) (answer, error) {
	began := time.Now()
	resp, err := a.ask(ctx, endpoint, params)
	if err != nil {
		return answer{}, a.explain(ctx, err, time.Since(began))
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBodyBytes+1))
	if len(body) > maxBodyBytes {
		return answer{}, errTooLarge
	}
	if err != nil {
		return answer{}, a.explain(ctx, err, time.Since(began))
	}
	e := envelope{Data: data}
	if err := json.Unmarshal(body, &e); err != nil || e.Status == "" {
		return answer{}, a.foreign(resp, body)
	}
	if e.Status != "success" {
		return answer{}, a.refused(resp, e)
	}
	return answer{notes: append(e.Warnings, e.Infos...), bytes: len(body)}, nil
}

// errTooLarge is an answer beyond maxBodyBytes.
var errTooLarge = snapshot.Fail(snapshot.Unsupported, "the server's answer is larger than 32 MiB",
	"narrow --match, or drop labels with unbounded values (ids, raw paths) from the service's metrics")

// ask sends the parameters as a form, as long queries do not fit into a URL, and
// by GET where POST is not let through, as client_golang does.
func (a *api) ask(ctx context.Context, endpoint string, params url.Values) (*http.Response, error) {
	if !readOnly(endpoint) && !a.onlyGet.Load() {
		resp, err := a.send(ctx, http.MethodPost, endpoint, params)
		if err != nil {
			return nil, err
		}
		switch resp.StatusCode {
		case http.StatusForbidden, http.StatusMethodNotAllowed, http.StatusNotImplemented:
			web.Discard(resp)
		default:
			return resp, nil
		}
	}
	resp, err := a.send(ctx, http.MethodGet, endpoint, params)
	if err == nil && !readOnly(endpoint) && resp.StatusCode == http.StatusOK {
		a.onlyGet.Store(true)
	}
	return resp, err
}

// readOnly tells the endpoints that know GET alone.
func readOnly(endpoint string) bool {
	return endpoint == "metadata" || strings.HasPrefix(endpoint, "label/")
}

// send sends one request.
func (a *api) send(ctx context.Context, method, endpoint string, params url.Values) (*http.Response, error) {
	to := a.URL.JoinPath("api/v1", endpoint)
	form := ""
	if query := a.asks(); method == http.MethodPost {
		form, to.RawQuery = params.Encode(), query.Encode()
	} else {
		to.RawQuery = strings.TrimPrefix(query.Encode()+"&"+params.Encode(), "&")
	}
	req, err := http.NewRequestWithContext(ctx, method, to.String(), strings.NewReader(form))
	if err != nil {
		return nil, err
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header["Idempotency-Key"] = nil // net/http: it may be sent again when the connection had died
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "apitop")
	return a.web.Send(req, a.Address, a.transport)
}

package serve

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestTraffic: the last line has the totals, and they are what the server saw.
func TestTraffic(t *testing.T) {
	var seen atomic.Uint64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		seen.Add(1)
		w.WriteHeader(http.StatusTeapot)
	}))
	defer srv.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
	defer cancel()
	var out bytes.Buffer
	if err := Traffic(ctx, TrafficConfig{URL: srv.URL, RPS: 100}, &out); err != nil {
		t.Fatal(err)
	}
	var counts []Count
	for lines := bufio.NewScanner(&out); lines.Scan(); {
		var c Count
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatalf("%q: %v", lines.Text(), err)
		}
		counts = append(counts, c)
	}
	if len(counts) != 2 {
		t.Fatalf("%d lines in 1.5 s", len(counts))
	}
	first, last := counts[0], counts[1]
	if last.Sent < 130 || last.Sent > 160 || first.Sent > last.Sent || last.ElapsedSeconds < 1.4 || last.ElapsedSeconds > 2 {
		t.Errorf("counts %+v", counts)
	}
	if last.Status["418"] != last.Completed || last.Completed+5 < seen.Load() || last.Sent < seen.Load() || last.Failed != 0 {
		t.Errorf("count %+v, the server saw %d", last, seen.Load())
	}
}

// closedPipe fails like a pipe whose reader is gone.
type closedPipe struct{}

func (closedPipe) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestTrafficErrors(t *testing.T) {
	srv := httptest.NewServer(http.NotFoundHandler())
	defer srv.Close()
	if err := Traffic(t.Context(), TrafficConfig{URL: srv.URL, RPS: 10}, closedPipe{}); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("without a listener: %v", err)
	}
	for name, c := range map[string]TrafficConfig{"no address": {RPS: 1}, "no rate": {URL: srv.URL}} {
		if err := Traffic(t.Context(), c, io.Discard); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestRunChild speaks with a child's side of the protocol.
func TestRunChild(t *testing.T) {
	echo := func(_ context.Context, settings json.RawMessage, o *ownerLink) error {
		return o.tell(settings)
	}
	wait := func(ctx context.Context, _ json.RawMessage, _ *ownerLink) error {
		<-ctx.Done() // until the owner's end of stdin is closed
		return nil
	}
	fail := func(context.Context, json.RawMessage, *ownerLink) error { return errors.New("no luck") }
	tests := map[string]struct {
		in   string
		do   job
		code int
		out  string
	}{
		"settings":    {`{"a":1}` + "\n", echo, 0, `{"a":1}`},
		"owner gone":  {"{}\n", wait, 0, ""},
		"failure":     {"{}\n", fail, 1, `"error":"no luck"`},
		"no settings": {"", echo, 2, ""},
		"no JSON":     {"nonsense\n", echo, 2, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if code := runChild(strings.NewReader(tt.in), &out, tt.do); code != tt.code || !strings.Contains(out.String(), tt.out) {
				t.Errorf("code %d, out %q", code, &out)
			}
		})
	}
}

func TestChildArguments(t *testing.T) {
	for name, args := range map[string][]string{"none": nil, "other": {"--version"}, "too many": {apiMode, "x"}} {
		if handled, _ := Child(args); handled {
			t.Errorf("%s: taken for a child", name)
		}
	}
}

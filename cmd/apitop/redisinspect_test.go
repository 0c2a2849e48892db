package main

import (
	"testing"

	"apitop/collectors/redisconn/redistest"
)

// TestInspect: a screen may look at a key of the server that is watched.
func TestInspect(t *testing.T) {
	srv := redistest.Start(t)
	srv.Do("SET", "product:7", `{"id":7}`)
	look := actions(t, srv, func(*Config) {}).Inspect
	d, err := look(t.Context(), "product:7")
	if err != nil || !d.Found || d.Format != "JSON" || d.Length.V != 8 || len(d.Preview) != 3 {
		t.Errorf("%+v, %v", d, err)
	}
	srv.Kill()
	if _, err := look(t.Context(), "product:7"); err == nil {
		t.Error("a dead server gave no error")
	}
}

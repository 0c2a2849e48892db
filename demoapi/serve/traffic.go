package serve

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"apitop/demoapi/load"
)

// TrafficConfig says what to send where.
type TrafficConfig struct {
	URL string  `json:"url"` // of the API, without a path
	RPS float64 `json:"rps"` // requests a second, > 0
}

// Count is what a generator has done since its start.
type Count struct {
	Sent           uint64            `json:"sent"`
	Completed      uint64            `json:"completed"` // answered, whatever the status
	Failed         uint64            `json:"failed"`    // without a whole answer
	ElapsedSeconds float64           `json:"elapsed_seconds"`
	Status         map[string]uint64 `json:"status"` // Completed by status code
}

func countOf(s load.Stats) Count {
	c := Count{
		Sent: s.Sent, Completed: s.Completed, Failed: s.Failed(),
		ElapsedSeconds: s.Elapsed.Seconds(), Status: map[string]uint64{},
	}
	for code, n := range s.Status {
		c.Status[strconv.Itoa(code)] = n
	}
	return c
}

// Traffic sends traffic to an API until ctx ends, and writes a [Count] as a line
// of JSON to out every second and once more at the end. It stops when out cannot
// be written: then nobody listens any more.
func Traffic(ctx context.Context, cfg TrafficConfig, out io.Writer) error {
	g, err := load.New(load.Config{URL: cfg.URL, RPS: cfg.RPS})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		g.Run(ctx)
	}()
	err = report(ctx, g, out)
	cancel()
	<-ended
	if err != nil {
		return err
	}
	return writeLine(out, countOf(g.Stats()))
}

func report(ctx context.Context, g *load.Generator, out io.Writer) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		if err := writeLine(out, countOf(g.Stats())); err != nil {
			return fmt.Errorf("report the traffic: %w", err)
		}
	}
}

// trafficChild is the generator's process of a demo.
func trafficChild(ctx context.Context, settings json.RawMessage, out io.Writer) error {
	var cfg TrafficConfig
	if err := json.Unmarshal(settings, &cfg); err != nil {
		return fmt.Errorf("read the traffic's settings: %w", err)
	}
	if err := writeLine(out, hello{PID: os.Getpid()}); err != nil {
		return err
	}
	return Traffic(ctx, cfg, out)
}

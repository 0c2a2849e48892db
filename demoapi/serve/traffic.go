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

func countOf(p load.Progress) Count {
	c := Count{
		Sent: p.Totals.Sent, Completed: p.Totals.Answered(), Failed: p.Totals.Unanswered(),
		ElapsedSeconds: p.Elapsed.Seconds(), Status: map[string]uint64{},
	}
	for code, n := range p.Totals.Status {
		c.Status[strconv.Itoa(code)] = n
	}
	return c
}

// Traffic sends traffic to an API until ctx ends, and writes a [Count] as a line
// of JSON to out every second and once more at the end. It stops when out cannot
// be written: then nobody listens any more.
func Traffic(ctx context.Context, cfg TrafficConfig, out io.Writer) error {
	r, err := load.New(load.Spec{
		Target: cfg.URL, Scenario: load.DemoTraffic(), LoginInLoad: true,
		Stages: []load.Stage{{From: cfg.RPS, To: cfg.RPS}}, // without end
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() {
		_, err := r.Run(ctx)
		ended <- err
	}()
	err = report(ctx, r, out)
	cancel()
	if failed := <-ended; err == nil {
		err = failed
	}
	if err != nil {
		return err
	}
	return writeLine(out, countOf(r.Progress()))
}

func report(ctx context.Context, r *load.Runner, out io.Writer) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		if err := writeLine(out, countOf(r.Progress())); err != nil {
			return fmt.Errorf("report the traffic: %w", err)
		}
	}
}

// trafficChild is the generator's process of a demo.
func trafficChild(ctx context.Context, settings json.RawMessage, o *ownerLink) error {
	var cfg TrafficConfig
	if err := json.Unmarshal(settings, &cfg); err != nil {
		return fmt.Errorf("read the traffic's settings: %w", err)
	}
	if err := o.tell(hello{PID: os.Getpid()}); err != nil {
		return err
	}
	return Traffic(ctx, cfg, o.out)
}

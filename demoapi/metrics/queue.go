package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"apitop/demoapi/queue"
)

// jobs are the metrics of queues that no queue can tell at a scrape.
type jobs struct {
	waits     *prometheus.HistogramVec
	durations *prometheus.HistogramVec
}

func newJobs(f factory) jobs {
	return jobs{
		waits: f.histogram(prometheus.HistogramOpts{
			Name: "queue_wait_seconds", Help: "Time from a job's acceptance to its beginning.", Buckets: durationBuckets(),
		}, "queue"),
		durations: f.histogram(prometheus.HistogramOpts{
			Name: "queue_job_duration_seconds", Help: "Time that jobs took.", Buckets: durationBuckets(),
		}, "queue"),
	}
}

// JobEnded implements [queue.Observer].
func (m *Metrics) JobEnded(name string, waited, took time.Duration) {
	m.queue.waits.WithLabelValues(name).Observe(waited.Seconds())
	m.queue.durations.WithLabelValues(name).Observe(took.Seconds())
}

// WatchQueue adds the figures of a queue. It may be called once per name.
func (m *Metrics) WatchQueue(name string, stat func() queue.Stats) {
	m.queue.waits.WithLabelValues(name)
	m.queue.durations.WithLabelValues(name)
	type S = queue.Stats
	label := prometheus.Labels{"queue": name}
	g := func(metric, help string, get func(S) float64) figure[S] {
		return figure[S]{prometheus.NewDesc(metric, help, nil, label), prometheus.GaugeValue, get}
	}
	j := func(state string, get func(S) uint64) figure[S] {
		desc := prometheus.NewDesc("queue_jobs_total", "Jobs by the states they reached.", nil, prometheus.Labels{"queue": name, "state": state})
		return figure[S]{desc, prometheus.CounterValue, func(s S) float64 { return float64(get(s)) }}
	}
	m.registry.MustRegister(pool[S]{stat, []figure[S]{
		g("queue_length", "Jobs waiting.", func(s S) float64 { return float64(s.Waiting) }),
		g("queue_capacity", "Most jobs that may wait.", func(s S) float64 { return float64(s.Capacity) }),
		g("queue_workers", "Jobs that may run at the same time.", func(s S) float64 { return float64(s.Workers) }),
		g("queue_workers_busy", "Jobs running.", func(s S) float64 { return float64(s.Busy) }),
		j("accepted", func(s S) uint64 { return s.Accepted }),
		j("rejected", func(s S) uint64 { return s.Rejected }),
		j("completed", func(s S) uint64 { return s.Completed }),
		j("failed", func(s S) uint64 { return s.Failed }),
	}})
}

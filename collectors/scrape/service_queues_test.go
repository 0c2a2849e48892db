package scrape

import "testing"

// TestQueues: pages as the libraries and exporters of queues write them.
func TestQueues(t *testing.T) {
	runServiceCases(t, map[string]serviceCase{
		"celery": {metrics(`gauge celery_queue_length{queue_name="mail"} 12`, `gauge celery_active_process_count{queue_name="mail"} 4`, `gauge celery_active_worker_count{queue_name="mail"} 2`,
			`counter celery_task_succeeded_total{name="send",hostname="a",queue_name="mail"} 30`, `counter celery_task_succeeded_total{name="send",hostname="b",queue_name="mail"} 10`, `counter celery_task_failed_total{name="send",hostname="a",queue_name="mail"} 2`,
			`counter celery_task_sent_total{name="send",hostname="a",queue_name="mail"} 99`),
			[]string{"queue celery mail: Length=12 Workers=4 Done=42 Failed=2"}},
		"rq": {metrics(`gauge rq_jobs{queue="default",status="queued"} 3`, `gauge rq_jobs{queue="default",status="started"} 1`, `gauge rq_jobs{queue="default",status="finished"} 50`,
			`gauge rq_workers{name="w1",state="busy",queues="default"} 1`, `gauge rq_workers{name="w2",state="idle",queues="default"} 1`, `counter rq_workers_success_total{name="w1",queues="default"} 7`, `counter rq_workers_failed_total{name="w1",queues="default"} 2`),
			[]string{"queue rq default: Length=3 Workers=2 Busy=1 Done=9 Failed=2"}},
		"asynq": {metrics(`gauge asynq_queue_size{queue="low"} 9`, `gauge asynq_tasks_enqueued_total{queue="low",state="pending"} 5`, `gauge asynq_tasks_enqueued_total{queue="low",state="active"} 2`, `gauge asynq_tasks_enqueued_total{queue="low",state="archived"} 1`,
			`gauge asynq_queue_latency_seconds{queue="low"} 1.5`, `counter asynq_tasks_processed_total{queue="low"} 40`, `counter asynq_tasks_failed_total{queue="low"} 4`),
			[]string{"queue asynq low: Length=5 Busy=2 Done=40 Failed=4 WaitSeconds=1.5"}},
		"sidekiq": {metrics(`gauge sidekiq_queue_enqueued_jobs{name="default"} 1`, `gauge sidekiq_queue_latency_seconds{name="default"} 24.3`, `gauge sidekiq_queue_workers{name="default"} 96`, `gauge sidekiq_queue_busy_workers{name="default"} 16`,
			"counter sidekiq_processed_jobs_total 10", "counter sidekiq_failed_jobs_total 9", "gauge sidekiq_workers 106", "gauge sidekiq_busy_workers 8", "gauge sidekiq_enqueued_jobs 7", "gauge sidekiq_dead_jobs 4"),
			[]string{"queue sidekiq default: Length=1 Workers=96 Busy=16 WaitSeconds=24.3", "queue sidekiq: Length=7 Workers=106 Busy=8 Done=10 Failed=9"}},
		"discourse": {metrics(`gauge ruby_sidekiq_queue_backlog{queue="default"} 3`, `gauge ruby_sidekiq_queue_latency_seconds{queue="default"} 2`, `counter ruby_sidekiq_jobs_total{job_name="A",queue="default"} 8`, `counter ruby_sidekiq_failed_jobs_total{job_name="A",queue="default"} 1`),
			[]string{"queue sidekiq default: Length=3 Done=8 Failed=1 WaitSeconds=2"}},
		"laravel": {metrics(`gauge app_queue_size{connection="redis",queue="high"} 45`, `gauge app_queue_pending_jobs{connection="redis",queue="high"} 40`, `gauge app_queue_reserved_jobs{connection="redis",queue="high"} 5`, `gauge app_queue_oldest_pending_job_age{connection="redis",queue="high"} 12`),
			[]string{"queue laravel high: Length=40 Busy=5 WaitSeconds=12"}},
		"oban": {metrics(`gauge app_prom_ex_oban_queue_length_count{name="Oban",queue="media",state="available"} 4`, `gauge app_prom_ex_oban_queue_length_count{name="Oban",queue="media",state="executing"} 2`, `gauge app_prom_ex_oban_queue_length_count{name="Oban",queue="media",state="completed"} 70`,
			`gauge app_prom_ex_oban_init_queue_concurrency_limit{name="Oban",queue="media"} 10`, `histogram app_prom_ex_oban_job_processing_duration_milliseconds_count{queue="media",worker="W"} 8`,
			`histogram app_prom_ex_oban_job_exception_duration_milliseconds_count{queue="media",worker="W"} 3`, `histogram app_prom_ex_oban_job_queue_time_milliseconds_count{queue="media",worker="W"} 8`, `histogram app_prom_ex_oban_job_queue_time_milliseconds_sum{queue="media",worker="W"} 400`),
			[]string{"queue oban media: Length=4 Workers=10 Busy=2 Done=11 Failed=3 Waited=8 WaitedTotal=0.4"}},
		"bullmq": {metrics(`gauge bullmq_job_count{queue="pay",state="waiting"} 2`, `gauge bullmq_job_count{queue="pay",state="active"} 1`, `gauge bullmq_job_count{queue="pay",state="completed"} 100`), []string{"queue bullmq pay: Length=2 Busy=1"}},
		"our demo": {metrics(`gauge queue_length{queue="orders"} 3`, `gauge queue_capacity{queue="orders"} 100`, `gauge queue_workers{queue="orders"} 4`, `gauge queue_workers_busy{queue="orders"} 2`,
			`counter queue_jobs_total{queue="orders",state="accepted"} 20`, `counter queue_jobs_total{queue="orders",state="completed"} 12`, `counter queue_jobs_total{queue="orders",state="failed"} 3`,
			`histogram queue_wait_seconds_bucket{queue="orders",le="+Inf"} 15`, `histogram queue_wait_seconds_sum{queue="orders"} 3`, `histogram queue_wait_seconds_count{queue="orders"} 15`),
			[]string{"queue orders: Length=3 Workers=4 Busy=2 Done=15 Failed=3 Waited=15 WaitedTotal=3"}},
		"none": {metrics("gauge print_queue 3"), nil},
	})
}

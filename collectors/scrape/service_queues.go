package scrape

import "slices"

// queueLibraries are what queues of jobs are called. The names were read from
// sources and pages, 2026.
//
// Where the jobs lie in a broker, every process and every exporter that looks
// gives the same length: such libraries are marked, and the analysis takes the
// largest instead of adding up.
func queueLibraries() []library {
	return slices.Concat(pythonQueues(), rubyQueues(), phpAndBeamQueues(), otherQueues())
}

func pythonQueues() []library {
	return []library{
		{section: queues, kind: "celery", by: "queue_name|queue", shared: true, rows: []row{
			{names: "celery_queue_length", to: queueLength},
			{names: "celery_active_process_count", to: queueWorkers},
			{names: "celery_active_worker_count", to: queueWorkers},
			{names: "celery_worker_tasks_active", to: queueBusy},
			{names: "celery_task_succeeded celery_task_failed", to: queueDone},
			{names: "celery_task_failed", to: queueFailed},
			{names: "celery_task_queue_wait_time_count celery_task_queue_wait_time_seconds_count", to: queueWaited},
			{names: "celery_task_queue_wait_time_sum celery_task_queue_wait_time_seconds_sum", to: queueWaitedTotal},
		}},
		{section: queues, kind: "rq", by: "queue|queues", shared: true, rows: []row{
			{names: "rq_jobs", to: queueLength, when: "status=queued"},
			{names: "rq_workers", to: queueWorkers},
			{names: "rq_jobs", to: queueBusy, when: "status=started"},
			{names: "rq_workers_success rq_workers_failed", to: queueDone},
			{names: "rq_workers_failed", to: queueFailed},
		}},
		{section: queues, kind: "dramatiq", by: "queue_name", rows: []row{
			{names: "dramatiq_messages_inprogress", to: queueBusy},
			{names: "dramatiq_messages", to: queueDone},
			{names: "dramatiq_message_errors", to: queueFailed},
		}},
	}
}

// rubyQueues: the standalone exporter and discourse's speak of Redis, and so do
// the lengths of yabeda, whose totals are those of its own process.
func rubyQueues() []library {
	return []library{
		{section: queues, kind: "sidekiq", by: "name|queue", shared: true, rows: []row{
			{names: "sidekiq_queue_enqueued_jobs ruby_sidekiq_queue_backlog", to: queueLength},
			{names: "sidekiq_enqueued_jobs ruby_sidekiq_stats_enqueued", to: queueLength},
			{names: "sidekiq_queue_workers sidekiq_workers", to: queueWorkers},
			{names: "ruby_sidekiq_process_concurrency", to: queueWorkers},
			{names: "sidekiq_queue_busy_workers sidekiq_busy_workers", to: queueBusy},
			{names: "ruby_sidekiq_process_busy", to: queueBusy},
			{names: "sidekiq_processed_jobs", to: queueDone},
			{names: "ruby_sidekiq_jobs", to: queueDone},
			{names: "sidekiq_failed_jobs", to: queueFailed},
			{names: "ruby_sidekiq_failed_jobs", to: queueFailed},
			{names: "sidekiq_queue_latency_seconds ruby_sidekiq_queue_latency_seconds", to: queueWait, max: true},
		}},
		{section: queues, kind: "sidekiq (yabeda)", by: "queue", length: true, rows: []row{
			{names: "sidekiq_jobs_waiting_count", to: queueLength},
			{names: "sidekiq_active_workers_count", to: queueBusy},
			{names: "sidekiq_jobs_executed", to: queueDone},
			{names: "sidekiq_jobs_failed", to: queueFailed},
			{names: "sidekiq_queue_latency", to: queueWait, max: true},
			{names: "sidekiq_job_latency_seconds_count", to: queueWaited},
			{names: "sidekiq_job_latency_seconds_sum", to: queueWaitedTotal},
		}},
	}
}

func phpAndBeamQueues() []library {
	return []library{
		{section: queues, kind: "laravel", by: "queue", shared: true, rows: []row{
			{names: "app_queue_pending_jobs", to: queueLength},
			{names: "app_queue_size", to: queueLength},
			{names: "*horizon_current_workload *horizon_queue_length", to: queueLength},
			{names: "*horizon_current_processes", to: queueWorkers},
			{names: "app_queue_reserved_jobs", to: queueBusy},
			{names: "app_queue_oldest_pending_job_age", to: queueWait, max: true},
			{names: "horizon_queue_processed", to: queueDone},
		}},
		{section: queues, kind: "oban", by: "queue", length: true, rows: []row{
			{names: "*oban_queue_length_count", to: queueLength, when: "state=available"},
			{names: "*oban_init_queue_concurrency_limit", to: queueWorkers},
			{names: "*oban_queue_length_count", to: queueBusy, when: "state=executing"},
			{names: "*oban_job_processing_duration_milliseconds_count *oban_job_exception_duration_milliseconds_count", to: queueDone},
			{names: "*oban_job_exception_duration_milliseconds_count", to: queueFailed},
			{names: "*oban_job_queue_time_milliseconds_count", to: queueWaited},
			{names: "*oban_job_queue_time_milliseconds_sum", to: queueWaitedTotal, per: 1e3},
		}},
	}
}

func otherQueues() []library {
	return []library{
		{section: queues, kind: "asynq", by: "queue", shared: true, rows: []row{
			{names: "asynq_tasks_enqueued", to: queueLength, when: "state=pending"},
			{names: "asynq_queue_size", to: queueLength},
			{names: "asynq_tasks_enqueued", to: queueBusy, when: "state=active"},
			{names: "asynq_tasks_processed", to: queueDone},
			{names: "asynq_tasks_failed", to: queueFailed},
			{names: "asynq_queue_latency_seconds", to: queueWait, max: true},
		}},
		{section: queues, kind: "bullmq", by: "queue|queue_name|bullmq_queue_name|name", length: true, rows: []row{
			{names: "bullmq_job_count bullmq_queue_jobs", to: queueLength, when: "state=waiting|wait"},
			{names: "bullmq_waiting bull_queue_waiting bullmq_jobs_waiting bull_wait_total", to: queueLength},
			{names: "bullmq_job_count bullmq_queue_jobs", to: queueBusy, when: "state=active"},
			{names: "bullmq_active bull_queue_active bullmq_jobs_active bull_active_total", to: queueBusy},
			{names: "bullmq_jobs_completed bullmq_jobs_failed", to: queueDone},
			{names: "bullmq_jobs_failed", to: queueFailed},
		}},
		{section: queues, kind: "rabbitmq", by: "vhost queue", shared: true, rows: []row{
			{names: "rabbitmq_queue_messages_ready", to: queueLength},
			{names: "rabbitmq_queue_consumers", to: queueWorkers},
			{names: "rabbitmq_queue_messages_unacked", to: queueBusy},
		}},
		{section: queues, by: "queue", rows: []row{ // our demo's
			{names: "queue_length", to: queueLength},
			{names: "queue_workers", to: queueWorkers},
			{names: "queue_workers_busy", to: queueBusy},
			{names: "queue_jobs", to: queueDone, when: "state=completed|failed"},
			{names: "queue_jobs", to: queueFailed, when: "state=failed"},
			{names: "queue_wait_seconds_count", to: queueWaited},
			{names: "queue_wait_seconds_sum", to: queueWaitedTotal},
		}},
	}
}

package analysis

// Service is what the metrics pages say of the service beside its requests, all
// instances together.
type Service struct {
	Runtime  *Runtime   `json:"runtime"`  // null: no page says
	Pools    []Pool     `json:"pools"`    // those that are short first, then by name; never null
	Caches   []CacheUse `json:"caches"`   // most lookups first; never null
	Queues   []Queue    `json:"queues"`   // longest first; never null
	Counters []Counter  `json:"counters"` // those that move most first; never null, 50 at most
}

// Runtime is the language's own machinery, all instances together.
type Runtime struct {
	Language     string `json:"language"` // "go", "python", "jvm", "nodejs", "dotnet", "ruby", "beam"; empty: unknown
	Version      Text   `json:"version"`  // as the pages say it, several with a blank between
	HeapBytes    Value  `json:"heap_bytes"`
	Threads      Value  `json:"threads"`
	Tasks        Value  `json:"tasks"` // goroutines, active handles, BEAM processes
	GCsPerSecond Value  `json:"gcs_per_second"`
	GCRatio      Value  `json:"gc_ratio"`    // seconds of collection a second, of the mean instance
	LagSeconds   Value  `json:"lag_seconds"` // of the event loop or the scheduler, p99 where the page has one; the worst instance
}

// Pool is a pool of connections or threads. Those of one kind and name in
// several instances are added up.
type Pool struct {
	Kind              string `json:"kind"` // "pgxpool", "hikaricp", …
	Name              Text   `json:"name"` // empty: the only one
	InUse             Value  `json:"in_use"`
	Idle              Value  `json:"idle"`
	Max               Value  `json:"max"` // unknown: not on the page, or no limit
	UsedRatio         Value  `json:"used_ratio"`
	Waiting           Value  `json:"waiting"` // callers that wait now
	AcquiresPerSecond Value  `json:"acquires_per_second"`
	WaitsPerSecond    Value  `json:"waits_per_second"`
	WaitSeconds       Value  `json:"wait_seconds"` // mean in the window, of those that waited; of all acquires where the page does not part them
	TimeoutsPerSecond Value  `json:"timeouts_per_second"`
}

// CacheUse is a cache that the service counts itself.
type CacheUse struct {
	Kind               string `json:"kind"`
	Name               Text   `json:"name"`
	HitRatio           Value  `json:"hit_ratio"` // in the window
	LookupsPerSecond   Value  `json:"lookups_per_second"`
	Entries            Value  `json:"entries"`
	EvictionsPerSecond Value  `json:"evictions_per_second"`
}

// Queue is a queue of jobs. Queues within processes are added up over the
// instances. Of a queue in a broker every instance says the same (celery, rq,
// sidekiq, asynq, Laravel, BullMQ, Oban): there the largest counts.
type Queue struct {
	Kind            string `json:"kind"`
	Name            Text   `json:"name"`   // empty: all of the kind together
	Length          Value  `json:"length"` // jobs that wait
	Workers         Value  `json:"workers"`
	Busy            Value  `json:"busy"`
	DonePerSecond   Value  `json:"done_per_second"` // finished, well or not
	FailedPerSecond Value  `json:"failed_per_second"`
	WaitSeconds     Value  `json:"wait_seconds"` // mean in the window, or as the page has it
}

// Counter is a total of the service's own business: of no known family.
type Counter struct {
	Name      Text  `json:"name"`
	Labels    Text  `json:"labels"` // tier="basic"
	PerSecond Value `json:"per_second"`
	// ChangeRatio compares PerSecond with its mean of the minutes before: 0.5 is
	// half as much again, -1 is nothing any more.
	ChangeRatio Value `json:"change_ratio"`
	Growth      Value `json:"growth"` // in the window
	Total       Value `json:"total"`  // since the processes started
}

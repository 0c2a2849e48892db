package scrape

import "testing"

// TestRuntimes: pages as the languages' libraries write them.
func TestRuntimes(t *testing.T) {
	runServiceCases(t, map[string]serviceCase{
		"go": {metrics("gauge go_goroutines 12", "gauge go_threads 9", `gauge go_info{version="go1.26.0"} 1`,
			"gauge go_memstats_heap_inuse_bytes 4e6", "gauge go_memstats_heap_alloc_bytes 3e6", "counter go_memstats_frees_total 5",
			`summary go_gc_duration_seconds{quantile="0.5"} 0.001`, "summary go_gc_duration_seconds_sum 0.25", "summary go_gc_duration_seconds_count 40"),
			[]string{"runtime go go1.26.0: HeapBytes=4e+06 Threads=9 Tasks=12 GCs=40 GCSeconds=0.25"}},
		"go, runtime/metrics": {metrics("gauge go_gc_heap_live_bytes 2e6", "gauge go_memstats_heap_inuse_bytes 4e6", "gauge go_sched_goroutines_goroutines 7",
			"counter go_gc_cycles_total_gc_cycles_total 3", "counter go_cpu_classes_gc_total_cpu_seconds_total 0.5"),
			[]string{"runtime go: HeapBytes=2e+06 Tasks=7 GCs=3 GCSeconds=0.5"}},
		"go, opentelemetry": {metrics(`gauge go_memory_used_bytes{go_memory_type="stack"} 1`, `gauge go_memory_used_bytes{go_memory_type="other"} 5`,
			"gauge go_goroutine_count 3", `gauge target_info{telemetry_sdk_language="go",process_runtime_version="go1.25"} 1`),
			[]string{"runtime go go1.25: HeapBytes=5 Tasks=3"}},
		"python": {metrics(`gauge python_info{implementation="CPython",major="3",version="3.12.1"} 1`,
			`counter python_gc_collections_total{generation="0"} 90`, `counter python_gc_collections_total{generation="1"} 8`, `counter python_gc_objects_collected_total{generation="0"} 400`),
			[]string{"runtime python 3.12.1: GCs=98"}},
		"jvm, micrometer": {metrics(`gauge jvm_memory_used_bytes{area="heap",id="G1 Eden Space"} 100`, `gauge jvm_memory_used_bytes{area="heap",id="G1 Old Gen"} 50`,
			`gauge jvm_memory_used_bytes{area="nonheap",id="Metaspace"} 70`, `gauge jvm_memory_max_bytes{area="heap",id="G1 Eden Space"} -1`, "gauge jvm_threads_live_threads 33",
			`summary jvm_gc_pause_seconds_count{action="end of minor GC",cause="a"} 5`, `summary jvm_gc_pause_seconds_sum{action="end of minor GC",cause="a"} 0.05`,
			`summary jvm_gc_pause_seconds_count{action="end of major GC",cause="b"} 1`, `summary jvm_gc_pause_seconds_sum{action="end of major GC",cause="b"} 0.2`,
			`gauge jvm_info{runtime="OpenJDK",vendor="Eclipse",version="21.0.2+13"} 1`),
			[]string{"runtime jvm 21.0.2+13: HeapBytes=150 Threads=33 GCs=6 GCSeconds=0.25"}},
		"jvm, hotspot": {metrics(`gauge jvm_memory_bytes_used{area="heap"} 9`, "gauge jvm_threads_current 4",
			`summary jvm_gc_collection_seconds_count{gc="G1"} 2`, `summary jvm_gc_collection_seconds_sum{gc="G1"} 0.5`),
			[]string{"runtime jvm: HeapBytes=9 Threads=4 GCs=2 GCSeconds=0.5"}},
		"jvm, opentelemetry": {metrics(`gauge jvm_memory_used_bytes{jvm_memory_type="heap",jvm_memory_pool_name="a"} 9`, `gauge jvm_thread_count{jvm_thread_daemon="true"} 4`, `gauge jvm_thread_count{jvm_thread_daemon="false"} 2`),
			[]string{"runtime jvm: HeapBytes=9 Threads=6"}},
		"nodejs": {metrics("gauge nodejs_heap_size_used_bytes 1e7", `gauge nodejs_active_handles{type="Socket"} 3`, "gauge nodejs_active_handles_total 5",
			"gauge nodejs_eventloop_lag_seconds 0.001", "gauge nodejs_eventloop_lag_mean_seconds 0.01", "gauge nodejs_eventloop_lag_p99_seconds 0.02",
			`histogram nodejs_gc_duration_seconds_bucket{le="+Inf",kind="minor"} 4`, `histogram nodejs_gc_duration_seconds_sum{kind="minor"} 0.5`, `histogram nodejs_gc_duration_seconds_count{kind="minor"} 4`,
			`gauge nodejs_version_info{version="v20.1.0",major="20"} 1`),
			[]string{"runtime nodejs v20.1.0: HeapBytes=1e+07 Tasks=5 GCs=4 GCSeconds=0.5 LagSeconds=0.02"}},
		"dotnet, prometheus-net": {metrics("gauge dotnet_total_memory_bytes 6", `counter dotnet_collection_count_total{generation="0"} 9`, `counter dotnet_collection_count_total{generation="1"} 2`, "gauge process_num_threads 21"),
			[]string{"runtime dotnet: HeapBytes=6 Threads=21 GCs=9"}},
		"dotnet, opentelemetry": {metrics(`gauge dotnet_gc_last_collection_heap_size_bytes{gc_heap_generation="gen0"} 6`, `gauge dotnet_gc_last_collection_heap_size_bytes{gc_heap_generation="loh"} 1`,
			`counter dotnet_gc_collections_total{gc_heap_generation="gen0"} 3`, `counter dotnet_gc_collections_total{gc_heap_generation="gen1"} 2`,
			"counter dotnet_gc_pause_time_seconds_total 0.75", "counter dotnet_thread_pool_thread_count_total 8"),
			[]string{"runtime dotnet: HeapBytes=7 GCs=5 GCSeconds=0.75"}}, // a counter is no number of threads
		"ruby": {metrics(`counter ruby_major_gc_ops_total{pid="1"} 3`, `counter ruby_minor_gc_ops_total{pid="1"} 30`, `gauge ruby_rss{pid="1"} 8e7`),
			[]string{"runtime ruby: GCs=33"}},
		"beam, prom_ex": {metrics("gauge web_app_prom_ex_beam_memory_allocated_bytes 55", "gauge web_app_prom_ex_beam_stats_process_count 478", "gauge web_app_prom_ex_beam_stats_gc_count 10228", "gauge web_app_prom_ex_beam_system_version_info 26"),
			[]string{"runtime beam 26: HeapBytes=55 Tasks=478 GCs=10228"}},
		"beam, prometheus.erl": {metrics(`gauge erlang_vm_memory_bytes_total{kind="system"} 5`, `gauge erlang_vm_memory_bytes_total{kind="processes"} 6`, "gauge erlang_vm_process_count 70", "counter erlang_vm_statistics_garbage_collection_number_of_gcs 8"),
			[]string{"runtime beam: HeapBytes=11 Tasks=70 GCs=8"}},
		"of two, the one with more": {metrics("gauge go_goroutines 1", "gauge nodejs_heap_size_used_bytes 2", "gauge nodejs_active_handles_total 5"), []string{"runtime nodejs: HeapBytes=2 Tasks=5"}},
		"no number":                 {metrics("gauge go_goroutines NaN", "gauge go_threads -1", `gauge go_info{version="go1.26.0"} 1`), []string{"runtime go go1.26.0:"}},
		"nothing":                   {metrics("gauge temperature_celsius 3"), nil},
	})
}

// TestSchedulerWaits: Go's histogram of how long goroutines waited is read as it
// is, as its sum is not known to the library that writes it.
func TestSchedulerWaits(t *testing.T) {
	page := metrics("gauge go_goroutines 1", `histogram go_sched_latencies_seconds_bucket{le="1e-06"} 5`, `histogram go_sched_latencies_seconds_bucket{le="0.001"} 8`,
		`histogram go_sched_latencies_seconds_bucket{le="+Inf"} 9`, "histogram go_sched_latencies_seconds_sum NaN", "histogram go_sched_latencies_seconds_count 9")
	w := readPage(t, NewReader("t", Limits{}), page).Service.Runtime.Waits
	if w == nil || len(w.Bounds) != 2 || w.Bounds[1] != 0.001 || w.Cumulative[1] != 8 || w.Cumulative[2] != 9 || w.Count != 9 || w.Sum != 0 {
		t.Errorf("waits = %+v", w)
	}
	if w := readPage(t, NewReader("t", Limits{}), metrics("gauge go_goroutines 1")).Service.Runtime.Waits; w != nil {
		t.Errorf("a page without them: %+v", w)
	}
}

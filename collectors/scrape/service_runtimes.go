package scrape

import "slices"

// runtimeLibraries are what the languages' runtimes are called on the pages of
// their usual libraries: Prometheus' clients, OpenTelemetry's conventions of now
// and before, Micrometer. The names were read from sources and pages, 2026.
func runtimeLibraries() []library {
	return slices.Concat(goAndPython(), jvmAndNode(), otherRuntimes())
}

// otel is the language as OpenTelemetry's target_info says it.
func otel(language string) row {
	return row{names: "target_info", to: runtimeVersion, when: "telemetry_sdk_language=" + language, text: "process_runtime_version"}
}

func goAndPython() []library {
	return []library{
		{section: runtimes, kind: "go", rows: []row{
			{names: "go_gc_heap_live_bytes", to: runtimeHeap},
			{names: "go_memory_classes_heap_objects_bytes", to: runtimeHeap},
			{names: "go_memstats_heap_inuse_bytes", to: runtimeHeap},
			{names: "go_memstats_heap_alloc_bytes", to: runtimeHeap},
			{names: "go_memory_used_bytes", to: runtimeHeap, when: "go_memory_type=other"},
			{names: "process_runtime_go_mem_heap_inuse_bytes", to: runtimeHeap},
			{names: "process_runtime_go_mem_heap_alloc_bytes", to: runtimeHeap},
			{names: "go_threads", to: runtimeThreads},
			{names: "go_goroutines", to: runtimeTasks},
			{names: "go_sched_goroutines_goroutines", to: runtimeTasks},
			{names: "go_goroutine_count", to: runtimeTasks},
			{names: "process_runtime_go_goroutines", to: runtimeTasks},
			{names: "go_gc_duration_seconds_count", to: runtimeGCs},
			{names: "go_gc_cycles_total_gc_cycles", to: runtimeGCs},
			{names: "process_runtime_go_gc_count", to: runtimeGCs},
			{names: "go_gc_duration_seconds_sum", to: runtimeGCSeconds},
			{names: "process_runtime_go_gc_pause_total_ns", to: runtimeGCSeconds, per: 1e9},
			{names: "process_runtime_go_gc_pause_total_nanoseconds", to: runtimeGCSeconds, per: 1e9},
			{names: "go_cpu_classes_gc_total_cpu_seconds", to: runtimeGCSeconds},
			{names: "go_info", to: runtimeVersion, text: "version"},
			otel("go"),
		}},
		{section: runtimes, kind: "python", rows: []row{
			{names: "python_gc_collections", to: runtimeGCs},
			{names: "cpython_gc_collections", to: runtimeGCs},
			{names: "process_runtime_cpython_gc_count", to: runtimeGCs},
			{names: "process_runtime_cpython_thread_count", to: runtimeThreads},
			{names: "python_info", to: runtimeVersion, text: "version"},
			otel("python"),
		}},
	}
}

func jvmAndNode() []library {
	return []library{
		{section: runtimes, kind: "jvm", rows: []row{
			{names: "jvm_memory_used_bytes", to: runtimeHeap, when: "area=heap"},
			{names: "jvm_memory_used_bytes", to: runtimeHeap, when: "jvm_memory_type=heap"},
			{names: "jvm_memory_bytes_used", to: runtimeHeap, when: "area=heap"},
			{names: "process_runtime_jvm_memory_usage_bytes", to: runtimeHeap, when: "type=heap"},
			{names: "base_memory_usedHeap_bytes", to: runtimeHeap},
			{names: "jvm_threads_live_threads", to: runtimeThreads},
			{names: "jvm_threads_current", to: runtimeThreads},
			{names: "jvm_thread_count", to: runtimeThreads},
			{names: "process_runtime_jvm_threads_count", to: runtimeThreads},
			{names: "base_thread_count", to: runtimeThreads},
			{names: "jvm_gc_pause_seconds_count", to: runtimeGCs},
			{names: "jvm_gc_collection_seconds_count", to: runtimeGCs},
			{names: "jvm_gc_duration_seconds_count", to: runtimeGCs},
			{names: "process_runtime_jvm_gc_duration_seconds_count process_runtime_jvm_gc_duration_milliseconds_count", to: runtimeGCs},
			{names: "base_gc_total", to: runtimeGCs},
			{names: "jvm_gc_pause_seconds_sum", to: runtimeGCSeconds},
			{names: "jvm_gc_collection_seconds_sum", to: runtimeGCSeconds},
			{names: "jvm_gc_duration_seconds_sum", to: runtimeGCSeconds},
			{names: "process_runtime_jvm_gc_duration_seconds_sum", to: runtimeGCSeconds},
			{names: "process_runtime_jvm_gc_duration_milliseconds_sum", to: runtimeGCSeconds, per: 1e3},
			{names: "base_gc_time_seconds base_gc_time_total_seconds", to: runtimeGCSeconds},
			{names: "jvm_info jvm_runtime_info", to: runtimeVersion, text: "version"},
			otel("java"),
		}},
		{section: runtimes, kind: "nodejs", rows: []row{
			{names: "nodejs_heap_size_used_bytes", to: runtimeHeap},
			{names: "v8js_memory_heap_used_bytes v8js_memory_heap_used", to: runtimeHeap},
			{names: "nodejs_active_handles_total", to: runtimeTasks},
			{names: "nodejs_active_resources_total", to: runtimeTasks},
			{names: "nodejs_gc_duration_seconds_count", to: runtimeGCs},
			{names: "v8js_gc_duration_seconds_count v8js_gc_duration_count", to: runtimeGCs},
			{names: "nodejs_gc_duration_seconds_sum", to: runtimeGCSeconds},
			{names: "v8js_gc_duration_seconds_sum v8js_gc_duration_sum", to: runtimeGCSeconds},
			{names: "nodejs_eventloop_lag_p99_seconds", to: runtimeLag, max: true},
			{names: "nodejs_eventloop_delay_p99_seconds nodejs_eventloop_delay_p99", to: runtimeLag, max: true},
			{names: "nodejs_eventloop_lag_mean_seconds", to: runtimeLag, max: true},
			{names: "nodejs_eventloop_lag_seconds", to: runtimeLag, max: true},
			{names: "nodejs_version_info", to: runtimeVersion, text: "version"},
			otel("nodejs"),
		}},
	}
}

// otherRuntimes ends with what any process says of itself. A collection of a
// .NET generation counts in all younger ones too where prometheus-net writes it,
// and in none where the runtime's own meter does.
func otherRuntimes() []library {
	return []library{
		{section: runtimes, kind: "dotnet", rows: []row{
			{names: "dotnet_gc_last_collection_heap_size_bytes", to: runtimeHeap},
			{names: "dotnet_total_memory_bytes", to: runtimeHeap},
			{names: "dotnet_gc_heap_size_bytes", to: runtimeHeap},
			{names: "process_runtime_dotnet_gc_heap_size_bytes", to: runtimeHeap},
			{names: "dotnet_thread_pool_thread_count", to: runtimeThreads},
			{names: "dotnet_threadpool_num_threads", to: runtimeThreads},
			{names: "process_runtime_dotnet_thread_pool_threads_count", to: runtimeThreads},
			{names: "dotnet_collection_count", to: runtimeGCs, when: "generation=0"},
			{names: "dotnet_gc_collections", to: runtimeGCs},
			{names: "dotnet_gc_collection_count", to: runtimeGCs},
			{names: "process_runtime_dotnet_gc_collections_count", to: runtimeGCs},
			{names: "dotnet_gc_pause_time_seconds", to: runtimeGCSeconds},
			{names: "dotnet_gc_pause_seconds_sum", to: runtimeGCSeconds},
			{names: "process_runtime_dotnet_gc_duration_nanoseconds process_runtime_dotnet_gc_duration_ns", to: runtimeGCSeconds, per: 1e9},
			{names: "dotnet_build_info", to: runtimeVersion, text: "version"},
			otel("dotnet"),
		}},
		{section: runtimes, kind: "ruby", rows: []row{
			{names: "ruby_major_gc_ops ruby_minor_gc_ops", to: runtimeGCs},
			{names: "ruby_info", to: runtimeVersion, text: "version"},
			otel("ruby"),
		}},
		{section: runtimes, kind: "beam", rows: []row{
			{names: "*beam_memory_allocated_bytes", to: runtimeHeap},
			{names: "erlang_vm_memory_bytes_total", to: runtimeHeap},
			{names: "vm_memory_total", to: runtimeHeap}, // telemetry_poller
			{names: "erlang_vm_threads", to: runtimeThreads},
			{names: "*beam_stats_process_count", to: runtimeTasks},
			{names: "erlang_vm_process_count", to: runtimeTasks},
			{names: "*beam_stats_gc_count", to: runtimeGCs},
			{names: "erlang_vm_statistics_garbage_collection_number_of_gcs", to: runtimeGCs},
			{names: "*beam_system_version_info", to: runtimeVersion},
			otel("erlang"),
		}},
		{section: runtimes, rows: []row{
			{names: "process_num_threads", to: runtimeThreads},
			{names: "process_threads", to: runtimeThreads},
			{names: "process_thread_count", to: runtimeThreads},
		}},
	}
}

package scrape

import "apitop/collectors/safe"

// section is a part of [snapshot.Service].
type section uint8

const (
	runtimes section = iota
	pools
	caches
	queues
)

// figure is a place in a part of the service. The numbers of each section begin
// anew.
type figure uint8

// The fields of a runtime.
const (
	runtimeHeap figure = iota
	runtimeThreads
	runtimeTasks
	runtimeGCs
	runtimeGCSeconds
	runtimeLag
	runtimeVersion // a text: row.text says from which label
)

// The fields of a pool. Some pages count all open ones and leave the idle ones,
// or those in use, to be worked out.
const (
	poolInUse figure = iota
	poolIdle
	poolMax
	poolWaiting
	poolAcquires
	poolWaits
	poolWaitSeconds
	poolTimeouts
	poolOpen
)

// The fields of a cache. Lookups are hits and misses together.
const (
	cacheHits figure = iota
	cacheMisses
	cacheEvictions
	cacheEntries
	cacheLookups
)

// The fields of a queue.
const (
	queueLength figure = iota
	queueWorkers
	queueBusy
	queueDone
	queueFailed
	queueWait
	queueWaited
	queueWaitedTotal
)

// mostFields is how many fields a section has at most.
const mostFields = 9

// library is what one library or exporter calls the figures of its things.
type library struct {
	section section
	kind    string
	by      string // labels that tell its things apart; "a|b": the first that is there, "a b": both
	except  match  // series that are none of its things
	unless  string // a sample name: then another library says the same better
	shared  bool   // a queue's totals are a broker's
	length  bool   // a queue's length is a broker's
	server  bool   // a cache that is not the service's own
	rows    []row
}

// row is where one field of a library's things is on the page. Of several rows
// for one field the first that a thing has counts.
type row struct {
	names string  // sample names whose values add up, with or without _total; * stands for any start
	to    figure  // of the library's section
	when  string  // "state=idle|used": only series with one of these values
	per   float64 // how many of the page's units make one of the field's; 0: 1
	by    string  // instead of the library's
	text  string  // label that holds a text field; empty: the value itself
	max   bool    // of several series the largest counts, not the sum
}

// thing is one runtime, pool, cache or queue.
type thing struct {
	lib     *library
	name    safe.Text
	version safe.Text
	fields  int // fields that have a place on the page
}

// thingKey tells things apart.
type thingKey struct {
	section section
	kind    string
	name    string
}

// piece is a series that makes a field, or a part of it.
type piece struct {
	series *series
	thing  int
	figure figure
	rank   int
	per    float64
	max    bool
}

// servicePlan is where the figures of a page's service are.
type servicePlan struct {
	things   []thing
	pieces   []piece
	runtime  int    // index of the thing that is the process's runtime; -1: none
	waits    *group // how long tasks waited for their turn
	bounds   []float64
	counters watch
}

// mostThings bounds the things of one page: a label may hold anything.
const mostThings = 300

package faults

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	leakStep       = 1 << 20 // bytes
	leakEvery      = 250 * time.Millisecond
	mostLeaked     = 1 << 30
	pageBytes      = 4096
	goroutineEvery = 20 * time.Millisecond
	mostGoroutines = 20_000
	fileEvery      = 50 * time.Millisecond
	mostFiles      = 2048 // a limit that is reached within minutes
)

// cpuBurn keeps all cores busy that this process may use.
func cpuBurn(_ context.Context, e *env) (undo, error) {
	jobs := make([]func(context.Context), runtime.GOMAXPROCS(0))
	for i := range jobs {
		jobs[i] = pathologicalRegexp
	}
	return e.background(jobs...), nil
}

// pathologicalRegexp is what a profile shall name. Each match takes the time of
// text times expression, a few milliseconds.
func pathologicalRegexp(ctx context.Context) {
	expression := regexp.MustCompile(`(x+x+)+(x*x*)*y`)
	text := strings.Repeat("x", 4000)
	for ctx.Err() == nil {
		expression.MatchString(text)
	}
}

func memoryLeak(_ context.Context, e *env) (undo, error) {
	leak := e.background(func(ctx context.Context) {
		var kept [][]byte
		every(ctx, leakEvery, func(context.Context) {
			if len(kept)*leakStep < mostLeaked {
				kept = append(kept, touched(leakStep))
			}
		})
		runtime.KeepAlive(kept)
	})
	// Without this the system would see the memory for minutes more.
	return inOrder(leak, releasing(debug.FreeOSMemory)), nil
}

// touched is memory that the system has really given.
func touched(n int) []byte {
	b := make([]byte, n)
	for i := 0; i < n; i += pageBytes {
		b[i] = 1
	}
	return b
}

func goroutineLeak(_ context.Context, e *env) (undo, error) {
	return e.background(func(ctx context.Context) {
		var leaked sync.WaitGroup
		defer leaked.Wait()
		started := 0
		every(ctx, goroutineEvery, func(ctx context.Context) {
			if started < mostGoroutines {
				leaked.Go(func() { waitForNothing(ctx) })
				started++
			}
		})
	}), nil
}

// waitForNothing is what a dump of goroutines shall name.
func waitForNothing(ctx context.Context) { <-ctx.Done() }

// fdLeak opens files and forgets them. Limits of today are out of reach within
// hours, so it lowers this process' own to a common one first.
func fdLeak(_ context.Context, e *env) (undo, error) {
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
		return nil, fmt.Errorf("ask for the limit of open files: %w", err)
	}
	lowered := before
	lowered.Cur = min(before.Cur, mostFiles)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &lowered); err != nil {
		return nil, fmt.Errorf("lower the limit of open files: %w", err)
	}
	leak := e.background(func(ctx context.Context) { leakFiles(ctx, lowered.Cur*8/10) })
	return inOrder(leak, func(context.Context) error { return syscall.Setrlimit(syscall.RLIMIT_NOFILE, &before) }), nil
}

// leakFiles opens files until ctx ends. A new descriptor is the lowest free one:
// so its number tells how many are open.
func leakFiles(ctx context.Context, most uint64) {
	var leaked []*os.File
	defer func() {
		for _, f := range leaked {
			_ = f.Close() // opened only to be open
		}
	}()
	every(ctx, fileEvery, func(context.Context) {
		f, err := os.Open(os.DevNull)
		if err != nil {
			return // the API's own connections have taken the rest
		}
		if uint64(f.Fd()) >= most {
			_ = f.Close() // opened only to be open
			return
		}
		leaked = append(leaked, f)
	})
}

const (
	liveNodes  = 1_000_000
	churnBatch = 1 << 20 // bytes of garbage at a time
	churnPause = 2 * time.Millisecond
)

// node is a part of a heap that takes the collector long to follow.
type node struct {
	next *node
	_    [6]uint64
}

// gcPressure keeps a large heap of small objects and makes garbage beside it, so
// that the collector begins again soon after it has ended. The more cores there
// are, the less of them one collection takes, so the garbage grows with them.
func gcPressure(_ context.Context, e *env) (undo, error) {
	jobs := []func(context.Context){keepLarge}
	for range max(1, runtime.GOMAXPROCS(0)/2) {
		jobs = append(jobs, churn)
	}
	return inOrder(e.background(jobs...), releasing(debug.FreeOSMemory)), nil
}

// keepLarge holds what a collection has to follow until ctx ends.
func keepLarge(ctx context.Context) {
	var live []*node
	for len(live) < liveNodes && ctx.Err() == nil {
		live = append(live, growList(1000)...)
	}
	<-ctx.Done()
	runtime.KeepAlive(live)
}

func churn(ctx context.Context) {
	for {
		garbage := makeGarbage(churnBatch)
		if !rest(ctx, churnPause) {
			return
		}
		runtime.KeepAlive(garbage)
	}
}

func growList(n int) []*node {
	list := make([]*node, n)
	for i := range list {
		list[i] = &node{}
		if i > 0 {
			list[i].next = list[i-1]
		}
	}
	return list
}

// makeGarbage is what a profile of allocations shall name.
func makeGarbage(bytes int) (last *node) {
	for range bytes / 64 {
		last = &node{}
	}
	return last
}

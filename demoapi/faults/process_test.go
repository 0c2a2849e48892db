package faults

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"syscall"
	"testing"
	"time"
)

// within polls until ok or fails after limit.
func within(t *testing.T, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", limit, what)
		}
	}
}

// started returns a set with only that fault on.
func started(t *testing.T, h Hooks, name string) *Set {
	t.Helper()
	s := New(h)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	switchTo(t, s, name, true)
	return s
}

// runtimeValue is a figure of the Go runtime.
func runtimeValue(name string) float64 {
	sample := []metrics.Sample{{Name: name}}
	metrics.Read(sample)
	if sample[0].Value.Kind() == metrics.KindUint64 {
		return float64(sample[0].Value.Uint64())
	}
	return sample[0].Value.Float64()
}

// cpuSeconds is the processor time of this process.
func cpuSeconds(t *testing.T) float64 {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}

func TestCPUBurn(t *testing.T) {
	busy := func(d time.Duration) float64 {
		began, before := time.Now(), cpuSeconds(t)
		time.Sleep(d)
		return (cpuSeconds(t) - before) / time.Since(began).Seconds()
	}
	s := started(t, Hooks{}, "cpu-burn")
	// The machine may be busy otherwise; without the fault this process uses nothing.
	within(t, 20*time.Second, "a fifth of a core is busy", func() bool { return busy(300*time.Millisecond) > 0.2 })
	switchTo(t, s, "cpu-burn", false)
	within(t, 10*time.Second, "it is idle again", func() bool { return busy(300*time.Millisecond) < 0.05 })
}

func TestMemoryLeak(t *testing.T) {
	heap := func() float64 {
		runtime.GC()
		return runtimeValue("/memory/classes/heap/objects:bytes")
	}
	before := heap()
	s := started(t, Hooks{}, "memory-leak")
	within(t, 10*time.Second, "3 MB are kept", func() bool { return heap() > before+3<<20 })
	switchTo(t, s, "memory-leak", false)
	within(t, 5*time.Second, "they are free again", func() bool { return heap() < before+1<<20 })
}

func TestGoroutineLeak(t *testing.T) {
	before := runtime.NumGoroutine()
	s := started(t, Hooks{}, "goroutine-leak")
	within(t, 10*time.Second, "there are 50 more", func() bool { return runtime.NumGoroutine() > before+50 })
	switchTo(t, s, "goroutine-leak", false)
	within(t, 5*time.Second, "they are gone", func() bool { return runtime.NumGoroutine() <= before+2 })
}

func TestFDLeak(t *testing.T) {
	open := func() int {
		files, err := filepath.Glob("/proc/self/fd/*")
		if err != nil {
			t.Fatal(err)
		}
		return len(files)
	}
	if open() == 0 {
		t.Skip("this system does not list open files")
	}
	limit := func() uint64 {
		var l syscall.Rlimit
		if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
			t.Fatal(err)
		}
		return l.Cur
	}
	before, had := open(), limit()
	s := started(t, Hooks{}, "fd-leak")
	within(t, 10*time.Second, "20 more are open", func() bool { return open() >= before+20 })
	if l := limit(); l != min(had, mostFiles) {
		t.Errorf("the limit is %d, was %d", l, had)
	}
	switchTo(t, s, "fd-leak", false)
	if n := open(); n > before+2 {
		t.Errorf("%d are open, %d were", n, before)
	}
	if l := limit(); l != had {
		t.Errorf("the limit is %d, was %d", l, had)
	}
}

// TestFDLeakStops leaves room: what is open stays under the bound.
func TestFDLeakStops(t *testing.T) {
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	next := uint64(f.Fd())
	_ = f.Close()
	e := newEnv(Hooks{})
	defer e.cancel()
	end := e.background(func(ctx context.Context) { leakFiles(ctx, next+3) })
	time.Sleep(10 * fileEvery)
	if f, err = os.Open(os.DevNull); err != nil {
		t.Fatal(err)
	}
	if n := uint64(f.Fd()); n > next+3+2 { // others of this process may have opened some
		t.Errorf("the next descriptor is %d, the bound was %d", n, next+3)
	}
	_ = f.Close()
	if err := end(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestGCPressure(t *testing.T) {
	share := func() float64 {
		gc, all := runtimeValue("/cpu/classes/gc/total:cpu-seconds"), cpuSeconds(t)
		began := time.Now()
		cycles := runtimeValue("/gc/cycles/total:gc-cycles")
		time.Sleep(time.Second)
		runtime.GC() // the runtime counts at the end of a cycle
		gc = runtimeValue("/cpu/classes/gc/total:cpu-seconds") - gc
		t.Logf("collector: %.2f s/s, %.1f cycles, process %.2f s", gc/time.Since(began).Seconds(), runtimeValue("/gc/cycles/total:gc-cycles")-cycles, cpuSeconds(t)-all)
		return gc / (cpuSeconds(t) - all)
	}
	s := started(t, Hooks{}, "gc-pressure")
	within(t, 15*time.Second, "a tenth of the processor time goes to the collector", func() bool { return share() >= 0.1 })
	switchTo(t, s, "gc-pressure", false)
	runtime.GC()
	if live := runtimeValue("/gc/heap/live:bytes"); live > 32<<20 {
		t.Errorf("%v bytes are live", live)
	}
}

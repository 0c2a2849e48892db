package rediskeys

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"apitop/collectors/ratelimit"
	"apitop/collectors/redisconn"
	"apitop/collectors/redislive"
	"apitop/collectors/snapshot"
)

// hearing is what the walkers of a Collector share of listening. Safe for
// concurrent use.
type hearing struct {
	allowed redislive.Options
	end     context.Context // of the Collector: moments end with it
	stop    context.CancelFunc
	running sync.WaitGroup // moments

	mu     sync.Mutex // of the below
	wanted time.Time  // when a burst was last asked for
	node   *ears      // that a burst listens on; nil: none
}

func newHearing(allowed redislive.Options) *hearing {
	h := &hearing{allowed: allowed}
	h.end, h.stop = context.WithCancel(context.Background())
	return h
}

// ears listen on one node, for a moment at a time and in a goroutine of its own:
// a round has no time to wait. What was heard is taken in the next round.
type ears struct {
	*hearing
	conn    *redisconn.Conn // nil: a node that cannot be listened to
	hotkeys *redislive.Hotkeys
	events  redislive.Events
	heard   chan func(*walker) // capacity 1: what came of a moment
	busy    bool               // a moment goes on, or nobody has taken what came of it
	doing   snapshot.Method    // which one
	met     bool               // the first round is over: that is the explorer's

	asked   map[snapshot.Method]time.Time // when a method was last tried
	no      map[snapshot.Method]denial
	burst   *snapshot.Burst // the newest
	began   time.Time       // the first one
	cost    time.Duration   // of the newest one, the server's
	ranked  time.Time       // the newest ranking that was taken
	missed  misses
	waiting []string // keys that may be limiters, not looked at yet
	why     string   // no burst now, if not for want of permission
	foreign bool     // the HOTKEYS session is somebody else's

	settingAt time.Time // when the setting of events was asked for
	noSetting bool      // it may not be
}

// denial is the server's no to a method.
type denial struct {
	at  time.Time
	why string
}

const (
	burstFirst   = 5 * time.Second  // on each node, in the first minute
	burstEvery   = 20 * time.Second // the same later
	burstAsked   = 5 * time.Second  // the same when somebody asks for it
	burstShare   = 0.002            // of the server's core, at most, for those nobody asks for
	lineCost     = 2 * time.Microsecond
	trackEvery   = time.Minute      // on each node, and at the start
	trackFor     = 2 * time.Second  // a moment
	eventsEvery  = 15 * time.Second // on each node
	eventsFor    = 2 * time.Second  // a moment
	settingEvery = 10 * time.Minute // whether the server publishes misses
	rankEvery    = 5 * time.Second  // how often a HOTKEYS session is looked at
	denialFor    = 10 * time.Minute // until a method is tried again
	mostMoment   = 5 * time.Second  // with connecting; it ends by itself before
	mostOps      = 250_000          // commands a second: listening would take half a core
	mostWaiting  = 2000
)

func newEars(h *hearing, n node) ears {
	conn, _ := n.(*redisconn.Conn)
	e := ears{
		hearing: h, conn: conn, heard: make(chan func(*walker), 1),
		asked: map[snapshot.Method]time.Time{}, no: map[snapshot.Method]denial{}, missed: newMisses(),
	}
	if conn != nil {
		e.hotkeys = redislive.NewHotkeys(conn.Gate())
	}
	return e
}

// Burst asks for a moment of MONITOR on each node, one after the other. It does
// nothing where that is not allowed, or when the last one is not 5 s ago.
func (c *Collector) Burst() {
	c.hearing.mu.Lock()
	defer c.hearing.mu.Unlock()
	c.hearing.wanted = time.Now()
}

// Close ends what listens, and the HOTKEYS sessions that were started here. It
// does not close the server. No round may be underway or follow.
func (c *Collector) Close() error {
	c.hearing.stop()
	c.hearing.running.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	var errs []error
	for _, w := range c.walkers {
		if w.ears.hotkeys != nil {
			errs = append(errs, w.ears.hotkeys.Close(ctx))
		}
	}
	return errors.Join(errs...)
}

// hear takes what was heard since the last round.
func (w *walker) hear() {
	select {
	case take := <-w.ears.heard:
		w.ears.busy = false
		take(w)
	default:
	}
}

// bursting tells whether a burst goes on. Then we send nothing that can wait:
// it would be most of what is heard.
func (e *ears) bursting() bool { return e.busy && e.doing == snapshot.MethodMonitor }

// listen begins the next moment when it is time for one.
func (w *walker) listen(ctx context.Context) error {
	e := &w.ears
	if e.conn == nil || e.bursting() {
		return nil
	}
	defer func() { e.met = true }()
	for _, step := range []func(context.Context) error{w.readWaiting, w.lookAtRanking, w.askForEvents, w.begin} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// begin begins the moment that is due, if any.
func (w *walker) begin(ctx context.Context) error {
	e, now := &w.ears, time.Now()
	if e.busy {
		return nil
	}
	switch {
	case e.allowed.Monitor && e.met && e.burstDue(now):
		return w.beginBurst(ctx)
	case e.allowed.Tracking && e.due(snapshot.MethodTrack, now, trackEvery):
		e.run(snapshot.MethodTrack, e.track(ratelimit.Prefixes(w.limiters.layouts)))
	case e.events.On() && e.due(snapshot.MethodEvents, now, eventsEvery):
		w.gate.missed = map[string]int{}
		e.run(snapshot.MethodEvents, e.hearMisses)
	}
	return nil
}

// due tells whether a method may be used and was not for so long.
func (e *ears) due(m snapshot.Method, now time.Time, every time.Duration) bool {
	if d, denied := e.no[m]; denied && now.Sub(d.at) < denialFor {
		return false
	}
	return e.asked[m].IsZero() || now.Sub(e.asked[m]) >= every
}

// run begins a moment in the background.
func (e *ears) run(m snapshot.Method, moment func(context.Context) func(*walker)) {
	e.asked[m], e.busy, e.doing = time.Now(), true, m
	heard := e.heard
	e.running.Go(func() {
		ctx, cancel := context.WithTimeout(e.end, mostMoment)
		defer cancel()
		heard <- moment(ctx) // there is room: it was taken before the next begins
	})
}

// worked tells whether a method did. If not it notes why: the server's no for a
// while, a connection that failed until the next time.
func (e *ears) worked(m snapshot.Method, err error) bool {
	if err == nil {
		delete(e.no, m)
		return true
	}
	unknown, refused := redislive.Refused(err)
	switch {
	case unknown:
		e.no[m] = denial{time.Now(), "the server does not have it"}
	case refused:
		e.no[m] = denial{time.Now(), "not permitted: ACL SETUSER name +" + commandOf(m)}
	default:
		e.no[m] = denial{time.Time{}, "it failed: " + err.Error()}
	}
	return false
}

// commandOf is what a method needs the permission for.
func commandOf(m snapshot.Method) string {
	switch m {
	case snapshot.MethodMonitor:
		return "monitor"
	case snapshot.MethodHotkeys:
		return "hotkeys"
	case snapshot.MethodTrack:
		return "client|tracking"
	default:
		return "subscribe &*"
	}
}

// burstDue tells whether a burst may begin: when it was asked for or is due, and
// no other node is listened to.
func (e *ears) burstDue(now time.Time) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	every := burstEvery
	if e.began.IsZero() || now.Sub(e.began) < time.Minute {
		every = burstFirst
	}
	every = max(every, time.Duration(float64(e.cost)/burstShare))
	if e.wanted.After(e.asked[snapshot.MethodMonitor]) {
		every = burstAsked
	}
	return e.node == nil && e.due(snapshot.MethodMonitor, now, every)
}

// beginBurst begins a burst unless the server has too much to do.
func (w *walker) beginBurst(ctx context.Context) error {
	e := &w.ears
	replies, err := w.gate.do(ctx, [][]string{{"info", "stats"}})
	if err != nil {
		return err
	}
	text, _ := replies[0].(string)
	ops, err := strconv.ParseFloat(infoField(text, "instantaneous_ops_per_sec"), 64)
	if e.why = ""; err == nil && ops > mostOps {
		e.asked[snapshot.MethodMonitor] = time.Now()
		e.why = fmt.Sprintf("left out: %.0f commands a second are too many to listen to", ops)
		return nil
	}
	e.mu.Lock()
	free := e.node == nil
	if free {
		e.node = e
	}
	e.mu.Unlock()
	if free {
		e.run(snapshot.MethodMonitor, e.hearBurst)
	}
	return nil
}

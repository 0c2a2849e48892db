package rediskeys

import (
	"context"
	"math"
	"strconv"
	"strings"
	"time"

	"apitop/collectors/redisconn"
	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// gauge is how a server tells how much a key is used: by OBJECT FREQ where its
// policy is an LFU one, else by OBJECT IDLETIME.
type gauge struct {
	method snapshot.Method // MethodFreq, MethodIdle; empty: not at all
	lfu    lfu
	pace   pace
	policy string    // maxmemory_policy; empty: unknown
	asked  time.Time // when that was last asked
	why    string    // there is no method, or the other one is not used
}

// policyEvery is how often the policy is asked for: it may be changed any time.
const policyEvery = time.Minute

// ask is the command that tells the use of a key; nil: there is none.
func (g *gauge) ask(key string) []string {
	switch g.method {
	case snapshot.MethodFreq:
		return []string{"object", "freq", key}
	case snapshot.MethodIdle:
		return []string{"object", "idletime", key}
	}
	return nil
}

// verb is the same for a sweep.
func (g *gauge) verb() (v redisconn.Verb, ok bool) {
	switch g.method {
	case snapshot.MethodFreq:
		return redisconn.AskFreq, true
	case snapshot.MethodIdle:
		return redisconn.AskIdle, true
	}
	return 0, false
}

// take takes the answer to ask.
func (g *gauge) take(m *meter, reading, clock float64) {
	if g.method == snapshot.MethodFreq {
		m.take(g.lfu, reading, clock)
		return
	}
	m.takeIdle(reading, clock)
}

func (g *gauge) rate(m *meter) (rate snapshot.Value, atLeast bool) {
	switch g.method {
	case snapshot.MethodFreq:
		return m.rate(g.lfu, g.pace)
	case snapshot.MethodIdle:
		return m.idleRate()
	}
	return snapshot.Value{}, false
}

// hopeful is by how much a key that was read once may be more used than what
// holds its counter there: it may be young. Where the pace is known, chance alone
// is left.
const (
	hopeful   = 4
	byChance  = 1.5
	leastIdle = 1 // seconds, in whole ones
)

// atBest is the rate that one reading may stand for.
func (g *gauge) atBest(reading float64) float64 {
	switch {
	case g.method != snapshot.MethodFreq:
		return hopeful / (reading + leastIdle)
	case g.pace.known:
		return byChance * g.pace.level(g.lfu, reading)
	}
	return hopeful * g.lfu.steady(reading)
}

// close tells whether a counter is full and may move in these seconds, which is
// when its rate can be seen.
func (g *gauge) close(reading, clock float64) bool {
	return g.method == snapshot.MethodFreq && g.lfu.decay == 1 && reading >= mostCount-1 && math.Mod(clock, 60) < fullFor.Seconds()
}

// learnGauge asks for the policy when it is time, and what its counters mean.
func (w *walker) learnGauge(ctx context.Context) error {
	g := &w.cache.how
	now := time.Now()
	if !g.asked.IsZero() && now.Sub(g.asked) < policyEvery {
		return nil
	}
	replies, err := w.gate.do(ctx, [][]string{{"info", "memory"}})
	if err != nil {
		return err
	}
	g.asked = now
	text, _ := replies[0].(string)
	policy := infoField(text, "maxmemory_policy")
	if policy == g.policy && g.method != "" {
		return nil
	}
	// What the counters hold has another meaning from now on.
	for _, k := range w.cache.keys {
		k.meter = meter{}
	}
	w.cache.stale = true
	*g = gauge{asked: now, policy: policy, lfu: defaultLFU(), method: snapshot.MethodIdle}
	switch {
	case strings.HasSuffix(policy, "lrm"): // idle is since the last write there
		g.method, g.why = "", "it tells when a key was written"
		return nil
	case !strings.HasSuffix(policy, "lfu"):
		return nil
	}
	g.method = snapshot.MethodFreq
	replies, err = w.gate.do(ctx, [][]string{{"config", "get", "lfu-log-factor"}, {"config", "get", "lfu-decay-time"}})
	if err != nil {
		return err
	}
	g.lfu.factor = configNumber(replies[0], g.lfu.factor)
	g.lfu.decay = configNumber(replies[1], g.lfu.decay)
	return nil
}

// refused takes an answer to ask that is no number: a key that is gone, a method
// that is not permitted or that the server does not have under its policy.
func (g *gauge) refused(reply any) {
	err, bad := reply.(error)
	if !bad {
		return
	}
	if e, ok := err.(*redisconn.ReplyError); ok && e.KeyDenied() { //nolint:errorlint // replies are not wrapped
		return
	}
	g.why = safe.Clean(err.Error(), 80)
	switch {
	case g.policy == "" && g.method == snapshot.MethodIdle && strings.Contains(g.why, "LFU"):
		g.method = snapshot.MethodFreq
	default:
		g.method = ""
	}
}

// infoField is a value of INFO by its name; empty when it is not there.
func infoField(text, name string) string {
	for line := range strings.Lines(text) {
		if v, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// configNumber is the value in a reply to CONFIG GET; otherwise when there is none.
func configNumber(reply any, otherwise float64) float64 {
	list, _ := reply.([]any)
	if len(list) != 2 {
		return otherwise
	}
	s, _ := list[1].(string)
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || n < 0 || n > 1e6 {
		return otherwise
	}
	return n
}

// methods says which ways to find hot keys are used, of those that need no
// permission by a flag.
func (c *cacheKeys) methods() []snapshot.HotMethod {
	app := snapshot.HotMethod{Method: snapshot.MethodApp, On: c.counting}
	if !app.On {
		app.Why = safe.New("the app keeps no sorted set " + appCounts)
	}
	g := c.how
	freq := snapshot.HotMethod{Method: snapshot.MethodFreq, On: g.method == snapshot.MethodFreq}
	idle := snapshot.HotMethod{Method: snapshot.MethodIdle, On: g.method == snapshot.MethodIdle}
	lfuPolicy := strings.HasSuffix(g.policy, "lfu")
	switch {
	case freq.On:
		freq.Why = safe.New("beyond " + strconv.FormatFloat(math.Round(g.lfu.steady(mostCount)), 'f', -1, 64) + " reads/s known after some minutes")
	case lfuPolicy:
		freq.Why = safe.New("OBJECT FREQ: " + g.why)
	case g.policy != "":
		freq.Why = safe.Short("the policy is "+g.policy+", not an LFU one", 80)
	default:
		freq.Why = safe.New("the policy is unknown")
	}
	switch {
	case idle.On:
		idle.Why = safe.New("rates beyond 1/s look alike")
	case lfuPolicy || freq.On:
		idle.Why = safe.Short("the policy is "+g.policy, 80)
	case g.why != "":
		idle.Why = safe.New("OBJECT IDLETIME: " + g.why)
	}
	return []snapshot.HotMethod{app, freq, idle}
}

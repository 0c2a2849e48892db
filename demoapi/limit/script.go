package limit

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

// How many of them there are for each request of a batch, see about.lua.
const (
	keysEach   = 3
	termsEach  = 6
	valuesEach = 5
)

// call is one request to be decided on. What is sent of it are pointers to its
// fields, which cost no allocation.
type call struct {
	r                   Request
	about, state, whole string // keys
	window              int64  // microseconds; set for the first on its terms
	seconds             string // the same

	turn    chan turn // room for one
	waited  bool
	since   time.Time // it waits
	outcome outcome
	err     error
}

// sameTerms reports whether o is decided on by the same rules.
func (c *call) sameTerms(o *call) bool {
	return c.r.Class == o.r.Class && c.r.Tier == o.r.Tier && c.r.Quota == o.r.Quota && c.r.Overall == o.r.Overall
}

// batch is what one run of the script decides on.
type batch struct {
	calls []*call
	terms []*call // the first call on each different terms
	args  []any
}

// command sets the arguments of a run.
func (b *batch) command(hash string) {
	b.terms, b.args = b.terms[:0], append(b.args[:0], "evalsha", hash, keysEach*len(b.calls))
	for _, c := range b.calls {
		b.args = append(b.args, &c.about, &c.state, &c.whole)
	}
	for _, c := range b.calls {
		i := slices.IndexFunc(b.terms, c.sameTerms)
		if i < 0 {
			i = len(b.terms)
			b.terms = append(b.terms, c)
		}
		b.args = append(b.args, 1+len(b.calls)+termsEach*i)
	}
	for _, c := range b.terms {
		c.window = c.r.Quota.Window.Microseconds()
		c.seconds = strconv.FormatFloat(float64(c.window)/1e6, 'g', 10, 64)
		b.args = append(b.args, (*string)(&c.r.Tier), (*string)(&c.r.Class), &c.window, &c.seconds, &c.r.Quota.Limit, &c.r.Overall.Limit)
	}
}

// read gives each call its part of what the script returned. The error is nil if
// one was decided on: the server works, then.
func (b *batch) read(reply []any) error {
	if want := 1 + valuesEach*len(b.calls); len(reply) != want {
		err := replyError(fmt.Sprintf("the script returned %d values, want %d", len(reply), want))
		b.fail(err)
		return err
	}
	good := false
	for i, c := range b.calls {
		at := 1 + valuesEach*i
		c.outcome, c.err = outcomeOf(reply[0], reply[at:at+valuesEach])
		good = good || c.err == nil
	}
	if good {
		return nil
	}
	return b.calls[0].err
}

// outcomeOf takes the values for one request apart.
func outcomeOf(now any, values []any) (outcome, error) {
	if text, failed := values[0].(string); failed {
		return outcome{}, replyError(text)
	}
	var n [1 + valuesEach]int64
	good := true
	set := func(i int, v any) {
		var ok bool
		n[i], ok = v.(int64)
		good = good && ok
	}
	set(0, now)
	for i, v := range values {
		set(1+i, v)
	}
	if !good {
		return outcome{}, replyError(fmt.Sprintf("the script returned %v, want numbers", values))
	}
	return outcome{
		now: n[0], refused: int(n[1]), class: spent{n[2], n[3]}, whole: spent{n[4], n[5]},
	}, nil
}

// fail gives each call the same error.
func (b *batch) fail(err error) {
	for _, c := range b.calls {
		c.err = err
	}
}

// clear makes the batch one of nothing.
func (b *batch) clear() {
	clear(b.calls)
	clear(b.terms)
	clear(b.args)
	b.calls, b.terms, b.args = b.calls[:0], b.terms[:0], b.args[:0]
}

package limit

import (
	"container/list"
	"context"
	"fmt"
	"sync"
	"time"
)

// subjectsMost is how many subjects a Local remembers: at about 400 bytes each,
// 4 MB.
const subjectsMost = 10_000

// LocalOptions are the bounds of a [Local]; the zero value is usable.
type LocalOptions struct {
	Subjects int              // remembered at most; 0: 10,000
	Now      func() time.Time // the clock; nil: time.Now
}

// Local is a limiter by [GCRA] that keeps its state in this process: what other
// instances of the API let through it does not know. When it has no room for
// another subject it forgets the one that was not seen for longest.
//
// It is safe for concurrent use.
type Local struct {
	most int
	now  func() time.Time

	mu       sync.Mutex
	subjects map[string]*list.Element // of a *localSubject; guarded by mu
	seen     *list.List               // the last seen first; guarded by mu
}

// localSubject is what is known about one subject.
type localSubject struct {
	name   string
	states map[Class]state // the class "all" is the quota over all
}

// NewLocal returns a limiter that knows nobody yet.
func NewLocal(o LocalOptions) *Local {
	if o.Subjects <= 0 {
		o.Subjects = subjectsMost
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Local{most: o.Subjects, now: o.Now, subjects: map[string]*list.Element{}, seen: list.New()}
}

// Allow decides on r and counts it if it is allowed. The only errors are those
// of ctx and of a request that makes no sense.
func (l *Local) Allow(ctx context.Context, r Request) (Result, error) {
	err := r.check()
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return Result{}, fmt.Errorf("limit: decide on %s: %w", r.Class, err)
	}
	l.mu.Lock()
	o := l.subject(r.Subject).decide(&r, l.now().UnixMicro())
	l.mu.Unlock()
	res := o.result(&r)
	res.Local = true
	return res, nil
}

// Len is the number of subjects that are remembered.
func (l *Local) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.seen.Len()
}

// subject is what is known about the subject, perhaps nothing. The caller holds
// mu.
func (l *Local) subject(name string) *localSubject {
	if e, ok := l.subjects[name]; ok {
		l.seen.MoveToFront(e)
		return e.Value.(*localSubject)
	}
	if l.seen.Len() >= l.most {
		oldest := l.seen.Back()
		l.seen.Remove(oldest)
		delete(l.subjects, oldest.Value.(*localSubject).name)
	}
	s := &localSubject{name: name, states: map[Class]state{}}
	l.subjects[name] = l.seen.PushFront(s)
	return s
}

// decide is what gcra.lua does, with the same numbers.
func (s *localSubject) decide(r *Request, now int64) outcome {
	class, whole := s.states[r.Class].at(now, r.Quota), state{}
	o := outcome{now: now, class: class.spent(r.Quota)}
	if class.full(r.Quota) {
		o.refused |= refusedByClass
	}
	overall := r.Overall.Limit > 0
	if overall {
		whole = s.states[ByAll].at(now, r.Overall)
		o.whole = whole.spent(r.Overall)
		if whole.full(r.Overall) {
			o.refused |= refusedByAll
		}
	}
	if o.refused != 0 {
		return o
	}
	class = class.take(r.Quota)
	s.states[r.Class], o.class = class, class.spent(r.Quota)
	if overall {
		whole = whole.take(r.Overall)
		s.states[ByAll], o.whole = whole, whole.spent(r.Overall)
	}
	return o
}

package analysis

import (
	"slices"
	"time"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// sources remembers how the polls of each source went, in order of appearance.
type sources struct {
	byName map[safe.Text]*sourceState
	order  []*sourceState
}

// sourceState is one source's last attempts.
type sourceState struct {
	source  snapshot.Source
	last    snapshot.Poll // newest finished attempt
	pending *snapshot.Poll
	okAt    time.Time // end of the last success; zero: never
	facts   []snapshot.Fact
}

func (s *sources) step(snap snapshot.Snapshot) {
	for _, st := range s.order {
		st.pending = nil
	}
	for _, p := range snap.Polls {
		if p.Gone {
			s.forget(p.Source)
			continue
		}
		s.of(p.Source).take(p)
	}
}

func (s *sources) forget(src snapshot.Source) {
	delete(s.byName, src.Name)
	s.order = slices.DeleteFunc(s.order, func(st *sourceState) bool { return st.source.Name == src.Name })
}

func (s *sources) of(src snapshot.Source) *sourceState {
	if st, ok := s.byName[src.Name]; ok {
		return st
	}
	if s.byName == nil {
		s.byName = map[safe.Text]*sourceState{}
	}
	st := &sourceState{source: src}
	s.byName[src.Name] = st
	s.order = append(s.order, st)
	return st
}

func (st *sourceState) take(p snapshot.Poll) {
	if p.Pending {
		st.pending = &p
		return
	}
	st.last = p
	if p.Failure == nil {
		st.okAt = p.Started.Add(p.Took)
	}
	if len(p.Facts) > 0 {
		st.facts = p.Facts
	}
}

func (s *sources) report(now time.Time) []Source {
	list := make([]Source, 0, len(s.order))
	for _, st := range s.order {
		list = append(list, st.report(now))
	}
	return list
}

func (st *sourceState) report(now time.Time) Source {
	r := Source{
		Name:   st.source.Name,
		Kind:   st.source.Kind,
		State:  st.state(),
		Detail: st.facts,
	}
	if !st.okAt.IsZero() {
		r.AgeSeconds = snapshot.Known(max(now.Sub(st.okAt).Seconds(), 0))
	}
	if st.last.Took > 0 {
		r.TookSeconds = snapshot.Known(st.last.Took.Seconds())
	}
	if f := st.last.Failure; f != nil {
		what := f.What.String()
		r.Error, r.Fix = &what, f.Fix
		if d := st.last.RetryAt.Sub(now); d > 0 {
			r.RetryInSeconds = snapshot.Known(d.Seconds())
		}
	}
	for _, n := range st.last.Notes {
		r.Notes = append(r.Notes, Note{What: n.What, Fix: n.Fix})
	}
	return r
}

func (st *sourceState) state() State {
	switch {
	case st.last.Failure != nil:
		return StateFailed
	case st.pending != nil && st.okAt.IsZero():
		return StateWaiting
	case st.pending != nil:
		return StateLate
	default:
		return StateOK
	}
}

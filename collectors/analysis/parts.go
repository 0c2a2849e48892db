package analysis

import (
	"time"

	"apitop/collectors/snapshot"
)

// parts knows when each part of the report was last filled, and how often that
// happens, so that it can tell stale from slow.
type parts struct {
	interval time.Duration
	last     map[Part]time.Time
	period   map[Part]time.Duration
}

func newParts(interval time.Duration) parts {
	return parts{interval: interval, last: map[Part]time.Time{}, period: map[Part]time.Duration{}}
}

func (p *parts) step(s snapshot.Snapshot) {
	for part, filled := range map[Part]bool{
		PartHTTP:       len(s.HTTP) > 0 || s.Rates != nil,
		PartRedis:      s.Redis != nil,
		PartKeys:       s.Keys != nil,
		PartStatements: s.Statements != nil,
		PartActivity:   s.Activity != nil,
		PartHost:       s.Host != nil,
	} {
		if filled {
			p.fill(part, s.At)
		}
	}
	if s.Rates != nil {
		p.period[PartHTTP] = max(p.period[PartHTTP], s.Rates.Every)
	}
}

// slowest is the longest rhythm that is learned; a longer gap was an outage.
const slowest = 40 * time.Second

func (p *parts) fill(part Part, at time.Time) {
	if last, ok := p.last[part]; ok {
		if gap := at.Sub(last); gap < slowest {
			p.period[part] = gap
		}
	}
	p.last[part] = at
}

// age is how old each part is, in seconds; a part never filled has none.
func (p *parts) age(now time.Time) map[Part]Value {
	ages := make(map[Part]Value, len(p.last))
	for part, at := range p.last {
		ages[part] = snapshot.Known(now.Sub(at).Seconds())
	}
	return ages
}

// stale tells the parts that missed more than one of their turns.
func (p *parts) stale(now time.Time) map[Part]bool {
	stale := map[Part]bool{}
	for part, at := range p.last {
		if now.Sub(at) > max(p.period[part], p.interval)*5/2 {
			stale[part] = true
		}
	}
	return stale
}

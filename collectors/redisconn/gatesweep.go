package redisconn

import "context"

// sweeper is a [Doer] with a faster way for sweeps; a [Conn] is one.
type sweeper interface {
	Sweep(ctx context.Context, asks []Ask, replies []any) (done bool, err error)
}

// Sweep sends asks, at most 100, and fills replies, one for each: an int64, nil, a
// [Page], a *[ReplyError], or ErrRefused for those that are known not to be
// permitted. Of what was never tried the first is sent alone, as by [Gate.Do].
func (g *Gate) Sweep(ctx context.Context, asks []Ask, replies []any) error {
	if fast, ok := g.conn.(sweeper); ok && len(asks) <= mostCommands && g.open(asks) {
		done, err := fast.Sweep(ctx, asks, replies)
		if err != nil {
			return err
		}
		if done {
			g.learnErrors(asks, replies)
			return nil
		}
	}
	commands := make([][]string, len(asks))
	for i, a := range asks {
		commands[i] = a.words()
	}
	got, err := g.Do(ctx, commands)
	if err != nil {
		return err
	}
	copy(replies, got)
	for i, a := range asks {
		if a.Verb == AskPage {
			replies[i] = pageOf(got[i])
		}
	}
	return nil
}

// open tells whether all asks are known to be permitted.
func (g *Gate) open(asks []Ask) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	var known [verbs]bool
	full := len(g.prefixes) >= mostPrefixes
	for _, a := range asks {
		if !known[a.Verb] {
			if v := g.commands[a.Verb.name()]; !v.tried || v.refused {
				return false
			}
			known[a.Verb] = true
		}
		if a.Verb == AskPage || a.Key == "" {
			continue
		}
		if v := g.prefixes[prefixOfKey(a.Key)]; v.refused || !v.tried && !full {
			return false
		}
	}
	return true
}

// learnErrors draws from replies what is not permitted any more.
func (g *Gate) learnErrors(asks []Ask, replies []any) {
	for i, a := range asks {
		if e, bad := replies[i].(*ReplyError); bad {
			g.mu.Lock()
			g.learn(a.words(), e)
			g.mu.Unlock()
		}
	}
}

// pageOf reads a reply to SCAN; what is none stays as it is.
func pageOf(reply any) any {
	list, ok := reply.([]any)
	if !ok || len(list) != 2 {
		return reply
	}
	cursor, ok := list[0].(string)
	names, ok2 := list[1].([]any)
	if !ok || !ok2 {
		return reply
	}
	p := Page{Cursor: cursor, Keys: make([]string, 0, len(names))}
	for _, n := range names {
		switch key, isText := n.(string); {
		case !isText:
		case len(key) > LongestName:
			p.Cut++
		default:
			p.Keys = append(p.Keys, key)
		}
	}
	return p
}

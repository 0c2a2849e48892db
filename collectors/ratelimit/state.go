package ratelimit

import (
	"slices"
	"strconv"
)

// claimed is key as one of the layout of that name; false when it is none. One
// that goes by another name, since what is in the key says so, is not found: it
// has no other keys.
func claimed(layouts []Layout, layout, key string) (Ref, bool) {
	for i := range layouts {
		l := &layouts[i]
		if l.Name != layout {
			continue
		}
		if ref, ok := l.match(key); ok {
			return ref, true
		}
		if l.Trim == "" {
			continue
		}
		if ref, ok := l.match(key + l.Trim); ok { // it was found by the key beside it
			return ref, true
		}
	}
	return Ref{}, false
}

// StateKeys are all keys that hold what a limiter has counted in key, itself
// first: without them it starts anew. They are those that the layout's Reader
// asks for, without what is only said about the subject. layout is the name that
// its reading gave; of an unknown one there is only key.
func StateKeys(layouts []Layout, layout, key string) []string {
	list := []string{key}
	ref, ok := claimed(layouts, layout, key)
	if !ok {
		return list
	}
	about := ""
	if ref.Layout.Neighbour != nil {
		about = ref.Layout.Neighbour(ref.Subject)
	}
	for _, command := range ref.Layout.Reader.Ask(ref, Known{}, 0) {
		if len(command) > 1 && command[1] != about && !slices.Contains(list, command[1]) {
			list = append(list, command[1])
		}
	}
	return list
}

// timed is a Reader of keys that hold the time of each request.
type timed interface {
	// askTimes asks for the newest ones, and how many there are.
	askTimes(key string, most int) [][]string
	// times reads the replies: unix seconds, and how many requests the key holds.
	times(replies []any) (at []float64, total int)
}

// AskTimes gives the commands to send for the times of the newest requests in a
// key, most of them at most; nil: the key, whose type is kind, holds none.
func AskTimes(layouts []Layout, kind, key string, most int) [][]string {
	if t, ref := timedOf(layouts, kind, key); t != nil {
		return t.askTimes(ref.Key, most)
	}
	return nil
}

// Times reads the replies to what [AskTimes] gave for the same key: when the
// requests were, in unix seconds, the newest first, and how many the key holds,
// those that have left the window too.
func Times(layouts []Layout, kind, key string, replies []any) (at []float64, total int) {
	t, _ := timedOf(layouts, kind, key)
	if t == nil {
		return nil, 0
	}
	at, total = t.times(replies)
	slices.SortFunc(at, func(a, b float64) int {
		switch {
		case a > b:
			return -1
		case a < b:
			return 1
		}
		return 0
	})
	return at, max(total, len(at))
}

func timedOf(layouts []Layout, kind, key string) (timed, Ref) {
	ref, ok := Match(layouts, key)
	for i := 0; ok && i <= len(ref.others); i++ {
		c := ref.claim(i)
		reader := c.Layout.Reader
		if d, own := reader.(defined); own {
			reader = d.Reader
		}
		if t, is := reader.(timed); is && c.Layout.Type == kind {
			return t, c
		}
	}
	return nil, Ref{}
}

func (s slidingLog) askTimes(key string, most int) [][]string {
	return [][]string{{"zrange", key, strconv.Itoa(-most), "-1", "withscores"}, {"zcard", key}}
}

func (s slidingLog) times(replies []any) (at []float64, total int) {
	if len(replies) != 2 {
		return nil, 0
	}
	list, _ := replies[0].([]any)
	for i := 1; i < len(list); i += 2 {
		if v := number(list[i]); v.OK {
			at = append(at, s.clock.unix(v.V))
		}
	}
	n, _ := replies[1].(int64)
	return at, int(n)
}

func (t timeList) askTimes(key string, most int) [][]string {
	asks := [][]string{{"lrange", key, "0", strconv.Itoa(most - 1)}, {"llen", key}}
	if t.either {
		asks = append(asks, []string{"lrange", key, strconv.Itoa(-most), "-1"})
	}
	return asks
}

func (t timeList) times(replies []any) (at []float64, total int) {
	if len(replies) < 2 {
		return nil, 0
	}
	list, _ := replies[0].([]any)
	if t.either && len(replies) == 3 {
		tail, _ := replies[2].([]any)
		list = newestFirst(list, tail)
	}
	for _, item := range list {
		if v := number(item); v.OK {
			at = append(at, t.clock.unix(v.V))
		}
	}
	n, _ := replies[1].(int64)
	return at, int(n)
}

// askTimes asks for the beginning, where the newest are.
func (pickleLog) askTimes(key string, _ int) [][]string {
	return [][]string{{"getrange", key, "0", pickleMost}}
}

func (pickleLog) times(replies []any) (at []float64, total int) {
	if len(replies) != 1 {
		return nil, 0
	}
	text, _ := replies[0].(string)
	at = pickledFloats(text)
	return at, len(at)
}

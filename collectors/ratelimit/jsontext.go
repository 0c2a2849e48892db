package ratelimit

import (
	"encoding/json"
	"strings"
)

// jsonText reads a string with a JSON object as if it were a hash with the
// object's fields, by a Reader that asks for fields of a hash first.
type jsonText struct{ Reader }

// jsonMost is how many bytes are asked for, less one: a longer text is no
// limiter's.
const jsonMost = "2047"

// Ask implements [Reader].
func (j jsonText) Ask(r Ref, k Known, now float64) [][]string {
	asks := j.Reader.Ask(r, k, now)
	return append([][]string{{"getrange", r.Key, "0", jsonMost}}, asks[1:]...)
}

// Read implements [Reader].
func (j jsonText) Read(r Ref, k Known, replies []any, now float64) Reading {
	if len(replies) == 0 {
		return Reading{}
	}
	text, _ := replies[0].(string)
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber() // nanoseconds have more digits than a float
	var object map[string]any
	if dec.Decode(&object) != nil || object == nil {
		return Reading{}
	}
	var list []any
	for _, name := range j.Reader.Ask(r, k, now)[0][2:] {
		switch v := object[name].(type) {
		case json.Number:
			list = append(list, v.String())
		case string:
			list = append(list, v)
		default:
			list = append(list, nil)
		}
	}
	return j.Reader.Read(r, k, append([]any{list}, replies[1:]...), now)
}

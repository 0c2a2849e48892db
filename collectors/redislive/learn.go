package redislive

import (
	"math"
	"strconv"
	"strings"
)

const (
	mostLearned  = 256 // keys
	mostArgs     = 8   // of a script, as limiters have
	mostDeclared = 4   // keys of such a script
	mostDigits   = 32  // of a number
)

// learn keeps the numbers that a script was called with, newest last: limiters
// are scripts, and their limits often stand nowhere else. redis_rate's are burst,
// rate, period and cost; those of Spring's gateway rate, capacity, time and cost.
func (c *counter) learn(l *line) {
	keys := number(l, 2)
	args := l.words[min(3+keys, len(l.words)):]
	if keys == 0 || keys > mostDeclared || l.cut || len(args) == 0 || len(args) > mostArgs || len(l.words[3]) > 4*mostName {
		return
	}
	values, any := make([]float64, len(args)), false
	for i, w := range args {
		values[i] = argument(w)
		any = any || !math.IsNaN(values[i])
	}
	c.key = unescape(c.key[:0], l.words[3])
	_, known := c.learned[string(c.key)]
	if !any || len(c.key) > mostName || !known && len(c.learned) >= mostLearned {
		return
	}
	c.learned[string(c.key)] = values
}

// argument reads a decimal number; NaN when it is none.
func argument(word []byte) float64 {
	if len(word) == 0 || len(word) > mostDigits || strings.Trim(string(word), "0123456789.+-e") != "" {
		return math.NaN()
	}
	v, err := strconv.ParseFloat(string(word), 64)
	if err != nil || math.IsInf(v, 0) {
		return math.NaN()
	}
	return v
}

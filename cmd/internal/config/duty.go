package config

import (
	"errors"
	"strconv"
	"strings"
)

// The bounds of a duty, and what it is unless told otherwise.
const (
	LeastDuty   = 0.005
	MostDuty    = 0.1
	DefaultDuty = "2%"
)

// ParseDuty reads the share of one of a server's cores that we may use, "2%", as
// 0.02. The error says what is wrong; s is not in it.
func ParseDuty(s string) (float64, error) {
	number, isPercent := strings.CutSuffix(strings.TrimSpace(s), "%")
	v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err != nil || !isPercent || !(v/100 >= LeastDuty && v/100 <= MostDuty) {
		return 0, errors.New("want a share of one core from 0.5% to 10%")
	}
	return v / 100, nil
}

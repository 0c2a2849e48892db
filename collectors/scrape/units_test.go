package scrape

import (
	"math"
	"strconv"
	"strings"
	"testing"
)

func TestNumber(t *testing.T) {
	good := []string{
		"0", "-0", "7", "007", "123456789012345", "1234567890123456", "0.1", "-12.375", "1.", ".5", "3.0",
		"1.7954497838977804e+09", "1e-320", "+5", "+Inf", "-Inf", "inf", "Infinity", "NaN", "nan", "9007199254740993", "99999.9999999999",
	}
	for _, s := range good {
		want, err := strconv.ParseFloat(s, 64)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := number([]byte(s))
		if !ok || math.Float64bits(got) != math.Float64bits(want) {
			t.Errorf("number(%q) = %v, %v, want %v", s, got, ok, want)
		}
	}
	for _, s := range []string{"", "-", ".", "-.", "1_000", "0x1p-2", "0x10", "1e309", "-1e309", "1.2.3", "abc", "1,5", "--1", "1 2"} {
		if got, ok := number([]byte(s)); ok {
			t.Errorf("number(%q) = %v, want none", s, got)
		}
	}
}

func TestParseSeries(t *testing.T) {
	tests := map[string]struct {
		line string // the series alone; a value is put behind it
		name string
		want string // labels as a=b
		err  error
	}{
		"bare":              {`x`, "x", "", nil},
		"braces":            {`x{}`, "x", "", nil},
		"label":             {`x{a="1"}`, "x", "a=1", nil},
		"trailing comma":    {`x{a="1",}`, "x", "a=1", nil},
		"blanks":            {"x { a = \"1\"\t, b=\"2\" }", "x", "a=1 b=2", nil},
		"escapes":           {`x{a="\\ \" \n \d",b="}"}`, "x", "a=\\ \" \n \\d b=}", nil},
		"hash":              {`x{a="b # c"}`, "x", "a=b # c", nil},
		"quoted name":       {`{"a.b",c.d="1"}`, "a.b", "c.d=1", nil},
		"quoted label":      {`{"a b","c d"="1"}`, "a b", "c d=1", nil},
		"name in braces":    {`{x,a="1"}`, "x", "a=1", nil},
		"dash":              {`my-app{a="1"}`, "my-app", "a=1", nil},
		"colon":             {`a:b:c`, "a:b:c", "", nil},
		"two names":         {`x{"y"}`, "", "", errLabel},
		"name behind label": {`{a="1","y"}`, "", "", errLabel},
		"no name":           {`{a="1"}`, "", "", errNoName},
		"digit":             {`1x`, "", "", errName},
		"digit label":       {`x{1="a"}`, "", "", errLabel},
		"no quotes":         {`x{a=1}`, "", "", errLabel},
		"no comma":          {`x{a="1" b="2"}`, "", "", errLabel},
		"two commas":        {`x{a="1",,}`, "", "", errLabel},
		"twice":             {`x{a="1",b="2",a="3"}`, "", "", errTwice},
		"twice of many":     {`x{a="1",` + manyOf(20) + `a="3"}`, "", "", errTwice},
		"open":              {`x{a="1"`, "", "", errUnclosed},
		"open quote":        {`x{a="1}`, "", "", errQuote},
		"escaped quote":     {`x{a="1\"}`, "", "", errQuote},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			end, err := seriesEnd([]byte(tt.line + " 1"))
			var labels []label
			var got string
			if err == nil {
				if end != len(tt.line) {
					t.Errorf("the series ends at %d, want %d", end, len(tt.line))
				}
				got, labels, err = parseSeries(tt.line, nil, 128)
			}
			var pairs []string
			for _, l := range labels {
				pairs = append(pairs, l.name+"="+l.value)
			}
			if all := strings.Join(pairs, " "); got != tt.name || all != tt.want || err != tt.err { //nolint:errorlint // the very value
				t.Errorf("got %q %q, %v; want %q %q, %v", got, all, err, tt.name, tt.want, tt.err)
			}
		})
	}
}

func manyOf(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("l" + strconv.Itoa(i) + `="x",`)
	}
	return b.String()
}

func TestScale(t *testing.T) {
	tests := map[string]struct {
		name, unit      string
		low, high, mean float64
		want            float64
	}{
		"seconds":             {"http_request_duration_seconds", "", 0.005, 10, 0.1, 1},
		"milliseconds":        {"x_milliseconds", "", 1, 100, 3, 1e3},
		"ms":                  {"request_latency_ms", "", 1, 100, 3, 1e3},
		"microseconds":        {"request_duration_microseconds", "", 0, 0, 1e5, 1e6},
		"nanoseconds":         {"request_ns", "", 0, 0, 1e5, 1e9},
		"django":              {"django_latency_seconds_by_view_method", "", 0.01, 75, 0.1, 1},
		"s in the middle":     {"s_request_duration", "ms", 0, 0, 1, 1e3},
		"unit line":           {"http_server_duration", "ms", 0.5, 10, 1, 1e3},
		"ladder of ms":        {"rq_time", "", 0.5, 3600000, 1, 1e3},
		"ladder of seconds":   {"rq_time", "", 0.5, 60, 1, 1},
		"ms named seconds":    {"request_seconds", "", 5, 5000, 100, 1e3},
		"long but in seconds": {"request_seconds", "", 0.5, 3600, 100, 1},
		"summary, mean of ms": {"request_time", "", 0, 0, 120, 1e3},
		"summary of seconds":  {"request_time", "", 0, 0, 0.2, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := &family{name: tt.name, norm: tt.name, unit: tt.unit}
			if got := scaleOf(f, tt.low, tt.high, tt.mean); got != tt.want {
				t.Errorf("%v units in a second, want %v", got, tt.want)
			}
		})
	}
}

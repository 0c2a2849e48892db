package promql

import (
	"testing"

	"apitop/collectors/snapshot"
)

func TestParseMatch(t *testing.T) {
	tests := map[string]struct{ in, want string }{
		"one":                {`job="demo"`, `job="demo"`},
		"braces":             {`{job="demo"}`, `job="demo"`},
		"empty":              {``, ``},
		"empty braces":       {`{}`, ``},
		"the shell's quotes": {`job=demo`, `job="demo"`},
		"several":            {` { job = "a" , env=~"prod|stage", x!="1",y!~'b.*', } `, `job="a",env=~"prod|stage",x!="1",y!~"b.*"`},
		"comma in a value":   {`a="1,2",b="3"`, `a="1,2",b="3"`},
		"without quotes":     {`a=1,b=x-y.z:1`, `a="1",b="x-y.z:1"`},
		"escapes":            {`a="q\"\\d",b=` + "`\\d+`", `a="q\"\\d",b="\\d+"`},
		"a name in UTF-8":    {`"k8s.pod"="x"`, `"k8s.pod"="x"`},
		"an empty value":     {`a=""`, `a=""`},
		"hostile":            {`a="x\"} or vector(1) #"`, `a="x\"} or vector(1) #"`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := parseMatch(tt.in)
			if err != nil || got.String() != tt.want {
				t.Errorf("got %s, %v, want %s", got, err, tt.want)
			}
		})
	}
}

func TestParseMatchRefuses(t *testing.T) {
	for name, in := range map[string]string{
		"a metric":           `http_requests_total{job="a"}`,
		"only a name":        `job`,
		"no value":           `job="a`,
		"no comma":           `a="1" b="2"`,
		"an open brace":      `{a="1"`,
		"a bad expression":   `a=~"("`,
		"the name":           `__name__="up"`,
		"an operator":        `a>"1"`,
		"an expression":      `a=x} or up{b=y`,
		"a bad escape":       `a="\q"`,
		"a number as a name": `1a="x"`,
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseMatch(in)
			if f := snapshot.FailureOf(err); f == nil || f.Fix != fixMatch {
				t.Errorf("%s became %s, %v", in, got, err)
			}
		})
	}
}

func TestSelector(t *testing.T) {
	m := matchers{{"job", "=", "a"}}
	tests := map[string]struct{ name, want string }{
		"plain":       {"http_requests_total", `http_requests_total{job="a",x!="1"}`},
		"a rule's":    {"job:rate5m", `job:rate5m{job="a",x!="1"}`},
		"in UTF-8":    {"http.server.requests", `{__name__="http.server.requests",job="a",x!="1"}`},
		"with digits": {"2xx", `{__name__="2xx",job="a",x!="1"}`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := m.selector(tt.name, matcher{"x", "!=", "1"}); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
	if m.String() != `job="a"` {
		t.Errorf("the list itself changed: %s", m)
	}
}

func FuzzParseMatch(f *testing.F) {
	for _, s := range []string{`job="demo"`, `{a=~"x|y",b!='z'}`, "a=`\\d`", `a="\u00e9"`, `a=b`, `"x.y"="1"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m, err := parseMatch(s)
		if err != nil {
			return
		}
		again, err := parseMatch(m.String())
		if err != nil || again.String() != m.String() {
			t.Fatalf("%q became %q and then %q, %v", s, m, again, err)
		}
	})
}

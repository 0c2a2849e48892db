package targets

import (
	"maps"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// relabelings holds the cases of Prometheus' own test, model/relabel/relabel_test.go,
// as they are written in a file; "drop" is a target that is not kept.
var relabelings = map[string]struct{ input, rules, want string }{
	"default replacement": {
		"{a: foo, b: bar, c: baz}",
		"[{source_labels: [a], regex: f(.*), target_label: d, separator: ;, replacement: ch$1-ch$1}]",
		"{a: foo, b: bar, c: baz, d: choo-choo}",
	},
	"two labels, separator, chained": {
		"{a: foo, b: bar, c: baz}",
		`[{source_labels: [a, b], regex: "f(.*);(.*)r", target_label: a, replacement: 'b${1}${2}m'},
		  {source_labels: [c, a], regex: "(b).*b(.*)ba(.*)", target_label: d, replacement: $1$2$2$3}]`,
		"{a: boobam, b: bar, c: baz, d: boooom}",
	},
	"drop, then a rule that is not reached": {
		"{a: foo}", `[{source_labels: [a], regex: .*o.*, action: drop}, {source_labels: [a], regex: f(.*), target_label: d}]`, "drop",
	},
	"regexes are anchored":     {"{a: foo}", "[{source_labels: [a], regex: o$, action: drop}]", "{a: foo}"},
	"alternatives as well":     {"{a: foo}", `[{source_labels: [a], regex: "f|o", action: drop}]`, "{a: foo}"},
	"keep without a match":     {"{a: foo}", "[{source_labels: [a], regex: no-match, action: keep}]", "drop"},
	"keep":                     {"{a: foo}", "[{source_labels: [a], regex: f.*, action: keep}]", "{a: foo}"},
	"a dot matches a new line": {`{a: "f\no"}`, "[{source_labels: [a], regex: f.o, action: drop}]", "drop"},
	"no match, no replacement": {"{a: boo}", "[{source_labels: [a], regex: f, target_label: b, replacement: bar}]", "{a: boo}"},
	"blank replacement deletes": {
		"{a: foo, f: baz}", `[{source_labels: [a], regex: (f).*, target_label: $1, replacement: $2}]`, "{a: foo}",
	},
	"constant":                   {"{a: foo}", "[{target_label: b, replacement: bar}]", "{a: foo, b: bar}"},
	"constant nothing deletes":   {"{a: foo}", `[{target_label: a, replacement: ""}]`, "{}"},
	"hashmod":                    {"{c: baz}", "[{source_labels: [c], target_label: d, action: hashmod, modulus: 1000}]", `{c: baz, d: "976"}`},
	"hashmod of two lines":       {`{a: "foo\nbar"}`, "[{source_labels: [a], target_label: b, action: hashmod, modulus: 1000}]", `{a: "foo\nbar", b: "734"}`},
	"labelmap":                   {"{a: foo, b1: bar, b2: baz}", "[{regex: (b.*), replacement: 'bar_${1}', action: labelmap}]", "{a: foo, b1: bar, b2: baz, bar_b1: bar, bar_b2: baz}"},
	"labelmap of meta labels":    {"{a: foo, __meta_my_bar: aaa, __meta_other: ccc}", "[{regex: __meta_(my.*), action: labelmap}]", "{a: foo, __meta_my_bar: aaa, __meta_other: ccc, my_bar: aaa}"},
	"the target is computed":     {"{a: some-name-value}", "[{source_labels: [a], regex: 'some-([^-]+)-([^,]+)', replacement: '${2}', target_label: '${1}'}]", "{a: some-name-value, name: value}"},
	"no such group":              {"{a: some-name-value}", "[{source_labels: [a], regex: 'some-([^-]+)-([^,]+)', replacement: '${3}', target_label: '${1}'}]", "{a: some-name-value}"},
	"no target after all":        {"{a: some-name-0}", "[{source_labels: [a], regex: 'some-([^-]+)-([^,]+)', replacement: '${1}', target_label: '${3}'}]", "{a: some-name-0}"},
	"labeldrop":                  {"{a: foo, b1: bar, b2: baz}", "[{regex: (b.*), action: labeldrop}]", "{a: foo}"},
	"labelkeep":                  {"{a: foo, b1: bar, b2: baz}", "[{regex: (b.*), action: labelkeep}]", "{b1: bar, b2: baz}"},
	"lowercase and uppercase":    {"{foo: bAr123Foo}", "[{source_labels: [foo], target_label: l, action: lowercase}, {source_labels: [foo], target_label: u, action: Uppercase}]", "{foo: bAr123Foo, l: bar123foo, u: BAR123FOO}"},
	"keepequal":                  {`{p: "1234", q: "1234"}`, "[{source_labels: [p], target_label: q, action: keepequal}]", `{p: "1234", q: "1234"}`},
	"keepequal of unequal":       {`{p: "1234", q: "5678"}`, "[{source_labels: [p], target_label: q, action: keepequal}]", "drop"},
	"dropequal":                  {`{p: "1234", q: "1234"}`, "[{source_labels: [p], target_label: q, action: dropequal}]", "drop"},
	"dropequal of unequal":       {`{p: "1234", q: "5678"}`, "[{source_labels: [p], target_label: q, action: dropequal}]", `{p: "1234", q: "5678"}`},
	"the port of the annotation": {"{__address__: '10.0.0.7:80', port: '9102'}", `[{source_labels: [__address__, port], regex: '([^:]+)(?::\d+)?;(\d+)', replacement: '$1:$2', target_label: __address__}]`, "{__address__: '10.0.0.7:9102', port: '9102'}"},
	"tags": {
		"{tags: 'path:/secret,job:some-job,label:foo=bar'}",
		`[{source_labels: [tags], regex: '(?:.+,|^)path:(/[^,]+).*', target_label: __metrics_path__},
		  {source_labels: [tags], regex: '(?:.+,|^)job:([^,]+).*', replacement: '${1}', target_label: job},
		  {source_labels: [tags], regex: '(?:.+,|^)label:([^=]+)=([^,]+).*', replacement: '${2}', target_label: '${1}'}]`,
		"{tags: 'path:/secret,job:some-job,label:foo=bar', __metrics_path__: /secret, job: some-job, foo: bar}",
	},
	"dropped and set again": {
		"{name: foo, annotation: '9091'}",
		`[{regex: ^name$, action: labeldrop}, {source_labels: [annotation], regex: (.+), replacement: metrics, target_label: name},
		  {source_labels: [name], regex: ^metrics$, action: keep}]`,
		"{name: metrics, annotation: '9091'}",
	},
}

func TestRelabel(t *testing.T) {
	for name, tt := range relabelings {
		t.Run(name, func(t *testing.T) {
			rules, err := rulesOf(nodesOf(t, tt.rules))
			if err != nil {
				t.Fatal(err)
			}
			got := labels{}
			decode(t, tt.input, &got)
			if keep := relabel(got, rules); !keep || tt.want == "drop" {
				if keep || tt.want != "drop" {
					t.Errorf("kept: %v, want %s", keep, tt.want)
				}
				return
			}
			want := labels{}
			decode(t, tt.want, &want)
			if !maps.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

func decode(t *testing.T, text string, into any) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(strings.ReplaceAll(text, "\t", " ")), into); err != nil {
		t.Fatal(err)
	}
}

func nodesOf(t *testing.T, text string) []yaml.Node {
	t.Helper()
	var nodes []yaml.Node
	decode(t, text, &nodes)
	return nodes
}

func TestBadRules(t *testing.T) {
	tests := map[string]struct{ rules, want string }{
		"regex":             {"[{regex: '(', action: drop}]", "line 1: relabel_configs: the regex cannot be read"},
		"action":            {"\n- {action: dorp}", "line 2: relabel_configs: the action is none that Prometheus knows"},
		"no target":         {"[{source_labels: [a]}]", "line 1: relabel_configs: replace needs a target_label"},
		"no modulus":        {"[{action: hashmod, target_label: a}]", "line 1: relabel_configs: hashmod needs a modulus"},
		"lowercase replace": {"[{action: lowercase, target_label: a, replacement: b}]", "line 1: relabel_configs: lowercase takes no replacement"},
		"labelmap to none":  {"[{action: labelmap, replacement: ''}]", "line 1: relabel_configs: labelmap needs a replacement that is a label name"},
		"wrong kind":        {"\n\n- {source_labels: {S3cr3t: b}}", "line 3: another kind of value is expected here"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := rulesOf(nodesOf(t, tt.rules)); err == nil || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

package targets

import (
	"crypto/md5" //nolint:gosec // hashmod is defined by it
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// labels is a set of labels. A label without a value is no label.
type labels map[string]string

func (l labels) set(name, value string) {
	if value == "" {
		delete(l, name)
		return
	}
	l[name] = value
}

// rule is one element of relabel_configs. Source: prometheus/prometheus
// model/relabel/relabel.go; the documentation calls it <relabel_config>.
type rule struct {
	from        []string
	separator   string
	regex       *regexp.Regexp // anchored
	catchAll    bool           // the regex is the default one
	modulus     uint64
	target      string
	replacement string
	action      string
}

// ruleText is a rule as it is written; nil is a field that is not there.
type ruleText struct {
	SourceLabels []string `yaml:"source_labels"`
	Separator    *string  `yaml:"separator"`
	Regex        *string  `yaml:"regex"`
	Modulus      uint64   `yaml:"modulus"`
	TargetLabel  string   `yaml:"target_label"`
	Replacement  *string  `yaml:"replacement"`
	Action       string   `yaml:"action"`
}

const catchAll = "(.*)"

// rulesOf reads relabel_configs. Its error is a *fault: a rule that cannot be
// obeyed makes the whole list useless.
func rulesOf(nodes []yaml.Node) ([]rule, error) {
	var rules []rule
	for i := range nodes {
		var text ruleText
		if err := nodes[i].Decode(&text); err != nil {
			return nil, yamlFault(err, nodes[i].Line)
		}
		r, err := text.rule()
		if err != nil {
			return nil, &fault{line: nodes[i].Line, why: "relabel_configs: " + err.Error()}
		}
		rules = append(rules, r)
	}
	return rules, nil
}

func or(s *string, otherwise string) string {
	if s == nil {
		return otherwise
	}
	return *s
}

func (t *ruleText) rule() (rule, error) {
	r := rule{
		from:        t.SourceLabels,
		separator:   or(t.Separator, ";"),
		modulus:     t.Modulus,
		target:      t.TargetLabel,
		replacement: or(t.Replacement, "$1"),
		action:      strings.ToLower(t.Action),
		catchAll:    or(t.Regex, catchAll) == catchAll,
	}
	if r.action == "" {
		r.action = "replace"
	}
	var err error
	if r.regex, err = regexp.Compile("^(?s:" + or(t.Regex, catchAll) + ")$"); err != nil {
		return rule{}, errors.New("the regex cannot be read")
	}
	return r, t.check(&r)
}

// check is what Prometheus asks of a rule.
func (t *ruleText) check(r *rule) error {
	switch r.action {
	case "keep", "drop", "labeldrop", "labelkeep":
		return nil
	case "labelmap":
		if t.Replacement != nil && *t.Replacement == "" {
			return errors.New("labelmap needs a replacement that is a label name")
		}
		return nil
	case "hashmod":
		if r.modulus == 0 {
			return errors.New("hashmod needs a modulus")
		}
	case "lowercase", "uppercase", "keepequal", "dropequal":
		if r.replacement != "$1" {
			return fmt.Errorf("%s takes no replacement", r.action)
		}
	case "replace":
	default:
		return errors.New("the action is none that Prometheus knows")
	}
	if r.target == "" {
		return fmt.Errorf("%s needs a target_label", r.action)
	}
	return nil
}

// relabel changes l by the rules, in their order, and tells whether the target
// is kept.
func relabel(l labels, rules []rule) (keep bool) {
	for i := range rules {
		if !rules[i].apply(l) {
			return false
		}
	}
	return true
}

func (r *rule) apply(l labels) (keep bool) {
	values := make([]string, len(r.from))
	for i, name := range r.from {
		values[i] = l[name]
	}
	value := strings.Join(values, r.separator)
	switch r.action {
	case "keep":
		return r.regex.MatchString(value)
	case "drop":
		return !r.regex.MatchString(value)
	case "keepequal":
		return l[r.target] == value
	case "dropequal":
		return l[r.target] != value
	case "lowercase":
		l.set(r.target, strings.ToLower(value))
	case "uppercase":
		l.set(r.target, strings.ToUpper(value))
	case "hashmod":
		sum := md5.Sum([]byte(value)) //nolint:gosec // Prometheus' choice
		l.set(r.target, strconv.FormatUint(binary.BigEndian.Uint64(sum[8:])%r.modulus, 10))
	case "replace":
		r.replace(l, value)
	default:
		r.rename(l)
	}
	return true
}

func (r *rule) replace(l labels, value string) {
	if value == "" && r.catchAll && !strings.Contains(r.target+r.replacement, "$") {
		l.set(r.target, r.replacement)
		return
	}
	at := r.regex.FindStringSubmatchIndex(value)
	if at == nil {
		return
	}
	target := string(r.regex.ExpandString(nil, r.target, value, at))
	if target == "" {
		return
	}
	l.set(target, string(r.regex.ExpandString(nil, r.replacement, value, at)))
}

// rename is the actions on names.
func (r *rule) rename(l labels) {
	for _, name := range slices.Sorted(maps.Keys(l)) {
		match := r.regex.MatchString(name)
		switch {
		case r.action == "labelmap" && match:
			l.set(r.regex.ReplaceAllString(name, r.replacement), l[name])
		case r.action == "labeldrop" && match, r.action == "labelkeep" && !match:
			delete(l, name)
		}
	}
}

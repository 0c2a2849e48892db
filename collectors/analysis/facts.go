package analysis

import (
	"bytes"
	"encoding/json"
	"fmt"

	"apitop/collectors/snapshot"
)

// Facts are a source's details in the order in which they are shown.
type Facts []snapshot.Fact

// MarshalJSON writes an object whose members keep their order.
func (f Facts) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, fact := range f {
		if i > 0 {
			b.WriteByte(',')
		}
		v, err := json.Marshal(fact.Value)
		if err != nil {
			return nil, fmt.Errorf("fact %s: %w", fact.Name, err)
		}
		fmt.Fprintf(&b, "%q:", fact.Name)
		b.Write(v)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// Get is the text of the fact called name, empty when there is none or it is
// unknown.
func (f Facts) Get(name string) string {
	for _, fact := range f {
		if fact.Name == name {
			return factText(fact.Value)
		}
	}
	return ""
}

// Each calls do for every fact that is known, with its text.
func (f Facts) Each(do func(name, text string)) {
	for _, fact := range f {
		if t := factText(fact.Value); t != "" {
			do(fact.Name, t)
		}
	}
}

func factText(v any) string {
	if n, ok := v.(Value); ok {
		if !n.OK {
			return ""
		}
		return fmt.Sprintf("%.6g", n.V)
	}
	return fmt.Sprint(v)
}

package build

import (
	"regexp"
	"testing"
)

func TestVersion(t *testing.T) {
	form := regexp.MustCompile(`^apitop \S+ \([^)]{1,14}\) go1\.\d+`)
	if got := Version("apitop"); !form.MatchString(got) {
		t.Errorf("got %q, want it to match %s", got, form)
	}
	release, commit = "v1.2.3", "0123456789abcdef0123"
	t.Cleanup(func() { release, commit = "", "" })
	if got := Version("x"); got[:25] != "x 1.2.3 (0123456789abcd) " {
		t.Errorf("got %q", got)
	}
}

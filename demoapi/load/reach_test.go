package load

import (
	"net"
	"strings"
	"testing"
)

func TestReach(t *testing.T) {
	open, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = gone.Close()
	tests := map[string]struct{ target, want string }{
		"listens":    {"http://user:S3cr3t@" + open.Addr().String() + "/x", ""},
		"refused":    {"http://user:S3cr3t@" + gone.Addr().String(), "nobody listens on " + gone.Addr().String()},
		"no host":    {"http://nowhere.invalid:80", "cannot connect to nowhere.invalid:80"},
		"no address": {"nonsense", "cannot use the URL"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			err := Reach(t.Context(), tt.target)
			switch {
			case tt.want == "" && err != nil, tt.want != "" && err == nil:
				t.Errorf("%v, want %q", err, tt.want)
			case err != nil && (!strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "S3cr3t")):
				t.Errorf("%v, want %q and no secret", err, tt.want)
			}
		})
	}
}

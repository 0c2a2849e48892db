package main

import (
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// TestRedisFlag: a repeated flag names several nodes of one cluster.
func TestRedisFlag(t *testing.T) {
	tests := map[string]struct {
		args []string
		name string
		err  string
	}{
		"one":             {[]string{"--redis", "redis://a"}, "a:6379", ""},
		"commas":          {[]string{"--redis", "redis://a,b:1"}, "a:6379 +1", ""},
		"repeated":        {[]string{"--redis", "redis://a", "--redis=redis://b:1,c"}, "a:6379 +2", ""},
		"sentinels":       {[]string{"--redis", "redis://a,b?master_name=m"}, "m by a:26379 +1", ""},
		"a secret, twice": {[]string{"--redis", "redis://:S3cr3tPW@a", "--redis", "redis://:other@b"}, "", "must agree"},
		"second is bad":   {[]string{"--redis", "redis://a", "--redis", "S3cr3tPW"}, "", "want redis://"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := &Config{}
			flags := pflag.NewFlagSet("", pflag.ContinueOnError)
			c.addSources(flags)
			if err := flags.Parse(tt.args); err != nil {
				t.Fatal(err)
			}
			c.Env = func(string) string { return "" }
			target, err := c.redisTarget()
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) || strings.Contains(err.Error(), "S3cr3t") || !strings.HasPrefix(err.Error(), "--redis: ") {
					t.Errorf("got %v, want %q", err, tt.err)
				}
				return
			}
			if err != nil || target.String() != tt.name {
				t.Errorf("got %v, %v; want %q", target, err, tt.name)
			}
		})
	}
}

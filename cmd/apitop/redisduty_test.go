package main

import (
	"testing"

	"github.com/spf13/pflag"

	"apitop/cmd/internal/config"
)

// TestRedisDuty: the flag counts more than the file, and the file more than the
// default.
func TestRedisDuty(t *testing.T) {
	for name, tt := range map[string]struct {
		args []string
		file *config.Redis
		want float64
		bad  bool
	}{
		"neither":     {nil, nil, 0, false},
		"flag":        {[]string{"--redis-duty", "5%"}, nil, 0.05, false},
		"file":        {nil, &config.Redis{Duty: "1%"}, 0.01, false},
		"both":        {[]string{"--redis-duty=0.5%"}, &config.Redis{Duty: "1%"}, 0.005, false},
		"file is mum": {nil, &config.Redis{}, 0, false},
		"too much":    {[]string{"--redis-duty", "50%"}, nil, 0, true},
		"no share":    {[]string{"--redis-duty", "2"}, nil, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			c := &Config{File: config.File{Redis: tt.file}}
			f := pflag.NewFlagSet("apitop", pflag.ContinueOnError)
			c.addSources(f)
			if err := f.Parse(tt.args); (err != nil) != tt.bad {
				t.Fatalf("parse: %v", err)
			}
			if got := c.redisDuty(); got != tt.want {
				t.Errorf("duty %v, want %v", got, tt.want)
			}
		})
	}
}

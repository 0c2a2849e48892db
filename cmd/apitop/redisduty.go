package main

import "apitop/cmd/internal/config"

// dutyFlag is a flag for a share of one of a server's cores: "2%".
type dutyFlag struct{ share *float64 } // 0..1; 0: not given

// Set implements pflag.Value.
func (d dutyFlag) Set(s string) error {
	v, err := config.ParseDuty(s)
	if err == nil {
		*d.share = v
	}
	return err
}

// String implements pflag.Value: the default.
func (d dutyFlag) String() string { return config.DefaultDuty }

// Type implements pflag.Value.
func (d dutyFlag) Type() string { return "percent" }

// redisDuty is the share of one core of Redis that may be used: by the flag, or
// the file. Zero is the collector's own choice.
func (c *Config) redisDuty() float64 {
	if c.RedisDuty == 0 && c.File.Redis != nil && c.File.Redis.Duty != "" {
		v, _ := config.ParseDuty(c.File.Redis.Duty) // the file was checked when it was read
		return v
	}
	return c.RedisDuty
}

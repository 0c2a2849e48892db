package ratelimit

// The rules that a limiter's keys may break: the names in
// [snapshot.Limiter].Lint.
const (
	LintWholeSeconds = "whole-seconds"
	LintOverLimit    = "over-limit"
	LintNoTTL        = "no-ttl"
	LintNeverResets  = "never-resets"
)

// LintRule explains a rule.
type LintRule struct {
	Name string
	What string // a sentence: what it is and what it does to callers
	Fix  string // a sentence: what to change in the limiter
}

// LintRules are all rules, the gravest first.
func LintRules() []LintRule {
	return []LintRule{{
		Name: LintNeverResets,
		What: "Each request gives the key a new lifetime, so a caller who goes on never gets a new window.",
		Fix:  "Set the lifetime with the first request only: EXPIRE with NX, or when INCR gives 1.",
	}, {
		Name: LintNoTTL,
		What: "The key has no time to live: its count is never reset, and it is never removed.",
		Fix:  "Set count and lifetime in one script, or SET with EX and NX before INCR.",
	}, {
		Name: LintOverLimit,
		What: "The log holds more requests than the limit: denied ones are written too, so that a caller who retries is never let in again, or the limit was lowered.",
		Fix:  "Write a request to the log only when it was let through.",
	}, {
		Name: LintWholeSeconds,
		What: "Members of the log are whole seconds: requests within one second count as one, and the limit can be passed by a multiple.",
		Fix:  "Make members unique, for example microseconds and a counter, and keep the time in the score.",
	}}
}

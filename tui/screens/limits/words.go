package limits

import (
	"fmt"

	"apitop/collectors/analysis"
	"apitop/tui/format"
)

// fromWords says where a limit was found.
func fromWords(from string) string {
	switch from {
	case "key":
		return "the key itself holds it"
	case "neighbour":
		return "the limiter writes it into a key beside this one"
	case "metrics":
		return "learnt: the service answered 429 while just so much was used"
	case "headers":
		return "the service's RateLimit headers say so"
	case "config":
		return "the configuration file says so (limits:)"
	case "monitor":
		return "the limiter's script was called with it while apitop listened (MONITOR)"
	case "ceiling":
		return "a guess: several callers stopped at just this number"
	case "":
		return ""
	}
	return from
}

// limitWords is a sentence on a subject's limit.
func limitWords(s *analysis.Subject) (text, fix string) {
	window := ""
	if s.WindowSeconds.OK {
		window = " in " + format.Age(s.WindowSeconds)
	}
	if !s.Limit.OK {
		return "limit unknown" + window + ": neither the key nor the service tells it",
			"name it in the configuration file: limits: [{layout: " + s.Layout + ", limit: N}]"
	}
	text = format.Tick(s.Limit.V) + " requests" + window
	if why := fromWords(s.LimitFrom); why != "" {
		text += ": " + why
	}
	return text, ""
}

// stateWords is a sentence on how a subject stands and what comes next.
func stateWords(s *analysis.Subject) string {
	switch stateOf(s) {
	case blocked:
		text := "blocked"
		if s.ResetsInSeconds.OK {
			text += ": the next request passes in " + format.Age(s.ResetsInSeconds)
		}
		if s.DeniedPerSecond.V > 0 {
			text += fmt.Sprintf("; %s/s are denied now", format.Number(s.DeniedPerSecond))
		}
		return text
	case recent:
		return "free again; last denied " + format.Age(s.LastDeniedSeconds) + " ago"
	case gone:
		if s.LastDeniedSeconds.OK {
			return "its key is gone; last denied " + format.Age(s.LastDeniedSeconds) + " ago"
		}
		return "its key is gone"
	case unlimited:
		return "nobody can say whether it is near its limit"
	}
	text := "free"
	if stateOf(s) == near {
		text = "near its limit"
	}
	if s.TimeToLimit.OK {
		return text + ": at this rate it is blocked in " + format.Age(s.TimeToLimit)
	}
	return text + ": at this rate it does not reach its limit"
}

// steady tells whether places free one after the other, and not with a window.
func steady(s *analysis.Subject) bool { return s.Algorithm == "gcra" || s.Algorithm == "token-bucket" }

// algorithmWords says what an algorithm does with a request.
func algorithmWords(s *analysis.Subject) string {
	if steady(s) && s.Limit.V >= 1 && s.WindowSeconds.V > 0 {
		pace := analysis.Value{V: s.WindowSeconds.V / s.Limit.V, OK: true}
		return "a place frees every " + format.Seconds(pace)
	}
	switch s.Algorithm {
	case "sliding-log":
		return "each request is kept for one window; a place frees when the oldest leaves"
	case "sliding-log-seconds":
		return "as a sliding log, but requests of one second count once"
	case "gcra":
		return "places free steadily, one after the other"
	case "token-bucket":
		return "tokens refill steadily up to the burst; a request takes one"
	case "fixed-window":
		return "requests are counted; all places free when the window ends"
	case "sliding-window", "sliding-counter":
		return "two windows' counts, weighed by how much of the older one is still in view"
	}
	return ""
}

package scrape

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// statusKind is how the values of a status label are read.
type statusKind uint8

const (
	plainStatus statusKind = iota // 200, 5xx; a word among them counts as what it says
	wordStatus                    // words alone: success, NOT_FOUND
	grpcStatus                    // codes of gRPC, by name or number
	trueIsError                   // true is a failure, false is none
)

// statusWords are what services call the end of a request that they do not
// give a number of HTTP, and the class that it is.
var statusWords = map[string]string{
	"success": "2xx", "succeeded": "2xx", "successful": "2xx", "true": "2xx", "pass": "2xx",
	"redirection": "3xx", "redirect": "3xx", "informational": "1xx", "completed": "2xx",
	"clienterror": "4xx", "usererror": "4xx", "invalid": "4xx", "denied": "4xx", "rejected": "4xx",
	"error": "5xx", "err": "5xx", "fail": "5xx", "failed": "5xx", "failure": "5xx", "servererror": "5xx",
	"false": "5xx", "exception": "5xx", "timeout": "5xx", "panic": "5xx", "fault": "5xx",
}

// grpcCodes are the codes of gRPC by number, with the status of HTTP that each
// stands for. Source: googleapis google/rpc/code.proto. The codes that a server
// answers for its own faults are the ones of 5xx.
var grpcCodes = [...]struct{ name, http string }{
	{"ok", "200"}, {"canceled", "499"}, {"unknown", "500"}, {"invalidargument", "400"},
	{"deadlineexceeded", "504"}, {"notfound", "404"}, {"alreadyexists", "409"}, {"permissiondenied", "403"},
	{"resourceexhausted", "429"}, {"failedprecondition", "400"}, {"aborted", "409"}, {"outofrange", "400"},
	{"unimplemented", "501"}, {"internal", "500"}, {"unavailable", "503"}, {"dataloss", "500"}, {"unauthenticated", "401"},
}

// read is the status of HTTP, or its class, that a value stands for; the value
// itself where it stands for none, such as UNKNOWN.
func (k statusKind) read(value string) string {
	var found string
	switch {
	case value == "" || k == plainStatus && isStatus(value):
		return strings.ToLower(value)
	case k == grpcStatus:
		found = grpcHTTP(value)
	case k == trueIsError:
		found = map[string]string{"true": "5xx", "false": "2xx", "1": "5xx", "0": "2xx"}[strings.ToLower(value)]
	default:
		found = wordHTTP(value)
	}
	if found == "" {
		return value
	}
	return found
}

// grpcHTTP reads OK, NotFound, NOT_FOUND and 5; empty for anything else.
func grpcHTTP(value string) string {
	if n, err := strconv.Atoi(value); err == nil && n >= 0 && n < len(grpcCodes) {
		return grpcCodes[n].http
	}
	word := letters(value)
	if word == "cancelled" {
		word = "canceled"
	}
	for _, c := range grpcCodes {
		if c.name == word {
			return c.http
		}
	}
	return ""
}

// wordHTTP reads the names of HTTP's statuses (NotFound, NOT_FOUND, "Not
// Found") and the usual words; empty for anything else.
func wordHTTP(value string) string {
	word := letters(value)
	if len(word) > len("networkauthenticationrequired") {
		return ""
	}
	if class := statusWords[word]; class != "" {
		return class
	}
	return httpStatuses[word]
}

// httpStatuses are the statuses of HTTP by their texts' letters.
var httpStatuses = statusesByName()

func statusesByName() map[string]string {
	names := map[string]string{"ok": "200"}
	for code := http.StatusContinue; code <= http.StatusNetworkAuthenticationRequired; code++ {
		if text := http.StatusText(code); text != "" {
			names[letters(text)] = strconv.Itoa(code)
		}
	}
	return names
}

// gap is what may stand between the words of a status.
const gap = "[ _-]?"

// failures is a regular expression, for the whole value, of the values that say
// the server failed: those that read makes 5xx of.
func (k statusKind) failures() string {
	const numbers = "5.*"
	switch k {
	case grpcStatus:
		return "(?i)unknown|deadline" + gap + "exceeded|unimplemented|internal|unavailable|data" + gap + "loss|2|4|12|13|14|15"
	case trueIsError:
		return "(?i)true|1"
	case wordStatus:
		all := []string{numbers, "server" + gap + "error"}
		for word, class := range statusWords {
			if class == "5xx" {
				all = append(all, word)
			}
		}
		for code := http.StatusInternalServerError; code <= http.StatusNetworkAuthenticationRequired; code++ {
			if text := http.StatusText(code); text != "" {
				all = append(all, strings.ReplaceAll(text, " ", gap))
			}
		}
		slices.Sort(all)
		return "(?i)" + strings.Join(all, "|")
	}
	return numbers
}

// letters keeps the letters of a value, in lower case.
func letters(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'A' <= r && r <= 'Z':
			return r - 'A' + 'a'
		case 'a' <= r && r <= 'z':
			return r
		}
		return -1
	}, s)
}

// isStatus takes 404, 4xx and the bare class 4.
func isStatus(s string) bool {
	if s == "" || s[0] < '1' || s[0] > '5' {
		return false
	}
	switch rest := s[1:]; rest {
	case "", "xx", "XX":
		return true
	default:
		return len(rest) == 2 && digit(rest[0]) && digit(rest[1])
	}
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

package analysis

import "strings"

// charClass is what kind of character a byte is.
type charClass uint8

const (
	classOther charClass = iota
	classLower
	classUpper
	classDigit
)

func class(c byte) charClass {
	switch {
	case 'a' <= c && c <= 'z':
		return classLower
	case 'A' <= c && c <= 'Z':
		return classUpper
	case '0' <= c && c <= '9':
		return classDigit
	}
	return classOther
}

func isDigits(s string) bool {
	for i := range len(s) {
		if class(s[i]) != classDigit {
			return false
		}
	}
	return s != ""
}

func isUpper(s string) bool {
	for i := range len(s) {
		if class(s[i]) != classUpper {
			return false
		}
	}
	return s != ""
}

// isNumbers takes 42, -1, 2026-11-24, 12:30, "1,2,3", 52.5,13.4 and 10.0.0.1,
// but not 1.0, which is a version.
func isNumbers(s string) bool {
	digits, dots, commas := 0, 0, 0
	for i := range len(s) {
		switch c := s[i]; {
		case class(c) == classDigit:
			digits++
		case c == '.':
			dots++
		case c == ',':
			commas++
		case strings.IndexByte("-+_:~ ", c) < 0:
			return false
		}
	}
	if dots > 0 && commas == 0 {
		return isIPv4(s)
	}
	return digits > 0
}

// isIPv4 takes 10.0.0.1.
func isIPv4(s string) bool {
	parts := 0
	for part := range strings.SplitSeq(s, ".") {
		if parts++; !isDigits(part) || len(part) > 3 {
			return false
		}
	}
	return parts == 4
}

// isTime takes 2026-11-24T10:00:00Z, 20261124T100000, and what begins with a
// date, as in 2026-11-24-a-title.
func isTime(s string) bool {
	if len(s) < len("20261124T10") || !isDigits(s[:4]) {
		return false
	}
	if s[4] == '-' && isDigits(s[5:7]) && s[7] == '-' && isDigits(s[8:10]) {
		return true
	}
	return isDigits(s[:8]) && (s[8] == 'T' || s[8] == 't') && isDigits(s[9:11])
}

// isUUID takes the form 8-4-4-4-12, perhaps behind urn:uuid:.
func isUUID(s string) bool {
	s = strings.TrimPrefix(s, "urn:uuid:")
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (s[i] == '-') || !dash && !hexDigit(s[i]) {
			return false
		}
	}
	return true
}

func hexDigit(c byte) bool {
	return class(c) == classDigit || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func hexValue(c byte) byte {
	switch class(c) {
	case classLower:
		return c - 'a' + 10
	case classUpper:
		return c - 'A' + 10
	}
	return c - '0'
}

// isHex takes hex of at least eight digits with a decimal one among them, as
// words such as "deadbeef" have none.
func isHex(s string) bool {
	s = strings.TrimPrefix(s, "0x")
	decimal := false
	for i := range len(s) {
		if !hexDigit(s[i]) {
			return false
		}
		decimal = decimal || class(s[i]) == classDigit
	}
	return decimal && len(s) >= 8
}

// isULID takes 26 characters of Crockford's base 32
// (https://github.com/ulid/spec).
func isULID(s string) bool {
	if len(s) != 26 || s[0] < '0' || s[0] > '7' {
		return false
	}
	for i := range len(s) {
		if class(s[i]) == classOther || strings.IndexByte("ILOUilou", s[i]) >= 0 {
			return false
		}
	}
	return true
}

// isToken takes what looks random: base 64 and its like, and letters among
// digits.
func isToken(s string) bool {
	if strings.HasPrefix(s, "eyJ") && len(s) >= 20 {
		return true // a JSON web token
	}
	var lower, upper, digits, changes int
	before := classOther
	for i := range len(s) {
		c := class(s[i])
		switch c {
		case classLower:
			lower++
		case classUpper:
			upper++
		case classDigit:
			digits++
		case classOther:
			if strings.IndexByte("-_+=~%", s[i]) < 0 {
				return false
			}
		}
		if i > 0 && c != classOther && before != classOther && (c == classDigit) != (before == classDigit) {
			changes++
		}
		before = c
	}
	if len(s) >= 10 && changes >= 5 {
		return true
	}
	return len(s) >= 16 && lower > 0 && upper > 0 && digits > 0 && !isCamel(s)
}

// shortWords are words of two letters in the names of functions.
const shortWords = "As At By Do Go Id If In Is It Me My No Of On Or To Up Us"

// isCamel takes words put together, GetUserOAuth2ByID: no small letter stands
// alone behind a large one, but for the short words, and there are few numbers.
func isCamel(s string) bool {
	numbers := 0
	for i := 0; i < len(s); {
		c, end := class(s[i]), i+1
		for end < len(s) && class(s[end]) == c {
			end++
		}
		n := end - i
		switch {
		case c == classLower && n < 2 && (i == 0 || !strings.Contains(shortWords, s[i-1:end])):
			return false
		case c == classDigit:
			if numbers++; n > 2 || numbers > 2 {
				return false
			}
		}
		i = end
	}
	return true
}

// isMail takes an e-mail address.
func isMail(s string) bool {
	name, host, ok := strings.Cut(s, "@")
	return ok && name != "" && strings.IndexByte(host, '.') > 0 && strings.IndexByte(host, '@') < 0
}

package redisconn

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	tests := map[string]struct {
		url, name, user, password string
		db                        int
		tls, trustAny             bool
	}{
		"plain":                {url: "redis://127.0.0.1:6380", name: "127.0.0.1:6380"},
		"no port":              {url: "redis://cache.example", name: "cache.example:6379"},
		"nothing":              {url: "redis://", name: "localhost:6379"},
		"database":             {url: "redis://h/2", name: "h:6379/2", db: 2},
		"database, slash":      {url: "redis:///3/", name: "localhost:6379/3", db: 3},
		"database in query":    {url: "redis://h?db=4", name: "h:6379/4", db: 4},
		"same database twice":  {url: "redis://h/4?db=4", name: "h:6379/4", db: 4},
		"user and password":    {url: "redis://bob:pw@h:1", name: "h:1", user: "bob", password: "pw"},
		"password only":        {url: "redis://:pw@h", name: "h:6379", password: "pw"},
		"password, no colon":   {url: "redis://pw@h", name: "h:6379", password: "pw"},
		"escaped password":     {url: "redis://u:a%40b%2Fc%25@h", name: "h:6379", user: "u", password: "a@b/c%"},
		"raw @ / ? # and :":    {url: "redis://u:a@b/c?d#e:f@h:7", name: "h:7", user: "u", password: "a@b/c?d#e:f"},
		"plus stays":           {url: "redis://:a+b@h", name: "h:6379", password: "a+b"},
		"IPv6":                 {url: "redis://[::1]:7", name: "[::1]:7"},
		"IPv6, no port":        {url: "redis://[fe80::1%eth0]", name: "[fe80::1%eth0]:6379"},
		"TLS":                  {url: "rediss://h", name: "h:6379", tls: true},
		"TLS, any certificate": {url: "rediss://h?skip_verify=true", name: "h:6379", tls: true, trustAny: true},
		"capitals":             {url: " REDIS://h \n", name: "h:6379"},
		"cluster":              {url: "redis://u:p@a:7000,b,[::1]:7/0", name: "a:7000 +2", user: "u", password: "p"},
		"cluster by addr":      {url: "redis://a:7000?addr=b:7001&addr=c", name: "a:7000 +2"},
		"a @ before commas":    {url: "redis://u:p,q@r@a,b", name: "a:6379 +1", user: "u", password: "p,q@r"},
		"sentinels":            {url: "redis://u:p@a,b:1/2?master_name=m&sentinel_user=s&sentinel_password=a%26b", name: "m by a:26379 +1/2", user: "u", password: "p", db: 2},
		"one sentinel":         {url: "rediss://a?master_name=m&sentinel_username=s", name: "m by a:26379", tls: true},
		"server name":          {url: "rediss://a,b?server_name=redis.example", name: "a:6379 +1", tls: true},
		"socket":               {url: "unix:///run/redis.sock", name: "unix /run/redis.sock"},
		"socket, database":     {url: "unix:///run/r.sock?db=1", name: "unix /run/r.sock/1", db: 1},
		"socket, login":        {url: "unix://u:p/@w@/run/r.sock", name: "unix /run/r.sock", user: "u", password: "p/@w"},
		"socket with an @":     {url: "unix:///run/a@b.sock", name: "unix /run/a@b.sock"},
		"socket, escaped":      {url: "unix:///run/a%20b", name: "unix /run/a b"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := Parse(tt.url)
			if err != nil {
				t.Fatal(err)
			}
			if got.Name().String() != tt.name || got.user.Reveal() != tt.user || got.password.Reveal() != tt.password ||
				got.db != tt.db || got.tls != tt.tls || got.trustAny != tt.trustAny {
				t.Errorf("Parse(%q) = name %q user %q password %q db %d tls %v trustAny %v",
					tt.url, got.Name(), got.user.Reveal(), got.password.Reveal(), got.db, got.tls, got.trustAny)
			}
		})
	}
}

func TestParseErrors(t *testing.T) {
	tests := map[string]struct {
		url  string
		want error
	}{
		"empty":               {"", errScheme},
		"no scheme":           {"localhost:6379", errScheme},
		"http":                {"http://h", errScheme},
		"space":               {"redis://:a b@h", errControl},
		"line feed":           {"redis://h\n:1", errControl},
		"escape in password":  {"redis://u:50%off@h", errEscape},
		"escape in user":      {"redis://%zz:p@h", errEscape},
		"port 0":              {"redis://h:0", errPort},
		"port too big":        {"redis://h:65536", errPort},
		"port a word":         {"redis://h:abc", errPort},
		"port empty":          {"redis://h:", errPort},
		"port negative":       {"redis://h:-1", errPort},
		"IPv6, no brackets":   {"redis://fe80::1", errHost},
		"IPv6, half brackets": {"redis://[::1", errHost},
		"IPv4 in brackets":    {"redis://[127.0.0.1]", errHost},
		"host with a script":  {"redis://bücher", errHost},
		"host escaped":        {"redis://a%20b", errHost},
		"fragment":            {"redis://h#x", errHost},
		"no host":             {"redis://u:p@", errNoHost},
		"login, then slash":   {"redis://u:p@/0", errNoHost},
		"cluster, bad port":   {"redis://a:1,b:x", errPort},
		"cluster, bad host":   {"redis://a:1,b c", errControl},
		"cluster, bad addr":   {"redis://a:1?addr=b/c", errHost},
		"too many nodes":      {"redis://a" + strings.Repeat(",a", 64), errTooMany},
		"option escape":       {"redis://h?master_name=%zz", errEscape},
		"option empty":        {"redis://h?master_name=", errTwice},
		"option twice":        {"redis://h?master_name=a&master_name=b", errTwice},
		"sentinel user alone": {"redis://h?sentinel_user=u", errSentinel},
		"sentinel by socket":  {"unix:///s?master_name=m", errSentinel},
		"sentinel, bad name":  {"redis://h?master_name=a%0ab", errSentinel},
		"socket and addr":     {"unix:///s?addr=h", errOption},
		"CA without TLS":      {"redis://h?ca_file=x", errTLS},
		"name without TLS":    {"unix:///s?server_name=x", errTLS},
		"no CA file":          {"rediss://h?ca_file=/nonexistent", errFiles},
		"CA is no PEM":        {"rediss://h?ca_file=target_test.go", errFiles},
		"key without cert":    {"rediss://h?key_file=target_test.go", errFiles},
		"database a word":     {"redis://h/x", errDB},
		"database too big":    {"redis://h/100000", errDB},
		"database twice":      {"redis://h/1?db=2", errTwoDBs},
		"option":              {"redis://h?timeout=3", errOption},
		"option without name": {"redis://h?=3", errOption},
		"skip_verify":         {"rediss://h?skip_verify=perhaps", errVerify},
		"skip_verify, no TLS": {"redis://h?skip_verify=true", errVerify},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got, err := Parse(tt.url); !errors.Is(err, tt.want) {
				t.Errorf("Parse(%q) = %v, %v; want %v", tt.url, got, err, tt.want)
			}
		})
	}
}

func TestParseSocketErrors(t *testing.T) {
	tests := map[string]struct {
		url  string
		want error
	}{
		"socket without path": {"unix://", errPath},
		"socket, relative":    {"unix://run/x", errPath},
		"socket too long":     {"unix:///" + strings.Repeat("x", 107), errPath},
		"socket, bad escape":  {"unix:///a%zz", errPath},
		"socket, database":    {"unix:///a?db=-1", errDB},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got, err := Parse(tt.url); !errors.Is(err, tt.want) {
				t.Errorf("Parse(%q) = %v, %v; want %v", tt.url, got, err, tt.want)
			}
		})
	}
}

// TestParseSeveral: several addresses are one cluster, or a set of sentinels.
func TestParseSeveral(t *testing.T) {
	for name, tt := range map[string]struct {
		urls []string
		name string
		want error
	}{
		"plain":            {[]string{"redis://u:p@a", "redis://b:1,c"}, "a:6379 +2", nil},
		"login repeated":   {[]string{"redis://u:p@a", "redis://u:p@b"}, "a:6379 +1", nil},
		"sentinels":        {[]string{"redis://a?master_name=m", "redis://b?master_name=m"}, "m by a:26379 +1", nil},
		"TLS":              {[]string{"rediss://a", "rediss://b"}, "a:6379 +1", nil},
		"TLS and not":      {[]string{"rediss://a", "redis://b"}, "", errMixed},
		"another login":    {[]string{"redis://u:p@a", "redis://u:q@b"}, "", errMixed},
		"another database": {[]string{"redis://a/1", "redis://b/2"}, "", errMixed},
		"another master":   {[]string{"redis://a?master_name=m", "redis://b?master_name=n"}, "", errMixed},
		"a socket":         {[]string{"redis://a", "unix:///s"}, "", errMixed},
		"second is wrong":  {[]string{"redis://a", "redis://b:0"}, "", errPort},
		"too many":         {[]string{"redis://a" + strings.Repeat(",a", 40), "redis://a" + strings.Repeat(",a", 40)}, "", errTooMany},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Parse(tt.urls[0], tt.urls[1:]...)
			if !errors.Is(err, tt.want) || err == nil && got.Name().String() != tt.name {
				t.Errorf("%q: %v, %v; want %q, %v", tt.urls, got, err, tt.name, tt.want)
			}
		})
	}
}

const canary = "S3cr3tPW"

// TestSecretsStayInside puts a canary wherever a password can end up, with and
// without a mistake beside it, and looks for it in every text we make.
func TestSecretsStayInside(t *testing.T) {
	forms := []string{
		"redis://u:%s@h", "redis://:%s@h", "redis://%s@h", "redis://%s:x@h", "rediss://u:%s@h?skip_verify=true",
		"unix://u:%s@/s", "unix://%s@/s", "redis://u:%s/@h", "redis://u:%s#@h", "redis://u:%s?@h", "redis://u:a@%s@h",
		"%s", "%s://h", "redis:%s", "redis://u:%s@h:x", "redis://u:%s@h:0", "redis://u:%s%%@h", "redis://u:%s%%zz@h",
		"redis://u:%s @h", "redis://u:%s\n@h", "redis://u:%s\x7f@h", "redis://u:%s@", "redis://u:%s@h/x", "redis://u:%s@h?x=1",
		"redis://h:%s", "redis://h/%s", "redis://h?db=%s", "redis://h?%s=1", "redis://h?password=%s", "redis://h?skip_verify=%s",
		"redis://[%s]", "redis://a,%s:x", "redis://h#%s", "rediss://h?skip_verify=%s", "unix://%s", "unix://u:%s@s", "unix:///s?db=%s",
		"redis://h?sentinel_password=%s", "redis://h?master_name=m&sentinel_password=%s", "redis://h?master_name=m&sentinel_user=%s&sentinel_password=%s",
		"rediss://h?ca_file=%s", "rediss://h?key_file=%s", "redis://u:%s@a,b", "redis://a,u:%s@b", "redis://h?addr=u:%s@b", "redis://u:%s@h?master_name=", "REDIS://u:%s@h:99999", "redis://u:%s@h@h h", "jdbc:redis://u:%s@h", "postgres://u:%s@h",
	}
	parsed := 0
	for _, form := range forms {
		url := strings.ReplaceAll(strings.ReplaceAll(form, "%s", canary), "%%", "%")
		target, err := Parse(url)
		if err != nil {
			checkHidden(t, url, err.Error(), fmt.Sprintf("%+v %#v %q", err, err, err))
			continue
		}
		parsed++
		var log bytes.Buffer
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "target", target, "p", target.password)
		js, err := json.Marshal(struct{ T, P any }{target, target.password})
		if err != nil {
			t.Fatal(err)
		}
		inside := struct{ t Target }{target}
		checkHidden(t, url, log.String(), string(js), target.String(), target.Name().Raw(), target.password.String(),
			fmt.Sprintf("%v %+v %#v %s %q %x %d", target, target, target, target, target, target, target),
			fmt.Sprintf("%v %+v %#v %s %q %x %d", target.password, target.password, target.password, target.password, target.password, target.password, target.password),
			fmt.Sprintf("%v %+v %#v", inside.t.password, inside, inside))
	}
	if parsed < 8 || parsed == len(forms) {
		t.Errorf("%d of %d addresses parsed: the test does not cover both ways", parsed, len(forms))
	}
}

func checkHidden(t *testing.T, url string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(text, canary) || strings.Contains(text, fmt.Sprintf("%x", canary)) {
			t.Errorf("%q: the password is in %q", url, text)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"redis://u:p@h:1/2?db=2", "unix://u:p@/s?db=1", "rediss://[::1]?skip_verify=1", "redis://a@b@c/d", "redis://a,b:1?master_name=m&sentinel_user=x", "rediss://a?addr=b&ca_file=c", "unix:///%2f"} {
		f.Add(s)
	}
	fixed := []error{
		errScheme, errControl, errEscape, errHost, errNoHost, errTooMany, errMixed, errPort, errDB, errTwoDBs,
		errOption, errTwice, errSentinel, errVerify, errTLS, errFiles, errPath,
	}
	f.Fuzz(func(t *testing.T, s string) {
		target, err := Parse(s)
		if err == nil {
			if target.addr == "" || target.network == "" || target.db < 0 {
				t.Errorf("Parse(%q) = %q %q %d without an error", s, target.network, target.addr, target.db)
			}
			return
		}
		for _, want := range fixed {
			if errors.Is(err, want) {
				return
			}
		}
		t.Errorf("Parse(%q): %v is not one of the fixed errors", s, err)
	})
}

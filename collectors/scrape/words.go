package scrape

import "strings"

// goodWords say that a family is about requests served.
var goodWords = map[string]int{
	"http": 3, "https": 3, "request": 4, "requests": 4, "rq": 4, "response": 3, "responses": 3,
	"server": 1, "handler": 1, "handled": 1, "handling": 1, "api": 1, "rest": 1, "endpoint": 1, "route": 1,
	"calls": 1, "call": 1,
}

// badWords say that a family is about something else, wherever they stand:
// requests sent and not served, sizes, failures alone, the scrape itself.
var badWords = wordSet(`client clients upstream outbound outgoing egress proxied dependency
	tls dns connect conntrack dial dialer handshake header headers rejected dropped aborted cancelled canceled
	size sizes byte bytes error errors failure failures failed exception exceptions panic panics
	retry retries created scrape scrapes promhttp ratelimit limiter throttled tracing otlp compaction
	ttfb`)

// otherWords say the same where they stand behind words about requests, as in
// http_request_sql_duration_seconds: a part of the request. In front of them
// they may be the name of the service, as in query_api_requests_total, which
// then its labels must show.
var otherWords = wordSet(`db database sql query queries redis cache memcache memcached mongo mongodb mysql postgres pg ldap
	smtp amqp kafka etcd s3 aws job jobs oban sidekiq celery ecto queue queued queues wait waiting
	sd admin proxy remote storage tsdb webhook webhooks gc connection connections websocket forward forwarded
	health healthcheck healthchecks probe lookup lookups render body`)

// noise are starts of families about the scrapes themselves, or about the
// administration of a server, whatever their labels say.
var noise = [...]string{"promhttp_", "caddy_admin_", "nginx_ingress_controller_admission_"}

// otherStarts are first words of exporters that mostly speak of other things.
var otherStarts = wordSet(`node go jvm nodejs python process net container kubelet otelcol up coredns`)

// callWords are of remote procedure calls: looked at only where there is no HTTP.
var callWords = wordSet(`grpc rpc`)

func wordSet(words string) map[string]bool {
	set := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		set[w] = true
	}
	return set
}

// wordsOf splits a name: http_requests, http:requests and httpRequests are two
// words each, in lower case.
func wordsOf(name string, words []string) []string {
	start := 0
	cut := func(end int) {
		if end > start {
			words = append(words, strings.ToLower(name[start:end]))
		}
	}
	for i := range len(name) {
		switch c := name[i]; {
		case c == '_' || c == ':' || c == '.' || c == '-' || c == ' ':
			cut(i)
			start = i + 1
		case i > start && 'A' <= c && c <= 'Z' && 'a' <= name[i-1] && name[i-1] <= 'z':
			cut(i)
			start = i
		}
	}
	cut(len(name))
	return words
}

// topic is what a family's name says of its subject.
type topic struct {
	score int  // of goodWords
	off   bool // it is about something else
	odd   bool // it may be about something else: the labels must show
	call  bool // it is about remote procedure calls
}

// topicOf rates a name and its words.
func topicOf(name string, words []string) topic {
	var t topic
	for _, start := range noise {
		t.off = t.off || strings.HasPrefix(name, start)
	}
	for i, w := range words {
		switch {
		case badWords[w]:
			t.off = true
		case otherWords[w] && t.score >= needWords:
			t.off = true
		case otherWords[w], i == 0 && otherStarts[w]:
			t.odd = true
		case callWords[w]:
			t.call = true
		}
		t.score += goodWords[w]
	}
	return t
}

// needWords is the least score of a name that is about requests: "response"
// alone is enough.
const needWords = 3

// wordScore rates a name alone: negative when it may be about something else
// than requests served, 0 when it does not say.
func wordScore(name string) int {
	t := topicOf(name, wordsOf(name, nil))
	if t.off || t.odd || t.call {
		return -1
	}
	return t.score
}

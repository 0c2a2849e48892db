package scrape

import (
	"bytes"
	"mime"
	"strings"

	"apitop/collectors/snapshot"
)

// The formats that can be read.
const (
	formatText        = "text"
	formatOpenMetrics = "openmetrics"
	formatProtobuf    = "protobuf"
)

const fixPage = "point --metrics at the service's metrics page, usually /metrics"

// sniffLength is how much of a page is looked at to tell what it is.
const sniffLength = 512

// formatOf tells the format by the content type, where it says one, and by the
// first bytes. Many servers call their metrics text/html, so text types prove
// nothing.
func formatOf(contentType string, head []byte) (string, error) {
	media, params, _ := mime.ParseMediaType(contentType) // an unreadable type is none
	switch {
	case media == "application/openmetrics-protobuf", looksMetricSet(head):
		return "", unsupportedFormat("OpenMetrics protobuf")
	case media == "application/vnd.google.protobuf" && params["encoding"] != "delimited":
		return "", unsupportedFormat("protobuf in a text encoding")
	case media == "application/vnd.google.protobuf", looksDelimited(head):
		return formatProtobuf, nil
	case media == "application/openmetrics-text":
		return formatOpenMetrics, nil
	}
	if what := otherKind(head); what != "" {
		return "", notMetrics(what)
	}
	return formatText, nil
}

// otherKind names what a page is that cannot be metrics; empty when it may be.
func otherKind(head []byte) string {
	text := bytes.TrimLeft(head, " \t\r\n\xef\xbb\xbf")
	switch {
	case packingOf(head[:min(len(head), 4)]) != unpacked:
		return "data compressed twice"
	case len(text) > 0 && (text[0] < ' ' || text[0] >= 0x7f):
		return "binary data"
	case len(text) > 1 && text[0] == '<' && !blank(text[1]):
		if strings.Contains(strings.ToLower(string(text)), "html") {
			return "HTML"
		}
		return "XML"
	case len(text) > 0 && text[0] == '[', looksJSON(text):
		return "JSON"
	}
	return ""
}

// looksJSON tells {"status": "ok"} from {"http.requests", code="200"} 3.
func looksJSON(text []byte) bool {
	if len(text) == 0 || text[0] != '{' {
		return false
	}
	text = bytes.TrimLeft(text[1:], " \t\r\n")
	if len(text) == 0 || text[0] == '}' {
		return true
	}
	if text[0] != '"' {
		return false
	}
	end := bytes.IndexByte(text[1:], '"')
	if end < 0 {
		return false
	}
	text = bytes.TrimLeft(text[end+2:], " \t\r\n")
	return len(text) > 0 && text[0] == ':'
}

// notMetrics is the error for a page that is something else.
func notMetrics(what string) error {
	return snapshot.Fail(snapshot.Unsupported, "the page is "+what+", not metrics", fixPage)
}

func unsupportedFormat(what string) error {
	return snapshot.Fail(snapshot.Unsupported, "the page is "+what+", which cannot be read",
		"let the service answer in the Prometheus text format")
}

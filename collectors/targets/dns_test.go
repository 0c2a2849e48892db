package targets

import (
	"strings"
	"testing"
	"time"
)

// watchDNS watches a name through a resolver of the test, with a clock of its
// own.
func watchDNS(t *testing.T, url string) (w *Watcher, d *testDNS, now *time.Time) {
	t.Helper()
	d, resolver := startDNS(t)
	w, err := DNS(DNSConfig{URL: url, Resolver: resolver})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Unix(1000, 0)
	w.clock = func() time.Time { return at }
	return w, d, &at
}

func TestDNSAddresses(t *testing.T) {
	tests := map[string]struct {
		url     string
		name    string
		records map[uint16][][]byte
		targets []string
		notes   []string
	}{
		"IPv4, in order": {
			"dns+http://api.test:8000/metrics", "api.test", map[uint16][][]byte{typeA: ips("10.0.0.2", "10.0.0.1")},
			[]string{"10.0.0.1:8000 http://api.test:8000/metrics 10.0.0.1:8000", "10.0.0.2:8000 http://api.test:8000/metrics 10.0.0.2:8000"}, nil,
		},
		"IPv6 only": {
			"dns+https://api.test", "api.test", map[uint16][][]byte{typeAAAA: ips("fd00::2", "fd00::1")},
			[]string{"[fd00::1]:443 https://api.test/metrics [fd00::1]:443", "[fd00::2]:443 https://api.test/metrics [fd00::2]:443"}, nil,
		},
		"both, of each instance one": {
			"dns://api.test:1/q?token=S3cr3t", "api.test", map[uint16][][]byte{typeA: ips("10.0.0.1"), typeAAAA: ips("fd00::1")},
			[]string{"10.0.0.1:1/q http://api.test:1/q?token=S3cr3t 10.0.0.1:1"}, nil,
		},
		"both, and it is not clear": {
			"dns://u:S3cr3t@api.test:1/metrics", "api.test", map[uint16][][]byte{typeA: ips("10.0.0.1"), typeAAAA: ips("fd00::1", "fd00::2")},
			[]string{"10.0.0.1:1 http://u:S3cr3t@api.test:1/metrics 10.0.0.1:1"},
			[]string{"api.test has 1 IPv4 and 2 IPv6 addresses: the IPv4 ones are read"},
		},
		"services": {
			"dns+http://_metrics._tcp.api.test/m", "_metrics._tcp.api.test", map[uint16][][]byte{typeSRV: {srv(9102, "b.test"), srv(9101, "a.test")}},
			[]string{"a.test:9101/m http://a.test:9101/m", "b.test:9102/m http://b.test:9102/m"}, nil,
		},
		"no such name":   {"dns://other.test:1", "api.test", map[uint16][][]byte{typeA: ips("10.0.0.1")}, nil, []string{"failed: DNS name other.test: it has no A or AAAA records"}},
		"no such record": {"dns://_m._tcp.api.test", "_m._tcp.api.test", map[uint16][][]byte{typeA: ips("10.0.0.1")}, nil, []string{"failed: DNS name _m._tcp.api.test: it has no SRV records"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w, d, _ := watchDNS(t, tt.url)
			d.set(0, tt.name, tt.records)
			targets, notes := shown(t, w)
			expect(t, "targets", targets, tt.targets)
			expect(t, "notes", notes, tt.notes)
			if strings.Contains(w.Source().Name.String()+strings.Join(notes, ""), "S3cr3t") {
				t.Errorf("a secret is shown: %s, %q", w.Source().Name, notes)
			}
		})
	}
}

// TestDNSChanges: answers are taken anew each half minute; without one, the last
// good ones stay; with the answer that there is nothing, they stay for a while.
func TestDNSChanges(t *testing.T) {
	w, d, now := watchDNS(t, "dns://api.test:80/metrics")
	step := func(what string, wantTargets, wantNotes []string) {
		t.Helper()
		targets, notes := shown(t, w)
		for i := range targets {
			targets[i], _, _ = strings.Cut(targets[i], " ")
		}
		expect(t, what+": targets", targets, wantTargets)
		expect(t, what+": notes", notes, wantNotes)
	}
	one, two := []string{"10.0.0.1:80"}, []string{"10.0.0.1:80", "10.0.0.2:80"}
	d.set(rcodeServFail, "", nil)
	step("no answer yet", nil, []string{"failed: DNS name api.test: the resolver fails"})
	d.set(0, "api.test", map[uint16][][]byte{typeA: ips("10.0.0.1")})
	step("not asked again at once", nil, []string{"failed: DNS name api.test: the resolver fails"})
	*now = now.Add(dnsRetry)
	step("asked again soon", one, nil)
	d.set(0, "api.test", map[uint16][][]byte{typeA: ips("10.0.0.2", "10.0.0.1")})
	asked := d.count()
	*now = now.Add(dnsEvery - time.Second)
	if step("within the half minute", one, nil); d.count() != asked {
		t.Error("the resolver was asked too early")
	}
	*now = now.Add(time.Second)
	step("a second address", two, nil)
	d.set(rcodeServFail, "", nil)
	*now = now.Add(dnsEvery)
	step("the resolver fails", two, []string{"DNS name api.test: the resolver fails (2 targets of 30s ago stay)"})
	*now = now.Add(time.Hour)
	step("it fails for long", two, []string{"DNS name api.test: the resolver fails (2 targets of 1h0m30s ago stay)"})
	d.set(0, "api.test", map[uint16][][]byte{typeA: ips("10.0.0.1")})
	*now = now.Add(dnsRetry)
	step("it works again", one, nil)
	d.set(0, "", nil)
	*now = now.Add(dnsEvery)
	step("the name is gone", one, []string{"DNS name api.test: it has no A or AAAA records (1 target of 30s ago stay)"})
	*now = now.Add(goneGrace)
	step("it stays away", one, []string{"failed: DNS name api.test: it has no A or AAAA records"})
	d.set(0, "api.test", map[uint16][][]byte{typeA: ips("10.0.0.2", "10.0.0.1")})
	*now = now.Add(dnsRetry)
	step("and comes back", two, nil)
}

// TestSlowResolver: a search ends with its context, and says why.
func TestSlowResolver(t *testing.T) {
	w, d, now := watchDNS(t, "dns://api.test:80/metrics")
	d.set(0, "api.test", map[uint16][][]byte{typeA: ips("10.0.0.1")})
	if targets, _ := shown(t, w); len(targets) != 1 {
		t.Fatalf("%d targets", len(targets))
	}
	d.set(rcodeSilent, "", nil)
	*now = now.Add(dnsEvery)
	ctx, cancel := contextFor(t, 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	if _, err := w.Collect(ctx); err != nil {
		t.Errorf("got %v", err)
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("the search took %v", took)
	}
	asked := d.count()
	want := "DNS name api.test: the resolver does not answer (1 target of 30s ago stay)"
	if notes := w.Notes(); len(notes) != 1 || notes[0].What.String() != want {
		t.Errorf("got %v, want %s", notes, want)
	}
	d.set(0, "api.test", map[uint16][][]byte{typeA: ips("10.0.0.1")})
	if _, notes := shown(t, w); d.count() == asked || notes != nil {
		t.Errorf("a search that had no time was not made up for: %q", notes)
	}
}

func TestDNSAddressesThatCannotBeUsed(t *testing.T) {
	tests := map[string]string{
		"redis://api.test:80":             "it is none of dns+http and dns+https",
		"dns+ftp://api.test:80":           "it is none of dns+http and dns+https",
		"dns://":                          "it does not read as an address",
		"dns://u:S3cr3t%zz@api.test":      "it does not read as an address",
		"dns://api.test:0":                "the port is not a number from 1 to 65535",
		"dns://api.test:70000":            "the port is not a number from 1 to 65535",
		"dns://_metrics._tcp.api.test:80": "SRV records have their own ports",
	}
	for url, want := range tests {
		t.Run(url, func(t *testing.T) {
			want := "the DNS address cannot be used: " + want + ": " + fixDNS
			if _, err := DNS(DNSConfig{URL: url}); err == nil || err.Error() != want {
				t.Errorf("got %v, want %s", err, want)
			}
		})
	}
}

// TestDNSOfPrometheus: addresses are asked by the address, as Prometheus does.
func TestDNSOfPrometheus(t *testing.T) {
	d, resolver := startDNS(t)
	path := write(t, t.TempDir(), "prometheus.yml", `
scrape_configs:
- job_name: api
  dns_sd_configs: [{names: [api.test], type: A, port: 8000}]
  relabel_configs: [{source_labels: [__meta_dns_name], target_label: service}]`)
	p := &promFile{file: file{path: path}}
	content, _, err := p.read()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.parse(content); err != nil {
		t.Fatal(err)
	}
	for kind, data := range map[string]map[uint16][][]byte{
		"A":    {typeA: ips("10.0.0.1"), typeAAAA: ips("fd00::1")},
		"AAAA": {typeA: ips("10.0.0.1"), typeAAAA: ips("fd00::1")},
		"MX":   {typeMX: {append([]byte{0, 10}, encoded("mail.test")...)}},
		"NS":   {typeNS: {encoded("ns.test")}},
	} {
		d.set(0, "api.test", data)
		r := p.jobs[0].sources[0].(*records)
		r.states, r.kind, r.resolver = nil, kind, resolver
		targets, notes := shown(t, newWatcher("test", p))
		want := map[string]string{"A": "10.0.0.1:8000", "AAAA": "[fd00::1]:8000", "MX": "mail.test:8000", "NS": "ns.test:8000"}[kind]
		expect(t, kind, targets, []string{want + " http://" + want + "/metrics"})
		expect(t, kind+": notes", notes, nil)
	}
}

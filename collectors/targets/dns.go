package targets

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
	"apitop/collectors/web"
)

// DNSConfig says which name is watched.
type DNSConfig struct {
	// URL is dns+http://[user:password@]name:port/path or dns+https://…; dns://
	// is dns+http://, and the dns+ may be left out. Each address of the name is a target: its IPv4 addresses,
	// or its IPv6 ones when it has no others, as an instance often has one of
	// each. Requests and certificates go by the name. A name that begins with _,
	// such as _metrics._tcp.example.org, is looked up as SRV records, which hold
	// hosts and ports.
	URL      string
	Web      web.Settings
	Resolver *net.Resolver // nil: the system's
}

const fixDNS = "write it as dns+http://name:port/metrics, or dns+http://_service._tcp.name/metrics for SRV records"

// IsDNS tells whether a metrics address is one for [DNS].
func IsDNS(address string) bool {
	scheme, _, ok := strings.Cut(address, "://")
	scheme = strings.ToLower(scheme)
	return ok && (scheme == "dns" || scheme == "dns+http" || scheme == "dns+https")
}

// DNS watches the addresses of a name. The error is a [snapshot.Failure] that
// holds nothing of the URL. It asks nobody yet.
func DNS(cfg DNSConfig) (*Watcher, error) {
	bad := func(why string) (*Watcher, error) {
		return nil, snapshot.Fail(snapshot.Unsupported, "the DNS address cannot be used: "+why, fixDNS)
	}
	u, err := url.Parse(strings.TrimSpace(cfg.URL)) // its error holds the URL and is not shown
	if err != nil || u.Hostname() == "" {
		return bad("it does not read as an address")
	}
	scheme, ok := map[string]string{"dns": "http", "dns+http": "http", "dns+https": "https", "http": "http", "https": "https"}[u.Scheme]
	if !ok {
		return bad("it is none of dns+http and dns+https")
	}
	if cfg.Web.ProxyURL.Reveal() != "" || cfg.Web.ProxyFromEnvironment {
		return bad("over a proxy, the proxy resolves the name")
	}
	j := &job{name: "dns", scheme: scheme, path: u.Path, params: u.Query(), user: u.User, web: cfg.Web}
	if j.path == "" || j.path == "/" {
		j.path = "/metrics"
	}
	records := &records{names: []string{u.Hostname()}, kind: kindAddress, resolver: cfg.Resolver}
	if strings.HasPrefix(u.Hostname(), "_") {
		if records.kind = "SRV"; u.Port() != "" {
			return bad("SRV records have their own ports")
		}
	} else {
		if records.port, err = portOf(u, scheme); err != nil {
			return bad("the port is not a number from 1 to 65535")
		}
		j.host = u.Host
	}
	j.sources = []source{records}
	return newWatcher("dns "+u.Host, one{j}), nil
}

func portOf(u *url.URL, scheme string) (int, error) {
	if u.Port() == "" {
		return map[string]int{"http": 80, "https": 443}[scheme], nil
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	if err == nil && port == 0 {
		err = errors.New("zero")
	}
	return int(port), err
}

// kindAddress is A records, or AAAA ones where there are no A.
const kindAddress = "A or AAAA"

// How often a name is looked up, how soon again after a failure, and how long
// one look takes at most.
const (
	dnsEvery   = 30 * time.Second
	dnsRetry   = 5 * time.Second
	dnsTimeout = 5 * time.Second
)

// records is a source: dns_sd_configs. Source: prometheus/prometheus
// discovery/dns/dns.go.
type records struct {
	names    []string
	kind     string // A, AAAA, SRV, MX, NS or kindAddress
	port     int    // SRV records have their own
	resolver *net.Resolver
	states   []nameState // one per name
}

// nameState is what is known of one name.
type nameState struct {
	found []labels
	asked time.Time // begin of the last look
	good  time.Time // begin of the last look that found something; zero: never
	fault string    // what went wrong in the last look; empty: nothing
	note  string    // what is worth knowing of the answer
}

func (r *records) find(ctx context.Context, now time.Time) (groups []group, notes []snapshot.Note, err error) {
	if r.states == nil {
		r.states = make([]nameState, len(r.names))
	}
	var wg sync.WaitGroup
	for i := range r.states {
		if s := &r.states[i]; s.due(now) {
			wg.Go(func() { r.look(ctx, r.names[i], s, now) })
		}
	}
	wg.Wait()
	for i := range r.states {
		s := &r.states[i]
		if s.fault != "" && len(s.found) == 0 {
			err = snapshot.Fail(snapshot.Unreachable, s.fault, "check the name and the resolver")
		} else if s.fault != "" {
			notes = append(notes, note("", "%s (%s of %v ago stay)", s.fault, many(len(s.found), "target"), now.Sub(s.good).Round(time.Second)))
		}
		if s.note != "" {
			notes = append(notes, note("", "%s", s.note))
		}
		groups = append(groups, group{targets: s.found})
	}
	return groups, notes, err
}

func (s *nameState) due(now time.Time) bool {
	wait := dnsEvery
	if s.fault != "" {
		wait = dnsRetry
	}
	return s.asked.IsZero() || now.Sub(s.asked) >= wait
}

// look asks for one name. What was found stays when there is no answer, and for
// a while when the answer is that there is no such name.
func (r *records) look(search context.Context, name string, s *nameState, now time.Time) {
	ctx, cancel := context.WithTimeout(search, dnsTimeout)
	defer cancel()
	s.asked = now
	resolver := r.resolver
	if resolver == nil {
		resolver = net.DefaultResolver
	}
	found, said, err := r.ask(ctx, resolver, name)
	if err == nil && len(found) == 0 {
		err = &net.DNSError{Err: "no records", IsNotFound: true}
	}
	if err != nil {
		s.fault = r.explain(ctx, name, err)
		if search.Err() != nil {
			s.asked = time.Time{} // it had no time: the next search asks at once
		}
		e, ok := errors.AsType[*net.DNSError](err)
		if ok && e.IsNotFound && now.Sub(s.good) >= goneGrace {
			s.found = nil
		}
		return
	}
	for _, l := range found {
		l.set("__meta_dns_name", name)
	}
	slices.SortFunc(found, func(a, b labels) int { return strings.Compare(a[addressLabel], b[addressLabel]) })
	*s = nameState{found: found, asked: now, good: now, note: said}
}

// explain says in our own words why a name was not found.
func (r *records) explain(ctx context.Context, name string, err error) string {
	why := "the resolver fails"
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		switch {
		case e.IsNotFound:
			why = "it has no " + r.kind + " records"
		case e.IsTimeout:
			why = "the resolver does not answer"
		}
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		why = "the resolver does not answer"
	}
	return fmt.Sprintf("DNS name %s: %s", safe.Clean(name, 100), why)
}

// ask gives a label set for each record.
func (r *records) ask(ctx context.Context, resolver *net.Resolver, name string) (found []labels, said string, err error) {
	switch r.kind {
	case "SRV":
		_, list, err := resolver.LookupSRV(ctx, "", "", name)
		for _, s := range list {
			l := labels{"__meta_dns_srv_record_target": s.Target, "__meta_dns_srv_record_port": strconv.Itoa(int(s.Port))}
			found = append(found, at(l, s.Target, int(s.Port)))
		}
		return found, "", partly(err, len(found))
	case "MX":
		list, err := resolver.LookupMX(ctx, name)
		for _, m := range list {
			found = append(found, at(labels{"__meta_dns_mx_record_target": m.Host}, m.Host, r.port))
		}
		return found, "", partly(err, len(found))
	case "NS":
		list, err := resolver.LookupNS(ctx, name)
		for _, n := range list {
			found = append(found, at(labels{"__meta_dns_ns_record_target": n.Host}, n.Host, r.port))
		}
		return found, "", partly(err, len(found))
	}
	network := map[string]string{"A": "ip4", "AAAA": "ip6", kindAddress: "ip"}[r.kind]
	list, err := resolver.LookupNetIP(ctx, network, name)
	list, said = oneFamily(name, list)
	for _, ip := range list {
		found = append(found, at(labels{}, ip.String(), r.port))
	}
	return found, said, err
}

// partly forgives an error that came with records: some of them were odd.
func partly(err error, found int) error {
	if found > 0 {
		return nil
	}
	return err
}

// at sets the address. Names lose the dot at their end.
func at(l labels, host string, port int) labels {
	l.set(addressLabel, net.JoinHostPort(strings.TrimRight(host, "."), strconv.Itoa(port)))
	return l
}

// oneFamily keeps the IPv4 addresses, or the IPv6 ones when there are no others,
// and says when that may leave out instances.
func oneFamily(name string, list []netip.Addr) (kept []netip.Addr, said string) {
	var four, six []netip.Addr
	for _, ip := range list {
		if ip = ip.Unmap(); ip.Is4() {
			four = append(four, ip)
		} else {
			six = append(six, ip)
		}
	}
	switch {
	case len(four) == 0:
		return six, ""
	case len(six) > 0 && len(six) != len(four):
		said = fmt.Sprintf("%s has %d IPv4 and %d IPv6 addresses: the IPv4 ones are read", safe.Clean(name, 100), len(four), len(six))
	}
	return four, said
}

package redisinfo

import (
	"cmp"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"apitop/collectors/snapshot"
)

func known(v float64) snapshot.Value { return snapshot.Known(v) }

func TestParse(t *testing.T) {
	tests := map[string]struct {
		text string
		want snapshot.RedisNode
		name string
	}{
		"nothing": {},
		"managed server without most sections": {
			text: "# Stats\r\nkeyspace_hits:7\r\nkeyspace_misses:3\r\n",
			want: snapshot.RedisNode{KeyspaceHits: known(7), KeyspaceMisses: known(3), Keys: known(0), Expires: known(0)},
		},
		"no limit on memory": {
			text: "used_memory:100\nmaxmemory:0\n", want: snapshot.RedisNode{UsedMemoryBytes: known(100)},
		},
		"several databases": {
			text: "db0:keys=12,expires=3,avg_ttl=5000\ndb2:keys=3,expires=1,avg_ttl=1000\ndb11:keys=30,expires=0\ndbsize:9\n",
			want: snapshot.RedisNode{Keys: known(45), Expires: known(4), AvgTTLSeconds: known(4)},
		},
		"valkey keeps an old redis_version": {
			text: "redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:9.1.2\r\nrole:slave\r\n",
			want: snapshot.RedisNode{Role: "replica"}, name: "valkey 9.1.2",
		},
		"simulated": {
			text: "redis_version:7.2.0\nserver_name:miniredis\nredis_mode:embedded\n",
			want: snapshot.RedisNode{}, name: "miniredis 7.2.0",
		},
		"loading": {text: "loading:1\r\nloading_eta_seconds:12\r\n", want: snapshot.RedisNode{LoadingSeconds: known(12)}},
		"loaded":  {text: "loading:0\r\nloading_eta_seconds:12\r\n"},
		"a replica cut off": {
			text: "role:slave\nmaster_last_io_seconds_ago:-1\n", want: snapshot.RedisNode{Role: "replica"},
		},
		"a replica": {
			text: "role:slave\nmaster_last_io_seconds_ago:3\n", want: snapshot.RedisNode{Role: "replica", ReplicationLag: known(3)},
		},
		"an old server's commands": {
			text: "cmdstat_client:calls=7,usec=14,usec_per_call=2.00\ncmdstat_get:calls=1,usec=2,usec_per_call=2.00\n",
			want: snapshot.RedisNode{CommandStats: []snapshot.RedisCommand{
				{Name: "client", Calls: known(7), Seconds: known(14e-6)}, {Name: "get", Calls: known(1), Seconds: known(2e-6)},
			}},
		},
		"rubbish in the lists": {
			text: "cmdstat_:calls=1\ncmdstat_a\x1b[2J:calls=1\ncmdstat_" + strings.Repeat("x", 65) + ":calls=1\nerrorstat_X:count=many\n" +
				"db0_distrib_strings_sizes:1=-4,x=2,K=1,9E9=1\ndb0_distrib__sizes:1=1\ndb0_distrib_sets_things:1=1\n",
		},
		"rubbish": {text: "\x00\xff:\n:::\nkeyspace_hits:many\nused_memory:1e999\nrun_id:", want: snapshot.RedisNode{}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := parse(tt.text)
			if got.Server.String() != tt.name {
				t.Errorf("server = %q, want %q", got.Server, tt.name)
			}
			got.Server = tt.want.Server
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
		})
	}
}

// TestParseWhole reads whole texts: that of a real 7.0 server, and the same with
// the fields that 8.6 and Valkey 9.1 add, rename or write otherwise (INFO
// command, docs).
func TestParseWhole(t *testing.T) {
	tests := map[string]struct {
		server, role string
		keys         float64
		notes        int
	}{
		"redis-7.0.15.txt": {"redis 7.0.15", "master", 1, 0},
		"redis-8.0.2.txt":  {"redis 8.0.2", "master", 156, 0},
		"redis-8.6.txt":    {"redis 8.6.3", "master", 219, 0},
		"valkey-9.1.txt":   {"valkey 9.1.2", "replica", 42, 2},
	}
	for file, tt := range tests {
		t.Run(file, func(t *testing.T) {
			text, err := os.ReadFile("testdata/" + file)
			if err != nil {
				t.Fatal(err)
			}
			r := parse(string(text))
			if r.Server.String() != tt.server || r.Role != tt.role || len(r.RunID) != 40 {
				t.Errorf("server %q, role %q, run id %q", r.Server, r.Role, r.RunID)
			}
			if r.Keys != known(tt.keys) {
				t.Errorf("%v keys, want %v", r.Keys, tt.keys)
			}
			if n := notes(fieldsOf(string(text))); len(n) != tt.notes {
				t.Errorf("notes %v", n)
			}
			for name, v := range map[string]snapshot.Value{
				"uptime": r.UptimeSeconds, "commands": r.Commands, "hits": r.KeyspaceHits, "misses": r.KeyspaceMisses,
				"evicted": r.EvictedKeys, "expired": r.ExpiredKeys, "rejected": r.RejectedConns, "errors": r.ErrorReplies,
				"memory": r.UsedMemoryBytes, "rss": r.RSSBytes, "clients": r.Clients, "blocked": r.BlockedClients,
				"cpu": r.CPUSeconds, "most clients": r.MaxClients, "connections": r.Connections, "fragmentation": r.Fragmentation,
				"net in": r.NetInBytes, "net out": r.NetOutBytes, "expires": r.Expires,
			} {
				if !v.OK {
					t.Errorf("%s is unknown", name)
				}
			}
		})
	}
}

// TestParseLists reads what a real 8.0 server says of its commands, errors and
// keys.
func TestParseLists(t *testing.T) {
	text, err := os.ReadFile("testdata/redis-8.0.2.txt")
	if err != nil {
		t.Fatal(err)
	}
	r := parse(string(text))
	if r.Keys != known(156) || r.Expires != known(51) || r.AvgTTLSeconds.V < 580 || r.AvgTTLSeconds.V > 597.459 {
		t.Errorf("keys %v, of those with a lifetime %v, of %v on average", r.Keys, r.Expires, r.AvgTTLSeconds)
	}
	if len(r.CommandStats) != 12 || r.CommandStats[0].Name != "eval" {
		t.Errorf("commands: %+v", r.CommandStats)
	}
	for _, want := range []snapshot.RedisCommand{
		{Name: "eval", Calls: known(1), Seconds: known(1824 / 1e6), Rejected: known(0), Failed: known(0), P50: known(1826.815 / 1e6), P99: known(1826.815 / 1e6)},
		{Name: "object|idletime", Calls: known(3), Seconds: known(13 / 1e6), Rejected: known(0), Failed: known(3), P50: known(4.015 / 1e6), P99: known(6.015 / 1e6)},
	} {
		if i := slices.IndexFunc(r.CommandStats, func(c snapshot.RedisCommand) bool { return c.Name == want.Name }); i < 0 || !reflect.DeepEqual(r.CommandStats[i], want) {
			t.Errorf("%s is not %+v in %+v", want.Name, want, r.CommandStats)
		}
	}
	if len(r.Errors) != 2 || r.Errors[0].Code.Raw() != "ERR" || r.Errors[0].Count != 6 || r.Errors[1].Code.Raw() != "WRONGTYPE" {
		t.Errorf("errors: %+v", r.Errors)
	}
	if len(r.KeySizes) != 5 || r.KeySizes[4].Type != "zsets" || r.KeySizes[4].Bytes || len(r.KeySizes[4].Buckets) != 1 {
		t.Fatalf("sizes: %+v", r.KeySizes)
	}
	want := []snapshot.Bound{
		{Le: 0, Count: 1}, {Le: 1, Count: 51}, {Le: 7, Count: 52}, {Le: 63, Count: 53}, {Le: 127, Count: 55}, {Le: 255, Count: 58},
		{Le: 511, Count: 65}, {Le: 1023, Count: 79}, {Le: 2047, Count: 107}, {Le: 4095, Count: 152},
	}
	if s := r.KeySizes[3]; s.Type != "strings" || !s.Bytes || !reflect.DeepEqual(s.Buckets, want) {
		t.Errorf("strings: %+v, want %+v", s, want)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("# Server\r\nredis_version:7.0.15\r\nrun_id:abc\r\ndb0:keys=1,expires=0\r\n")
	f.Add("cmdstat_get:calls=1,usec=3\nlatency_percentiles_usec_get:p50=1\nerrorstat_ERR:count=2\ndb0_distrib_sets_items:0=1,1K=2")
	f.Add("redis_version:\x1b]0;x\x07\ndb0:keys=-1e308\ndb1:keys=nan")
	f.Fuzz(func(t *testing.T, text string) {
		r := parse(text)
		if !utf8.ValidString(r.Server.String()) || len(r.RunID) > 64 {
			t.Errorf("server %q, run id of %d bytes", r.Server, len(r.RunID))
		}
		if len(r.CommandStats) > mostStats || len(r.Errors) > mostErrors {
			t.Errorf("%d commands, %d errors", len(r.CommandStats), len(r.Errors))
		}
		for _, s := range r.KeySizes {
			if !word(s.Type) || !slices.IsSortedFunc(s.Buckets, func(a, b snapshot.Bound) int {
				return cmp.Or(cmp.Compare(a.Le, b.Le), cmp.Compare(a.Count, b.Count))
			}) {
				t.Errorf("sizes %+v", s)
			}
		}
	})
}

package redisinfo

import (
	"os"
	"reflect"
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
			want: snapshot.RedisNode{KeyspaceHits: known(7), KeyspaceMisses: known(3), Keys: known(0)},
		},
		"no limit on memory": {
			text: "used_memory:100\nmaxmemory:0\n", want: snapshot.RedisNode{UsedMemoryBytes: known(100)},
		},
		"several databases": {
			text: "db0:keys=12,expires=3,avg_ttl=5\ndb11:keys=30,expires=0\ndbsize:9\n", want: snapshot.RedisNode{Keys: known(42)},
		},
		"valkey keeps an old redis_version": {
			text: "redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:9.1.2\r\nrole:slave\r\n",
			want: snapshot.RedisNode{Role: "replica"}, name: "valkey 9.1.2",
		},
		"simulated": {
			text: "redis_version:7.2.0\nserver_name:miniredis\nredis_mode:embedded\n",
			want: snapshot.RedisNode{}, name: "miniredis 7.2.0",
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
				"cpu": r.CPUSeconds,
			} {
				if !v.OK {
					t.Errorf("%s is unknown", name)
				}
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add("# Server\r\nredis_version:7.0.15\r\nrun_id:abc\r\ndb0:keys=1,expires=0\r\n")
	f.Add("redis_version:\x1b]0;x\x07\ndb0:keys=-1e308\ndb1:keys=nan")
	f.Fuzz(func(t *testing.T, text string) {
		r := parse(text)
		if !utf8.ValidString(r.Server.String()) || len(r.RunID) > 64 {
			t.Errorf("server %q, run id of %d bytes", r.Server, len(r.RunID))
		}
	})
}

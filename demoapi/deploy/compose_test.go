package deploy_test

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// compose is the compose file: the part of the format that it uses.
type compose struct {
	Name     string
	XLogging any `yaml:"x-logging"`
	XService any `yaml:"x-service"`
	Services map[string]service
	Volumes  map[string]any
}

type service struct {
	Image string
	Build *struct {
		Context    string
		Dockerfile string
	}
	Command     []string
	Environment map[string]string
	Ports       []string
	Volumes     []string
	DependsOn   map[string]struct{ Condition string } `yaml:"depends_on"`
	Healthcheck *struct {
		Test              []string
		Interval, Timeout string
		Retries           int
		StartPeriod       string `yaml:"start_period"`
	}
	Restart         string
	Logging         any
	SecurityOpt     []string `yaml:"security_opt"`
	CapDrop         []string `yaml:"cap_drop"`
	ReadOnly        bool     `yaml:"read_only"`
	Tmpfs           []string
	ShmSize         string `yaml:"shm_size"`
	MemLimit        string `yaml:"mem_limit"`
	StopGracePeriod string `yaml:"stop_grace_period"`
}

func readCompose(t *testing.T) compose {
	t.Helper()
	var c compose
	readYAML(t, "compose.yaml", &c)
	return c
}

func TestComposeServices(t *testing.T) {
	c := readCompose(t)
	want := []string{"alertmanager", "api", "db", "grafana", "node-exporter", "postgres-exporter", "prometheus", "redis", "redis-exporter"}
	if got := slices.Sorted(maps.Keys(c.Services)); !slices.Equal(got, want) {
		t.Errorf("services %v, want %v", got, want)
	}
	for name, s := range c.Services {
		t.Run(name, func(t *testing.T) {
			checkImage(t, s)
			checkPorts(t, s)
			checkVolumes(t, c, s)
			checkDependencies(t, c, s)
			if !slices.Contains(s.SecurityOpt, "no-new-privileges:true") {
				t.Error("may gain privileges")
			}
			if s.Restart == "" || s.Logging == nil {
				t.Error("no restart policy, or a log without bound")
			}
		})
	}
}

// pinned is an image's tag with at least two numbers: a rebuilt "18" is another
// program tomorrow.
var pinned = regexp.MustCompile(`^[a-z0-9._/-]+:v?\d+\.\d+(\.\d+)?(-[a-z0-9.]+)?$`)

func checkImage(t *testing.T, s service) {
	t.Helper()
	if s.Build == nil {
		if !pinned.MatchString(s.Image) {
			t.Errorf("image %q is not pinned to a version", s.Image)
		}
		return
	}
	if _, err := os.Stat(filepath.Join(s.Build.Context, s.Build.Dockerfile)); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(s.Build.Context, "go.mod")); err != nil {
		t.Errorf("the build's context is not the module: %v", err)
	}
}

// checkPorts holds every port to this machine's loopback, also with the short
// forms that compose would bind to all addresses.
func checkPorts(t *testing.T, s service) {
	t.Helper()
	if len(s.Ports) == 0 {
		t.Error("cannot be reached from this machine")
	}
	for _, p := range s.Ports {
		if !regexp.MustCompile(`^127\.0\.0\.1:\d+:\d+$`).MatchString(p) {
			t.Errorf("port %q is not bound to 127.0.0.1", p)
		}
	}
}

func checkVolumes(t *testing.T, c compose, s service) {
	t.Helper()
	for _, v := range s.Volumes {
		source, rest, _ := strings.Cut(v, ":")
		if !strings.ContainsAny(source, "./") {
			if _, declared := c.Volumes[source]; !declared {
				t.Errorf("volume %s is not declared", source)
			}
			continue
		}
		if _, err := os.Stat(source); err != nil {
			t.Errorf("mounted, but not there: %v", err)
		}
		if !regexp.MustCompile(`:ro(,|$)`).MatchString(rest) {
			t.Errorf("%s may be written to", v)
		}
	}
}

func checkDependencies(t *testing.T, c compose, s service) {
	t.Helper()
	for name, d := range s.DependsOn {
		if d.Condition != "service_healthy" {
			t.Errorf("waits for %s to be %s only", name, d.Condition)
		}
		if c.Services[name].Healthcheck == nil {
			t.Errorf("waits for %s, which never gets healthy", name)
		}
	}
	if h := s.Healthcheck; h != nil && (len(h.Test) < 2 || h.Interval == "" || h.Timeout == "" || h.Retries == 0) {
		t.Errorf("health check %+v", *h)
	}
}

// TestComposeVolumesUsed finds declared volumes that nobody mounts: data that
// would be lost with its container.
func TestComposeVolumesUsed(t *testing.T) {
	c := readCompose(t)
	used := map[string]bool{}
	for _, s := range c.Services {
		for _, v := range s.Volumes {
			name, _, _ := strings.Cut(v, ":")
			used[name] = true
		}
	}
	for name := range c.Volumes {
		if !used[name] {
			t.Errorf("volume %s is mounted nowhere", name)
		}
	}
	for _, name := range []string{"db", "prometheus", "grafana", "alertmanager"} {
		if v := c.Services[name].Volumes; len(v) == 0 || strings.ContainsAny(strings.Split(v[0], ":")[0], "./") {
			t.Errorf("%s keeps its data in no volume", name)
		}
	}
}

// TestComposeSecrets wants every password from a variable, with a default that
// says what it is for.
func TestComposeSecrets(t *testing.T) {
	variable := regexp.MustCompile(`^\$\{APITOP_[A-Z]+_PASSWORD:-apitop-local-only\}$`)
	n := 0
	for name, s := range readCompose(t).Services {
		for key, value := range s.Environment {
			if !regexp.MustCompile(`PASS(WORD)?$`).MatchString(key) {
				continue
			}
			if n++; !variable.MatchString(value) {
				t.Errorf("%s: %s is not taken from a variable", name, key)
			}
		}
		for _, arg := range s.Command {
			if regexp.MustCompile(`(?i)passw|://[^/@]*:[^/@]*@`).MatchString(arg) {
				t.Errorf("%s: a password on the command line, which everybody may read", name)
			}
		}
	}
	if n < 6 {
		t.Errorf("only %d passwords seen", n)
	}
	if head, _, _ := strings.Cut(string(read(t, "compose.yaml")), "\nname:"); strings.Count(head, "APITOP_") < 5 {
		t.Error("the variables are not explained at the top")
	}
}

// TestGrafanaAnonymous lets whoever reaches the port look and not change.
func TestGrafanaAnonymous(t *testing.T) {
	env := readCompose(t).Services["grafana"].Environment
	if env["GF_AUTH_ANONYMOUS_ENABLED"] != "true" || env["GF_AUTH_ANONYMOUS_ORG_ROLE"] != "Viewer" || env["GF_USERS_ALLOW_SIGN_UP"] != "false" {
		t.Errorf("environment %v", env)
	}
}

// TestDockerfile checks what a build would only show by failing, or not at all.
func TestDockerfile(t *testing.T) {
	text := string(read(t, "Dockerfile"))
	var user, base []string
	for line := range strings.Lines(text) {
		word := strings.Fields(line)
		switch {
		case len(word) < 2:
		case word[0] == "FROM":
			base = append(base, word[1])
			user = nil // each stage begins as root
		case word[0] == "USER":
			user = word[1:]
		case word[0] == "COPY" && !strings.HasPrefix(word[1], "--"):
			for _, source := range word[1 : len(word)-1] {
				if _, err := os.Stat(filepath.Join("../..", source)); err != nil {
					t.Errorf("copied, but not there: %v", err)
				}
				if !strings.Contains(string(read(t, "Dockerfile.dockerignore")), "\n!"+strings.TrimPrefix(source, "./")+"\n") {
					t.Errorf("%s is left out by Dockerfile.dockerignore", source)
				}
			}
		}
	}
	if len(user) != 1 || !regexp.MustCompile(`^[1-9]\d*:[1-9]\d*$`).MatchString(user[0]) {
		t.Errorf("runs as %v, want a number that is not root's", user)
	}
	for _, image := range base {
		if !pinned.MatchString(image) {
			t.Errorf("base image %q is not pinned", image)
		}
	}
	if mod := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindSubmatch(read(t, "../../go.mod")); !strings.HasPrefix(base[0], "golang:"+string(mod[1])+".") {
		t.Errorf("builds with %s, but the module needs Go %s", base[0], mod[1])
	}
}

// TestDockerfileCopiesAll compares what the program is made of with what is copied
// for its build.
func TestDockerfileCopiesAll(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "apitop/cmd/demoapi").Output()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for name := range strings.Lines(string(out)) {
		path, ours := strings.CutPrefix(strings.TrimSpace(name), "apitop/")
		if !ours {
			continue
		}
		n++
		dir, _, _ := strings.Cut(path, "/")
		if !strings.Contains(string(read(t, "Dockerfile")), "\nCOPY "+dir+" ./"+dir+"\n") {
			t.Errorf("%s is not copied", path)
		}
	}
	if n < 10 {
		t.Errorf("only %d packages of ours", n)
	}
}

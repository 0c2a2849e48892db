package deploy_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

const dashboardPath = "grafana/dashboards/apitop-demo.json"

// dashboard is the part of Grafana's format that the checks need.
type dashboard struct {
	UID           string `json:"uid"`
	SchemaVersion int    `json:"schemaVersion"`
	Panels        []panel
	Annotations   struct{ List []annotation }
	Templating    struct{ List []variable }
}

type panel struct {
	ID          int
	Title, Type string
	Description string
	Datasource  source
	GridPos     struct{ X, Y, W, H int }
	Targets     []struct {
		Expr, RefID, LegendFormat string
		Datasource                source
	}
	FieldConfig struct {
		Defaults struct {
			Unit       string
			Thresholds struct{ Steps []struct{ Color string } }
		}
	}
}

type source struct{ Type, UID string }

type annotation struct {
	Name, Expr string
	Datasource source
}

type variable struct {
	Name, Type, Definition string
	Query                  any
}

func readDashboard(t *testing.T) dashboard {
	t.Helper()
	var d dashboard
	if err := json.Unmarshal(read(t, dashboardPath), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// kpis are the course's sixteen figures and the panels that show them.
var kpis = map[string][]string{
	"response time":            {"Response time", "Response time p95 by route"},
	"throughput":               {"Throughput"},
	"error rate":               {"Error rate"},
	"latency distribution":     {"Latency distribution"},
	"CPU usage":                {"CPU usage"},
	"memory usage":             {"Memory usage"},
	"disk I/O":                 {"Disk I/O"},
	"network I/O":              {"Network I/O"},
	"cache hit rate":           {"Cache hit rate"},
	"database connection pool": {"Database connection pool"},
	"queue length":             {"Queue length"},
	"background task status":   {"Background task status"},
	"active users":             {"Active users"},
	"API calls per user":       {"API calls per user"},
	"feature usage":            {"Feature usage"},
	"conversion rate":          {"Conversion rate"},
}

func TestDashboardKPIs(t *testing.T) {
	d := readDashboard(t)
	for kpi, titles := range kpis {
		for _, title := range titles {
			if !slices.ContainsFunc(d.Panels, func(p panel) bool { return p.Title == title && len(p.Targets) > 0 }) {
				t.Errorf("no panel %q for the %s", title, kpi)
			}
		}
	}
	if len(kpis) != 16 {
		t.Errorf("%d figures, want 16", len(kpis))
	}
}

func TestDashboardPanels(t *testing.T) {
	d := readDashboard(t)
	if d.SchemaVersion != 42 || d.UID == "" {
		t.Errorf("schema version %d, uid %q", d.SchemaVersion, d.UID)
	}
	// Those that came before them, graph and singlestat, are no longer drawn.
	known := []string{"row", "timeseries", "stat", "heatmap", "state-timeline"}
	ids := map[int]bool{}
	for _, p := range d.Panels {
		t.Run(p.Title, func(t *testing.T) {
			if !slices.Contains(known, p.Type) {
				t.Errorf("type %q", p.Type)
			}
			if ids[p.ID] {
				t.Errorf("id %d is used twice", p.ID)
			}
			ids[p.ID] = true
			if p.GridPos.W < 1 || p.GridPos.H < 1 || p.GridPos.X+p.GridPos.W > 24 {
				t.Errorf("place %+v", p.GridPos)
			}
			if p.Type != "row" {
				checkPanel(t, p)
			}
		})
	}
	checkOverlap(t, d.Panels)
}

func checkPanel(t *testing.T, p panel) {
	t.Helper()
	if p.Description == "" || p.FieldConfig.Defaults.Unit == "" || len(p.FieldConfig.Defaults.Thresholds.Steps) == 0 {
		t.Error("no description, unit or thresholds")
	}
	if len(p.Targets) == 0 {
		t.Error("asks nothing")
	}
	if p.Datasource.UID != "${datasource}" {
		t.Errorf("data source %+v is not the variable", p.Datasource)
	}
	refs := map[string]bool{}
	for _, target := range p.Targets {
		if target.Expr == "" || target.LegendFormat == "" || refs[target.RefID] || target.Datasource != p.Datasource {
			t.Errorf("target %+v", target)
		}
		refs[target.RefID] = true
	}
}

func checkOverlap(t *testing.T, panels []panel) {
	t.Helper()
	taken := map[string]string{}
	for _, p := range panels {
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				cell := fmt.Sprint(x, ",", y)
				if other, ok := taken[cell]; ok {
					t.Fatalf("%q lies on %q", p.Title, other)
				}
				taken[cell] = p.Title
			}
		}
	}
}

// TestProvisioning follows the dashboard and its data source through the mounts
// of the compose file.
func TestProvisioning(t *testing.T) {
	var sources struct {
		APIVersion  int `yaml:"apiVersion"`
		Datasources []struct {
			Name, UID, Type, Access, URL string
			IsDefault                    bool `yaml:"isDefault"`
			Editable                     bool
			JSONData                     map[string]string `yaml:"jsonData"`
		}
	}
	readYAML(t, "grafana/provisioning/datasources/prometheus.yml", &sources)
	if len(sources.Datasources) != 1 || sources.Datasources[0].URL != "http://prometheus:9090" || sources.Datasources[0].Type != "prometheus" || !sources.Datasources[0].IsDefault {
		t.Errorf("data sources %+v", sources)
	}
	var providers struct {
		APIVersion int `yaml:"apiVersion"`
		Providers  []struct {
			Name, Type            string
			AllowUIUpdates        bool `yaml:"allowUiUpdates"`
			DisableDeletion       bool `yaml:"disableDeletion"`
			UpdateIntervalSeconds int  `yaml:"updateIntervalSeconds"`
			Options               struct{ Path string }
		}
	}
	readYAML(t, "grafana/provisioning/dashboards/apitop.yml", &providers)
	grafana := readCompose(t).Services["grafana"]
	path := providers.Providers[0].Options.Path
	if !slices.Contains(grafana.Volumes, "./grafana/dashboards:"+path+":ro") {
		t.Errorf("the dashboards are expected in %s, mounts: %v", path, grafana.Volumes)
	}
	if home := grafana.Environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]; home != path+"/apitop-demo.json" {
		t.Errorf("home dashboard %s", home)
	}
	interval := struct {
		ScrapeConfigs []struct {
			JobName        string `yaml:"job_name"`
			ScrapeInterval string `yaml:"scrape_interval"`
		} `yaml:"scrape_configs"`
	}{}
	if err := yamlLoose(read(t, "prometheus/prometheus.yml"), &interval); err != nil {
		t.Fatal(err)
	}
	if got := sources.Datasources[0].JSONData["timeInterval"]; got != interval.ScrapeConfigs[0].ScrapeInterval {
		t.Errorf("Grafana takes the scrape interval for %s, it is %s", got, interval.ScrapeConfigs[0].ScrapeInterval)
	}
}

// TestTargets looks for each scraped address among the services, and finds that
// none is a server that does not speak HTTP.
func TestTargets(t *testing.T) {
	var c struct {
		Alerting struct {
			Alertmanagers []struct {
				StaticConfigs []struct{ Targets []string } `yaml:"static_configs"`
			}
		}
		ScrapeConfigs []struct {
			JobName       string                       `yaml:"job_name"`
			StaticConfigs []struct{ Targets []string } `yaml:"static_configs"`
		} `yaml:"scrape_configs"`
	}
	if err := yamlLoose(read(t, "prometheus/prometheus.yml"), &c); err != nil {
		t.Fatal(err)
	}
	services := readCompose(t).Services
	targets := c.Alerting.Alertmanagers[0].StaticConfigs[0].Targets
	for _, s := range c.ScrapeConfigs {
		targets = append(targets, s.StaticConfigs[0].Targets...)
	}
	for _, target := range targets {
		host, port, _ := strings.Cut(target, ":")
		if host == "127.0.0.1" {
			host = "prometheus"
		}
		if !slices.Contains(services[host].Ports, "127.0.0.1:"+port+":"+port) {
			t.Errorf("nobody listens at %s", target)
		}
		if port == "6379" || port == "5432" {
			t.Errorf("%s does not speak HTTP", target)
		}
	}
	if len(targets) != 6 {
		t.Errorf("targets %v", targets)
	}
}

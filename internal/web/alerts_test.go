package web_test

import (
	"context"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river/rivertype"

	"salesbook.dev/internal/web"
	"salesbook.dev/jobs"
)

// expressions returns what the shipped rules and dashboard ask Prometheus, by
// where it stands.
func expressions(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	var rules struct {
		Groups []struct {
			Rules []struct {
				Alert       string
				Expr        string
				Annotations map[string]string
			}
		}
	}
	if err := yaml.UnmarshalWithOptions(read(t, "prometheus-rules.yml"), &rules); err != nil {
		t.Fatal(err)
	}
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			if r.Alert == "" || r.Annotations["summary"] == "" || r.Annotations["do"] == "" {
				t.Errorf("the alert %q on %q does not say what it is and what to do", r.Alert, r.Expr)
			}
			found["alert "+r.Alert] = r.Expr
		}
	}
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
		Templating struct {
			List []struct{ Name, Type, Query string }
		}
	}
	if err := json.Unmarshal(read(t, "grafana-dashboard.json"), &dashboard); err != nil {
		t.Fatal(err)
	}
	for _, p := range dashboard.Panels {
		for i, target := range p.Targets {
			found["panel "+p.Title+" "+string(rune('A'+i))] = target.Expr
		}
	}
	for _, v := range dashboard.Templating.List {
		if v.Type == "query" {
			found["variable "+v.Name] = v.Query
		}
	}
	return found
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile("../../docs/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

var (
	quoted     = regexp.MustCompile(`"[^"]*"`)
	groupings  = regexp.MustCompile(`\b(by|without|on)\s*\(([^)]*)\)`)
	matchers   = regexp.MustCompile(`\{[^}]*\}`)
	ranges     = regexp.MustCompile(`\[[^\]]*\]`)
	identifier = regexp.MustCompile(`[a-zA-Z_:][a-zA-Z0-9_:]*`)
	labelNames = regexp.MustCompile(`([a-z_]+)\s*(=~|!~|!=|=)`)
)

// known are the words of the query language and of Grafana that the files use.
func known() []string {
	return []string{"max", "min", "sum", "count", "time", "and", "or", "vector", "rate", "increase", "delta", "min_over_time", "histogram_quantile", "label_values"}
}

// metricsOf returns the metrics that an expression names, and its labels.
func metricsOf(expr string) (metrics, labels []string) {
	expr = quoted.ReplaceAllString(expr, `""`)
	for _, m := range groupings.FindAllStringSubmatch(expr, -1) {
		labels = append(labels, identifier.FindAllString(m[2], -1)...)
	}
	for _, m := range matchers.FindAllString(expr, -1) {
		for _, l := range labelNames.FindAllStringSubmatch(m, -1) {
			labels = append(labels, l[1])
		}
	}
	if inner, ok := strings.CutPrefix(expr, "label_values("); ok {
		metric, label, _ := strings.Cut(strings.TrimSuffix(inner, ")"), ",")
		return []string{metric}, append(labels, strings.TrimSpace(label))
	}
	for _, r := range []*regexp.Regexp{groupings, matchers, ranges} {
		expr = r.ReplaceAllString(expr, " ")
	}
	for _, name := range identifier.FindAllString(expr, -1) {
		if !slices.Contains(known(), name) {
			metrics = append(metrics, name)
		}
	}
	return metrics, labels
}

// exposed reads which metrics /metrics shows, each with its labels' names.
func exposed(text string) map[string][]string {
	names := map[string][]string{}
	for line := range strings.Lines(text) {
		if name := identifier.FindString(line); name != "" && !strings.HasPrefix(line, "#") {
			names[name] = nil
			for _, l := range labelNames.FindAllStringSubmatch(quoted.ReplaceAllString(line, `""`), -1) {
				names[name] = append(names[name], l[1])
			}
		}
	}
	return names
}

// TestAlertsAndDashboardAskForMetricsThatExist has all metrics shown, of an
// installation in which each has something to tell.
func TestAlertsAndDashboardAskForMetricsThatExist(t *testing.T) {
	t.Parallel()
	b := setup(t, func(b *bundle, _ *web.Server) {
		b.pipeline.FreeDisk = func() (float64, error) { return 0.5, nil }
	})
	h := b.connect(t, "acme")
	b.deliver(t, h, event("1"))
	b.in(t, h.workspace, func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), `INSERT INTO cursors (workspace_id, connection_id, object, as_of, loaded_at) VALUES ($1, $2, 'deals', now(), now())`, h.workspace, h.connection); err != nil {
			return err
		}
		_, err := tx.Exec(t.Context(), `INSERT INTO proofs (workspace_id, connection_id, object, as_of, started_at, found, unrepaired, figures) VALUES ($1, $2, 'deals', now(), now(), 0, 0, '{}')`, h.workspace, h.connection)
		return err
	})
	if err := jobs.NewMetrics(b.metrics).Work(t.Context(), &rivertype.JobRow{Kind: "pull"}, func(context.Context) error { return nil }); err != nil {
		t.Fatal(err)
	}
	shown := exposed(b.get(t, "/metrics").body)
	asked := expressions(t)
	if len(asked) < 20 {
		t.Fatalf("only %d expressions found in the files", len(asked))
	}
	for where, expr := range asked {
		metrics, labels := metricsOf(expr)
		if len(metrics) == 0 {
			t.Errorf("%s asks for no metric: %s", where, expr)
		}
		var has []string
		for _, m := range metrics {
			of, ok := shown[m]
			if !ok {
				t.Errorf("%s asks for %s, which /metrics does not show", where, m)
			}
			has = append(has, of...)
		}
		for _, l := range labels {
			if !slices.Contains(has, l) {
				t.Errorf("%s asks for the label %s, which none of %v has", where, l, metrics)
			}
		}
	}
}

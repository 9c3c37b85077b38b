package tools

import (
	"net/url"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

// passwords as an operator's .env file gives them.
var passwords = []string{"ADMIN_PASSWORD=a", "APP_PASSWORD=b", "RIVER_PASSWORD=c"}

func load(t *testing.T, env []string) (*types.Project, error) {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{"../docker-compose.yml"}, cli.WithName("salesbook"), cli.WithEnv(env))
	if err != nil {
		t.Fatal(err)
	}
	return options.LoadProject(t.Context())
}

func mustLoad(t *testing.T) *types.Project {
	t.Helper()
	project, err := load(t, passwords)
	if err != nil {
		t.Fatalf("docker-compose.yml: %v", err)
	}
	return project
}

func TestComposeStartsInOrder(t *testing.T) {
	t.Parallel()
	services := mustLoad(t).Services
	for name, want := range map[string]struct {
		replicas  int
		command   string
		after     string
		condition string
	}{
		"migrate": {1, "migrate", "postgres", types.ServiceConditionHealthy},
		"worker":  {2, "work", "migrate", types.ServiceConditionCompletedSuccessfully},
		"web":     {2, "serve", "migrate", types.ServiceConditionCompletedSuccessfully},
	} {
		s, ok := services[name]
		if !ok {
			t.Errorf("there is no service %s", name)
			continue
		}
		if s.GetScale() != want.replicas {
			t.Errorf("%s: %d replicas, want %d", name, s.GetScale(), want.replicas)
		}
		if len(s.Command) != 1 || s.Command[0] != want.command {
			t.Errorf("%s runs %q, want %q", name, s.Command, want.command)
		}
		if got := s.DependsOn[want.after].Condition; got != want.condition {
			t.Errorf("%s waits for %s to be %q, want %q", name, want.after, got, want.condition)
		}
	}
	if services["postgres"].HealthCheck == nil {
		t.Error("postgres has no health check, so migrate would wait for ever")
	}
}

// Only the migration may have the administrator's password, and what serves
// must do so as the role that row-level security binds.
func TestComposeKeepsRolesApart(t *testing.T) {
	t.Parallel()
	for name, s := range mustLoad(t).Services {
		if name == "postgres" {
			if len(s.Ports) > 0 {
				t.Error("the database is reachable from outside")
			}
			continue
		}
		for key, role := range map[string]string{"DATABASE_URL": "salesbook_app", "DATABASE_RIVER_URL": "salesbook_river"} {
			if got := user(t, s.Environment[key]); got != role {
				t.Errorf("%s: %s logs in as %q, want %q", name, key, got, role)
			}
		}
		if _, admin := s.Environment["DATABASE_DIRECT_URL"]; admin != (name == "migrate") {
			t.Errorf("%s: has the administrator's URL: %t", name, admin)
		}
	}
}

func TestComposeNeedsPasswords(t *testing.T) {
	t.Parallel()
	for missing := range passwords {
		env := append(append([]string{}, passwords[:missing]...), passwords[missing+1:]...)
		if _, err := load(t, env); err == nil {
			t.Errorf("starts without %s", passwords[missing])
		}
	}
}

func user(t *testing.T, value *string) string {
	t.Helper()
	if value == nil {
		return ""
	}
	u, err := url.Parse(*value)
	if err != nil {
		t.Fatal(err)
	}
	return u.User.Username()
}

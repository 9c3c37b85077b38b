package pipedrive

import (
	"bufio"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/internal/rest"
	"salesbook.dev/internal/sandbox/pipedrive/official"
)

// specPrices reads method, path and x-token-cost of all operations. The
// document is written with an indentation of two, which spares parsing 50,000
// lines of YAML.
func specPrices(t *testing.T, name string) []price {
	t.Helper()
	official.Folder().Need(t)
	f, err := os.Open(official.Folder().File(name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []price
	path, method := "", ""
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := lines.Text()
		key, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		key = strings.Trim(key, `'"`)
		switch indent := len(line) - len(strings.TrimLeft(line, " ")); {
		case indent == 2 && strings.HasPrefix(key, "/"):
			path = key
		case indent == 2:
			path = ""
		case indent == 4:
			method = strings.ToUpper(key)
		case indent == 6 && key == "x-token-cost" && path != "":
			n, err := strconv.Atoi(strings.TrimSpace(value))
			if err != nil {
				t.Fatalf("%s %s: %v", method, path, err)
			}
			out = append(out, price{method, path, n})
		}
	}
	const fewest = 150
	if len(out) < fewest {
		t.Fatalf("only %d operations were found in %s", len(out), name)
	}
	return out
}

var placeholder = regexp.MustCompile(`\{[^}]*\}`)

// TestPrices compares the price of every operation that we call, now or for
// writing back, with the vendor's documents.
func TestPrices(t *testing.T) {
	t.Parallel()
	for file, prefix := range map[string]string{"openapi-v2.yaml": "/api/v2", "openapi-v1.yaml": "/v1"} {
		checked := 0
		for _, p := range specPrices(t, file) {
			if !ours(p) {
				continue
			}
			checked++
			path := prefix + placeholder.ReplaceAllString(p.path, "7")
			for _, before := range []string{"", "/api", "/some/proxy"} {
				if prefix == "/api/v2" && before == "/api" {
					continue
				}
				if got := cost(p.method, before+path); got != p.tokens {
					t.Errorf("%s %s costs %d in %s, here %d", p.method, before+path, p.tokens, file, got)
				}
			}
		}
		const fewest = 15
		if checked < fewest {
			t.Errorf("only %d operations of %s are ours", checked, file)
		}
	}
}

// ours are the operations on what we hold, but for those of the vendor's screens.
func ours(p price) bool {
	switch first, rest, _ := strings.Cut(p.path[1:], "/"); first {
	case "deals", "persons", "organizations", "activities", "products", "leads", "notes", "users", "webhooks", "pipelines", "stages":
		sub := regexp.MustCompile(`^(\{id\}|me|archived|products|\{id\}/changelog|\{id\}/merge|\{id\}/convert/.*|)$`)
		v1Deals := first == "deals" && p.tokens == 40 && rest == "archived" // replaced by v2
		return sub.MatchString(rest) && !v1Deals && !(first == "deals" && rest == "{id}/convert/lead")
	case "activityFields", "activityTypes":
		return p.method == "GET" && rest == ""
	case "dealFields", "personFields", "organizationFields", "productFields":
		return p.method == "GET" || p.method == "POST" || p.method == "PATCH" && rest == "{field_code}"
	}
	return false
}

func cost(method, path string) int {
	req, err := http.NewRequest(method, "https://acme.pipedrive.com"+path, nil)
	if err != nil {
		panic(err)
	}
	return meter().Cost(req)
}

func TestUnknownCallsAreNotFree(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]int{"/api/v2/a/b/c/d/e/f": unknownPrice, "/v1/a/b/c/d": unknownPrice, "/oauth/token": 0} {
		if got := cost("GET", path); got != want {
			t.Errorf("GET %s costs %d, want %d", path, got, want)
		}
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	p := func(n int) *int { return &n }
	d := func(s time.Duration) *time.Duration { return &s }
	for name, c := range map[string]struct {
		status int
		header map[string]string
		want   rest.Usage
	}{
		"silent": {200, nil, rest.Usage{}},
		"good": {
			200, map[string]string{"x-ratelimit-limit": "80", "x-ratelimit-remaining": "79", "x-ratelimit-reset": "2", "x-daily-ratelimit-token-limit": "30000", "x-daily-ratelimit-token-remaining": "29990", "x-daily-requests-left": "9"},
			rest.Usage{BurstLimit: p(80), BurstRemaining: p(79), BurstReset: d(2 * time.Second), DailyLimit: p(30000), DailyRemaining: p(29990)},
		},
		"nonsense":       {200, map[string]string{"x-ratelimit-limit": "many", "x-ratelimit-reset": ""}, rest.Usage{}},
		"burst":          {429, map[string]string{"x-ratelimit-reset": "1"}, rest.Usage{BurstReset: d(time.Second), Exhausted: true, RetryAfter: time.Second}},
		"silent refusal": {429, nil, rest.Usage{Exhausted: true, RetryAfter: burstWindow}},
		"day": {
			429, map[string]string{"x-daily-ratelimit-token-remaining": "0", "date": "Sun, 22 Nov 2026 23:00:00 GMT"},
			rest.Usage{DailyRemaining: p(0), Exhausted: true, RetryAfter: time.Hour},
		},
		"day without a date": {429, map[string]string{"x-daily-ratelimit-token-remaining": "0"}, rest.Usage{DailyRemaining: p(0), Exhausted: true, RetryAfter: time.Hour}},
		"the delay is told":  {429, map[string]string{"retry-after": "90", "x-ratelimit-reset": "1"}, rest.Usage{BurstReset: d(time.Second), Exhausted: true, RetryAfter: 90 * time.Second}},
		"banned":             {403, map[string]string{"content-type": "text/html; charset=UTF-8"}, rest.Usage{Exhausted: true, RetryAfter: banDelay}},
		"forbidden":          {403, map[string]string{"content-type": "application/json"}, rest.Usage{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resp := &http.Response{StatusCode: c.status, Header: http.Header{}}
			for k, v := range c.header {
				resp.Header.Set(k, v)
			}
			if diff := cmp.Diff(c.want, meter().Usage(resp)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

package main

import (
	"net/url"
	"strings"
	"testing"
)

func TestPasswordsStayOffCommandLines(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, given, open, password string }{
		{"in the authority", "postgres://app:p%40ss@db:5432/crm?sslmode=require", "postgres://app@db:5432/crm?sslmode=require", "p@ss"},
		{"in the query", "postgresql:///crm?host=%2Ftmp&password=p%20s&user=app", "postgresql:///crm?host=%2Ftmp&user=app", "p s"},
		{"none", "postgres://app@db/crm", "postgres://app@db/crm", ""},
		{"words without one", "host=db user=app", "host=db user=app", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			open, password, err := withoutPassword(tt.given)
			if err != nil {
				t.Fatal(err)
			}
			if open != tt.open || password != tt.password {
				t.Errorf("%q with password %q, want %q with %q", open, password, tt.open, tt.password)
			}
		})
	}
	_, _, err := withoutPassword("host=db user=app password=hush")
	if err == nil || strings.Contains(err.Error(), "hush") {
		t.Errorf("a password in words: error %v, want one that does not show it", err)
	}
}

func TestOnlyAnswersToOurQuestionCount(t *testing.T) {
	t.Parallel()
	tests := []struct {
		query string
		good  bool
	}{
		{"code=1&state=ours", true}, {"error=user_denied&state=ours", true},
		{"code=1", false}, {"code=1&state=theirs", false}, {"state=ours", false}, {"", false},
	}
	for _, tt := range tests {
		answer, err := url.ParseQuery(tt.query)
		if err != nil {
			t.Fatal(err)
		}
		if err := checkState(answer, "ours"); (err == nil) != tt.good {
			t.Errorf("%q: %v", tt.query, err)
		}
	}
}

func TestKindsAreFoundByAnyOfTheirNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"deal": "deals", "deals": "deals", "deal-item": "deal_items", "deal_items": "deal_items", "activity type": "activity_types", "person": "people",
	} {
		if k, err := kindNamed(name); err != nil || k.Name != want {
			t.Errorf("kindNamed(%q) = %v, %v; want %s", name, k, err, want)
		}
	}
	if _, err := kindNamed("invoice"); err == nil || !strings.Contains(err.Error(), "deal-item") {
		t.Errorf("an unknown kind: %v, want what there is", err)
	}
}

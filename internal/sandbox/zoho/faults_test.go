package zoho

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"salesbook.dev/internal/sandbox"
)

func (b *bundle) inject(f sandbox.Fault) {
	b.t.Helper()
	if _, err := b.Inject(f); err != nil {
		b.t.Fatal(err)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	lead := object{"data": []object{{"Last_Name": "X", "Company": "Y"}}}
	for name, c := range map[string]struct {
		fault  sandbox.Fault
		status int
		code   string
		leads  int // made by the call that it strikes
	}{
		"burst":               {sandbox.Fault{Kind: sandbox.BurstLimit}, 429, "TOO_MANY_REQUESTS", 0},
		"day":                 {sandbox.Fault{Kind: sandbox.DailyLimit}, 429, "TOO_MANY_REQUESTS", 0},
		"fails before":        {sandbox.Fault{Kind: sandbox.ServerError, Status: 500}, 500, "INTERNAL_ERROR", 0},
		"fails after":         {sandbox.Fault{Kind: sandbox.ServerError, Status: 503, AfterCommit: true}, 503, "INTERNAL_ERROR", 1},
		"refuses":             {sandbox.Fault{Kind: sandbox.Refuse}, 400, "INVALID_DATA", 0},
		"only another method": {sandbox.Fault{Kind: sandbox.Refuse, Method: "DELETE"}, 201, "SUCCESS", 1},
		"late":                {sandbox.Fault{Kind: sandbox.Slow, Delay: time.Millisecond}, 201, "SUCCESS", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, Options{})
			b.inject(c.fault)
			a := b.send("POST", "/crm/v8/Leads", lead)
			if a.status != c.status || a.code() != c.code {
				t.Errorf("%d %s, want %d %s", a.status, a.body, c.status, c.code)
			}
			if live, _ := b.Count("Leads"); live != c.leads {
				t.Errorf("%d leads, want %d", live, c.leads)
			}
		})
	}
}

func TestTornAnswers(t *testing.T) {
	t.Parallel()
	b := setup(t, Options{})
	b.sell(3)
	b.inject(sandbox.Fault{Kind: sandbox.HTML, Status: 502, Times: 1})
	if a := b.get("/crm/v8/Deals?fields=id"); a.status != 502 || !strings.Contains(a.header.Get("Content-Type"), "html") {
		t.Errorf("a page: %d %v", a.status, a.header)
	}
	b.inject(sandbox.Fault{Kind: sandbox.Empty, Times: 1})
	if a := b.get("/crm/v8/Deals?fields=id"); a.status != 200 || len(a.body) > 0 {
		t.Errorf("nothing: %d %s", a.status, a.body)
	}
	b.inject(sandbox.Fault{Kind: sandbox.Cut, Times: 1})
	req, err := http.NewRequestWithContext(t.Context(), "GET", b.url+"/crm/v8/Deals?fields=Deal_Name", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Zoho-oauthtoken "+b.token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if got, err := io.ReadAll(resp.Body); err == nil {
		t.Errorf("the connection was not broken: %s", got)
	}
	if got := len(b.get("/crm/v8/Deals?fields=id").list("data")); got != 3 {
		t.Errorf("%d deals after the faults, want 3", got)
	}
}

func TestSkew(t *testing.T) {
	t.Parallel()
	b := setup(t, Options{})
	b.inject(sandbox.Fault{Kind: sandbox.Skew, Delay: -time.Hour})
	id := b.make("Leads", object{"Last_Name": "X", "Company": "Y"})
	a := b.get("/crm/v8/Leads/" + id)
	if got := a.list("data")[0]["Created_Time"]; got != "2026-11-22T12:00:00+01:00" || a.header.Get("Date") != "Sun, 22 Nov 2026 11:00:00 GMT" {
		t.Errorf("created %v, Date %s; want an hour ago", got, a.header.Get("Date"))
	}
}

// TestBefore: a person's change comes between a client's reading and its writing.
func TestBefore(t *testing.T) {
	t.Parallel()
	b := setup(t, Options{})
	id := b.sell(1)[0]
	happened := b.Before("GET", "/crm/v8/Deals/"+id, func() {
		if _, err := b.Do("", "DELETE", "/crm/v8/Deals/"+id, nil); err != nil {
			t.Error(err)
		}
	})
	b.get("/crm/v8/org")
	if happened() {
		t.Error("it happened at another call")
	}
	if a := b.get("/crm/v8/Deals/" + id); a.status != http.StatusNoContent || !happened() {
		t.Errorf("%d, happened: %v", a.status, happened())
	}
}

func TestDoTellsRefusals(t *testing.T) {
	t.Parallel()
	b := setup(t, Options{})
	if _, err := b.Do("", "POST", "/crm/v8/Deals", object{"data": []object{{"Deal_Name": "x"}}}); err == nil || !strings.Contains(err.Error(), "MANDATORY_NOT_FOUND") {
		t.Errorf("a refused record: %v", err)
	}
	if _, err := b.Do("", "GET", "/crm/v8/Dragons?fields=id", nil); err == nil {
		t.Error("a refused call was taken")
	}
}

package pipedrive

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/internal/sandbox"
)

// inject parses and arms a fault.
func (b *bundle) inject(spec string) (remove func()) {
	b.t.Helper()
	f, err := sandbox.ParseFault(spec)
	if err != nil {
		b.t.Fatal(err)
	}
	remove, err = b.Inject(f)
	if err != nil {
		b.t.Fatal(err)
	}
	return remove
}

func TestFaultsSpoilAnswers(t *testing.T) {
	t.Parallel()
	b := fresh(t)
	for spec, want := range map[string]func(answerTo) bool{
		"429-burst:times=1": func(a answerTo) bool { return a.status == 429 && a.header.Get("x-ratelimit-reset") == "1" },
		"429-daily:times=1": func(a answerTo) bool {
			return a.status == 429 && a.header.Get("x-daily-ratelimit-token-remaining") == "0"
		},
		"5xx:status=503,times=1":  func(a answerTo) bool { return a.status == 503 && a.json(t)["success"] == false },
		"html:status=200,times=1": func(a answerTo) bool { return a.status == 200 && strings.HasPrefix(string(a.body), "<!DOCTYPE html>") },
		"empty:times=1":           func(a answerTo) bool { return a.status == 200 && len(a.body) == 0 },
	} {
		remove := b.inject(spec)
		if a := b.send("GET", "/api/v2/deals", nil); !want(a) {
			t.Errorf("%s: %d %v %s", spec, a.status, a.header, a.body)
		}
		if a := b.send("GET", "/api/v2/deals", nil); a.status != 200 {
			t.Errorf("%s went on after once: %d", spec, a.status)
		}
		remove()
	}
}

func TestRefuseStrikesWritesAlone(t *testing.T) {
	t.Parallel()
	b := fresh(t)
	remove := b.inject("refuse:path=/deals")
	if a := b.send("PATCH", "/api/v2/deals/1", object{"title": "after"}); a.status != 400 || a.json(t)["success"] != false {
		t.Errorf("%d %s, want a refusal", a.status, a.body)
	}
	if got := b.one("GET", "/api/v2/deals/1", nil)["title"]; got != "Deal" {
		t.Errorf("the title is %q after a refusal", got)
	}
	remove()
	b.one("PATCH", "/api/v2/deals/1", object{"title": "after"})
}

func TestFaultsOfOneMethod(t *testing.T) {
	t.Parallel()
	b := fresh(t)
	b.inject("5xx:method=PATCH")
	if a := b.send("GET", "/api/v2/deals/1", nil); a.status != 200 {
		t.Errorf("a fault of PATCH struck GET: %d", a.status)
	}
	if a := b.send("PATCH", "/api/v2/deals/1", object{"title": "after"}); a.status != 500 {
		t.Errorf("PATCH: %d, want 500", a.status)
	}
}

// TestSomebodyComesBetween changes a deal just before a client's change takes
// effect: the changelog knows both.
func TestSomebodyComesBetween(t *testing.T) {
	t.Parallel()
	b := fresh(t)
	happened := b.Before("PATCH", "/deals/1", func() {
		if _, err := b.Do(1, "PATCH", "/api/v2/deals/1", object{"title": "theirs"}); err != nil {
			t.Error(err)
		}
	})
	b.one("GET", "/api/v2/deals/1", nil)
	if happened() {
		t.Error("it happened at a GET")
	}
	for range 2 {
		b.one("PATCH", "/api/v2/deals/1", object{"title": "ours"})
	}
	if got := b.one("GET", "/api/v2/deals/1", nil)["title"]; !happened() || got != "ours" {
		t.Errorf("happened %v, the title is %q", happened(), got)
	}
	var titles []string
	for _, e := range b.send("GET", "/v1/deals/1/changelog", nil).json(t)["data"].([]any) {
		titles = append(titles, e.(object)["new_value"].(string))
	}
	if diff := cmp.Diff([]string{"ours", "theirs"}, titles); diff != "" {
		t.Errorf("changelog (-want +got):\n%s", diff)
	}
}

func TestServerErrorsBeforeAndAfterTheChange(t *testing.T) {
	t.Parallel()
	b := fresh(t)
	for spec, want := range map[string]string{"5xx:times=1": "Deal", "5xx:after-commit,times=1": "after"} {
		remove := b.inject(spec)
		if a := b.send("PATCH", "/api/v2/deals/1", object{"title": "after"}); a.status != 500 {
			t.Errorf("%s: %d, want 500", spec, a.status)
		}
		remove()
		if got := b.one("GET", "/api/v2/deals/1", nil)["title"]; got != want {
			t.Errorf("%s: the title is %q now, want %q", spec, got, want)
		}
		b.one("PATCH", "/api/v2/deals/1", object{"title": "Deal"})
	}
}

func TestCutBodiesAreTruncated(t *testing.T) {
	t.Parallel()
	b := fresh(t)
	b.inject("cut:times=1")
	req, err := http.NewRequestWithContext(t.Context(), "GET", b.url+"/api/v2/deals", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("x-api-token", "x")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil || int64(len(body)) >= resp.ContentLength {
		t.Errorf("%d of %d bytes came, %v; want a broken body", len(body), resp.ContentLength, err)
	}
}

func TestSlowAnswersTakeTheirTime(t *testing.T) {
	t.Parallel()
	b := fresh(t)
	b.inject("slow:ms=60,times=1")
	start := time.Now()
	b.list("/api/v2/deals")
	if took := time.Since(start); took < 60*time.Millisecond {
		t.Errorf("answered after %s, want 60 ms at least", took)
	}
}

func TestSkewShiftsTheVendorsClock(t *testing.T) {
	t.Parallel()
	b := fresh(t)
	remove := b.inject("skew:s=-90")
	a := b.send("PATCH", "/api/v2/deals/1", object{"title": "x"})
	want := noon().Add(time.Hour - 90*time.Second)
	if got := a.json(t)["data"].(object)["update_time"]; got != want.Format(instantLayout) || a.header.Get("Date") != want.Format(http.TimeFormat) {
		t.Errorf("update time %v, Date %s; want both at %s", got, a.header.Get("Date"), want)
	}
	remove()
	if !b.Now().Equal(noon().Add(time.Hour)) {
		t.Errorf("after the fault the clock stands at %s", b.Now())
	}
}

func TestCursorsExpire(t *testing.T) {
	t.Parallel()
	b := fresh(t)
	b.one("POST", "/api/v2/deals", object{"title": "second"})
	b.inject("cursor-expire:after=60")
	cursor := b.send("GET", "/api/v2/deals?limit=1", nil).json(t)["additional_data"].(object)["next_cursor"].(string)
	b.clock.Advance(59 * time.Second)
	if a := b.send("GET", "/api/v2/deals?limit=1&cursor="+cursor, nil); a.status != 200 {
		t.Errorf("a cursor of 59 s: %d, want 200", a.status)
	}
	b.clock.Advance(time.Second)
	if a := b.send("GET", "/api/v2/deals?limit=1&cursor="+cursor, nil); a.status != 400 {
		t.Errorf("a cursor of 60 s: %d, want 400", a.status)
	}
}

func TestTiesPutRecordsOnOneSecond(t *testing.T) {
	t.Parallel()
	b := setup(t, Options{Faults: []sandbox.Fault{{Kind: sandbox.Ties, N: 70}}})
	if err := b.Generate(2, ScaleOf(200)); err != nil {
		t.Fatal(err)
	}
	times := map[any]int{}
	for r := range b.Truth("deals") {
		times[r.Updated]++
	}
	most := 0
	for _, n := range times {
		most = max(most, n)
	}
	if most < 65 { // a few of the 70 were deleted long ago
		t.Errorf("at most %d deals share a second, want about 70", most)
	}
}

func TestUnknownPathsAndBodies(t *testing.T) {
	t.Parallel()
	b := fresh(t)
	if a := b.send("GET", "/api/v2/nothing", nil); a.status != 404 || a.json(t)["success"] != false {
		t.Errorf("unknown path: %d %s", a.status, a.body)
	}
	req, err := http.NewRequestWithContext(t.Context(), "POST", b.url+"/api/v2/deals", strings.NewReader("title=x"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("x-api-token", "x")
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 415 {
		t.Errorf("a form: %d, want 415", resp.StatusCode)
	}
	if a := b.send("POST", "/api/v2/deals", `{"title":"`+strings.Repeat("x", maxBody)+`"}`); a.status != 413 {
		t.Errorf("a body above %d bytes: %d, want 413", maxBody, a.status)
	}
	if a := b.send("GET", "/api/v2/deals/abc", nil); a.status != 400 {
		t.Errorf("an id that is no number: %d, want 400", a.status)
	}
}

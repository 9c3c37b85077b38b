package zoho_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
	vendor "salesbook.dev/internal/sandbox/zoho"
)

// quietWalk is the cursor behind a walk over an account without deals.
func quietWalk(t *testing.T) connectors.Cursor {
	t.Helper()
	f := answers(t, func(_, path, _ string) (int, string) {
		if strings.Contains(path, "/settings/fields") {
			return 200, definitions(1)
		}
		return 204, ""
	})
	pages, err := pull(t, f.connect(t), "Deals", "")
	if err != nil || len(pages) != 1 || pages[0].More || pages[0].AsOf.IsZero() {
		t.Fatalf("pages %+v, error %v", pages, err)
	}
	return pages[0].Next
}

// TestLaterWalksOverlap: what changed shortly before the last walk is read again,
// and what was deleted since.
func TestLaterWalksOverlap(t *testing.T) {
	t.Parallel()
	after := quietWalk(t)
	var place struct{ Mark int64 }
	if err := json.Unmarshal([]byte(after), &place); err != nil {
		t.Fatal(err)
	}
	from := time.Unix(place.Mark, 0).Add(-10*time.Minute).UTC().Format("2006-01-02T15:04:05") + "+00:00"
	var query string
	f := answers(t, func(method, path, body string) (int, string) {
		switch {
		case method == "POST":
			query, _ = readJSON(t, body)["select_query"].(string)
			return 204, ""
		case strings.Contains(path, "/deleted"):
			return 200, list(`{"id":"9","deleted_time":"2026-11-22T12:00:00+01:00","type":"recycle"}`, `{"id":"8","deleted_time":"2026-11-22T12:00:00+01:00","type":"permanent"}`)
		}
		return 500, "{}"
	})
	pages, err := pull(t, f.connect(t), "Deals", after)
	if err != nil || len(pages) != 1 {
		t.Fatalf("pages %+v, error %v", pages, err)
	}
	if !strings.Contains(query, "Modified_Time >= '"+from+"'") {
		t.Errorf("the query %s does not begin at %s", query, from)
	}
	if want := "GET /crm/v8/Deals/deleted?page=1&per_page=200&type=all since " + from; f.asked[1] != want {
		t.Errorf("asked %q, want %q", f.asked[1], want)
	}
	for i, id := range []string{"9", "8"} {
		if r := pages[0].Records[i]; r.ID != id || !r.Deleted || r.UpdatedAt.IsZero() {
			t.Errorf("record %d is %+v, want the deleted %s", i, r, id)
		}
	}
}

// TestUnchangedIsNoError: 304 says that nothing was deleted, or changed.
func TestUnchangedIsNoError(t *testing.T) {
	t.Parallel()
	for _, object := range []string{"Deals", "Notes"} {
		f := answers(t, func(method, _, _ string) (int, string) {
			if method == "POST" {
				return 204, ""
			}
			return 304, ""
		})
		pages, err := pull(t, f.connect(t), object, quietWalk(t))
		if err != nil || len(pages) != 1 || pages[0].More || len(pages[0].Records) > 0 {
			t.Errorf("%s: pages %+v, error %v", object, pages, err)
		}
	}
}

// TestErrorsWithSuccess: the vendor tells errors with 200 and with 400, and 401
// may be about a scope.
func TestErrorsWithSuccess(t *testing.T) {
	t.Parallel()
	tests := []struct {
		status int
		code   string
		want   fault.Kind
	}{
		{200, "INVALID_TOKEN", fault.Auth},
		{401, "INVALID_TOKEN", fault.Auth},
		{401, "OAUTH_SCOPE_MISMATCH", fault.Forbidden},
		{400, "NO_PERMISSION", fault.Forbidden},
		{400, "INVALID_MODULE", fault.Forbidden},
		{200, "INTERNAL_ERROR", fault.Temporary},
		{400, "INVALID_QUERY", fault.Invalid},
		{429, "TOO_MANY_REQUESTS", fault.Limited},
		{200, "TOO_MANY_REQUESTS", fault.Limited},
		{400, "LICENSE_NOT_SUPPORTED", fault.Forbidden},
	}
	for _, tt := range tests {
		f := answers(t, func(string, string, string) (int, string) {
			return tt.status, fmt.Sprintf(`{"code":%q,"message":"no","details":{},"status":"error"}`, tt.code)
		})
		for _, object := range []string{"Deals", "Notes", "Users", "Pipelines"} {
			pages, err := pull(t, f.connect(t), object, "")
			if fault.KindOf(err) != tt.want || len(pages) > 0 {
				t.Errorf("%s, %d %s: %d pages, error %v (%v), want %v", object, tt.status, tt.code, len(pages), err, fault.KindOf(err), tt.want)
			}
			if tt.code == "INVALID_MODULE" && (err == nil || !strings.Contains(err.Error(), "check its API name")) {
				t.Errorf("%s: a module that there is not: %v", object, err)
			}
		}
	}
}

// TestTokensThatAreRefusedBeginAnew: a place in the list of notes lives for a day.
func TestTokensThatAreRefusedBeginAnew(t *testing.T) {
	t.Parallel()
	refused := 0
	f := answers(t, func(_, path, _ string) (int, string) {
		switch {
		case strings.Contains(path, "page_token=") && refused == 0:
			refused++
			return 400, `{"code":"EXPIRED_VALUE","message":"expired","details":{},"status":"error"}`
		case strings.Contains(path, "page_token="):
			return 200, list(`{"id":"2","Modified_Time":"2026-11-22T12:00:00+01:00"}`)
		}
		return 200, `{"data":[{"id":"1","Modified_Time":"2026-11-22T12:00:00+01:00"}],"info":{"more_records":true,"next_page_token":"t"}}`
	})
	pages, err := pull(t, f.connect(t), "Notes", "")
	if err != nil || len(pages) != 3 || pages[2].Records[0].ID != "2" {
		t.Errorf("pages %+v, error %v", pages, err)
	}
}

// TestDisorderIsNotBelieved: in another order than the one asked for, what
// follows the last row would be passed over.
func TestDisorderIsNotBelieved(t *testing.T) {
	t.Parallel()
	f := answers(t, func(method, _, _ string) (int, string) {
		return 200, list(`{"id":"1","Modified_Time":"2026-11-22T12:00:01+01:00"}`, `{"id":"2","Modified_Time":"2026-11-22T12:00:00+01:00"}`)
	})
	if pages, err := pull(t, f.connect(t), "Deals", queried); fault.KindOf(err) != fault.Temporary || len(pages) > 0 {
		t.Errorf("%d pages, error %v (%v)", len(pages), err, fault.KindOf(err))
	}
}

// TestNotesBeyondTheReachOfAList are read whole: behind the end of the list by ids
// come lists by times of change. A place that is refused meanwhile begins with the
// last second again.
func TestNotesBeyondTheReachOfAList(t *testing.T) {
	t.Parallel()
	for name, play := range map[string]func(t *testing.T, a *ailing){
		"at once": func(t *testing.T, a *ailing) { a.walksOn(t) },
		"with a day between": func(t *testing.T, a *ailing) {
			a.walks(t, 8)
			a.clock.Advance(24 * time.Hour)
			a.walksOn(t)
		},
		"with notes that change meanwhile": func(t *testing.T, a *ailing) {
			a.walks(t, 5)
			a.clock.Advance(time.Second)
			a.do(t, "PUT", "Notes/"+seedID(3), map[string]any{"Note_Content": "inna"})
			a.walks(t, 2)
			a.do(t, "DELETE", "Notes/"+seedID(500), nil)
			a.walksOn(t)
			a.walksOn(t) // what was deleted
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAiling(t, "Notes", 1500, vendor.Options{ListReach: 600})
			play(t, a)
			if diff := cmp.Diff(a.truth(), a.seen, cmp.AllowUnexported(content{})); diff != "" {
				t.Errorf("(-at the vendor +here):\n%.3000s", diff)
			}
			if a.pages > 20 {
				t.Errorf("%d pages of 200 for 1,500 notes, by lists of 600", a.pages)
			}
			a.clock.Advance(time.Hour)
			a.do(t, "PUT", "Notes/"+seedID(7), map[string]any{"Note_Content": "później"})
			a.pages = 0
			if a.walksOn(t); a.pages > 2 || a.seen[seedID(7)].name != "później" {
				t.Errorf("the next walk has %d pages and brings %q", a.pages, a.seen[seedID(7)].name)
			}
		})
	}
}

// TestNotesThatNoListHolds: a list of one second, one without order, and one that
// goes on nowhere end in a refusal of notes alone, which lasts.
func TestNotesThatNoListHolds(t *testing.T) {
	t.Parallel()
	note := func(id, second int) string {
		return fmt.Sprintf(`{"id":"%d","Modified_Time":"2026-11-22T12:00:%02d+01:00"}`, id, second)
	}
	const beyond = `{"code":"PAGINATION_LIMIT_EXCEEDED","message":"no further","details":{},"status":"error"}`
	for name, tt := range map[string]struct {
		byTime func(place string) string
		words  string
	}{
		"all of one second": {func(string) string { return note(1, 5) }, "at 2026-11-22T11:00:05"},
		"in another order":  {func(string) string { return note(1, 5) + "," + note(2, 4) }, "not in the order of changes"},
		"without times":     {func(string) string { return `{"id":"1"}` }, "not in the order of changes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := answers(t, func(_, path, _ string) (int, string) {
				switch {
				case strings.Contains(path, "page_token=last"):
					return 400, beyond
				case strings.Contains(path, "sort_by=Modified_Time"):
					return 200, `{"data":[` + tt.byTime(path) + `],"info":{"more_records":true,"next_page_token":"last"}}`
				}
				return 200, `{"data":[` + note(1, 5) + `],"info":{"more_records":true,"next_page_token":"last"}}`
			})
			c, after := f.connect(t), connectors.Cursor("")
			for range 2 { // it lasts
				pages, err := pull(t, c, "Notes", after)
				if fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), tt.words) || len(f.asked) > 12 {
					t.Errorf("%d pages by %d calls, error %v (%v)", len(pages), len(f.asked), err, fault.KindOf(err))
				}
				if len(pages) > 0 {
					after = pages[len(pages)-1].Next
				}
			}
		})
	}
}

// TestAListThatEndsWithoutAWord: instead of the last place, nothing may stand.
func TestAListThatEndsWithoutAWord(t *testing.T) {
	t.Parallel()
	f := answers(t, func(_, path, _ string) (int, string) {
		at := `"Modified_Time":"2026-11-22T12:00:00+01:00"`
		switch {
		case strings.Contains(path, "sort_by=Modified_Time"):
			return 200, list(`{"id":"1",`+at+`}`, `{"id":"2",`+at+`}`, `{"id":"3",`+at+`}`)
		case strings.Contains(path, "page_token=t"):
			return 200, `{"data":[{"id":"2",` + at + `}],"info":{"more_records":true,"next_page_token":null}}`
		}
		return 200, `{"data":[{"id":"1",` + at + `}],"info":{"more_records":true,"next_page_token":"t"}}`
	})
	pages, err := pull(t, f.connect(t), "Notes", "")
	if err != nil || len(pages) != 2 || len(pages[1].Records) != 3 {
		t.Errorf("pages %+v, error %v", pages, err)
	}
}

package zoho_test

import (
	"fmt"
	"strings"
	"testing"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
)

// hanging is the edit that makes a task or a note on a deal, with its mark.
func hanging(object, deal, mark string) connectors.Edit {
	key := map[string]string{"Tasks": "Description", "Notes": "Note_Content"}[object]
	pairs := []connectors.Pair{pair(key, txt("zadzwonić — позвонить "+mark)), pair("related_Deals", txt(deal))}
	if object == "Tasks" {
		pairs = append(pairs, pair("Subject", txt("Telefon")))
	}
	return connectors.Edit{Object: object, Mark: mark, Set: set(pairs...)}
}

// TestTasksAreFoundWhateverTheLayoutShows: the deal's list of tasks is hidden or
// shows open ones alone, and the task is done already, or one of hundreds.
func TestTasksAreFoundWhateverTheLayoutShows(t *testing.T) {
	t.Parallel()
	a, _, c := connected(t, nil)
	pusher := c.(connectors.Pusher)
	a.RelateOpenTasks()
	a.HideRelated("Deals", "Tasks", true)
	deal := a.add(t, "Deals")
	for range 3 {
		var many []any
		for i := range 100 {
			many = append(many, map[string]any{"Subject": fmt.Sprintf("inne %d", i), "What_Id": map[string]any{"id": deal}, "$se_module": "Deals"})
		}
		a.do(t, "POST", "/crm/v8/Tasks", map[string]any{"data": many})
	}
	e := hanging("Tasks", deal, a.mark())
	if _, found, err := pusher.Find(t.Context(), e); err != nil || found {
		t.Fatalf("before it is made: %v %v", found, err)
	}
	made, err := pusher.Push(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	a.do(t, "PUT", "/crm/v8/Tasks/"+made.ID, map[string]any{"data": []any{map[string]any{"Status": "Completed"}}})
	r, found, err := pusher.Find(t.Context(), e)
	if err != nil || !found || r.ID != made.ID {
		t.Errorf("found %v, %s, error %v; want %s", found, r.ID, err, made.ID)
	}
}

// TestHiddenNotes: a list that may not be read does not say that there is no note.
// Once it is shown, the note is found.
func TestHiddenNotes(t *testing.T) {
	t.Parallel()
	a, _, c := connected(t, nil)
	e := hanging("Notes", a.add(t, "Deals"), a.mark())
	if _, err := c.(connectors.Pusher).Push(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	if _, found, err := c.(connectors.Pusher).Find(t.Context(), e); err != nil || !found {
		t.Errorf("shown: %v %v", found, err)
	}
	a.HideRelated("Deals", "Notes", true)
	if _, _, err := c.(connectors.Pusher).Find(t.Context(), e); fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "layouts") {
		t.Errorf("hidden: %v (%v)", err, fault.KindOf(err))
	}
}

// refusing is what the vendor says with a code and details.
func refusing(code, details string) string {
	return `{"code":"` + code + `","details":{` + details + `},"message":"the x given seems to be invalid","status":"error"}`
}

// TestNotFoundForCertain: of what the vendor refuses, that the id in the address is
// no record's alone says that a record, or what would hang on it, is not there.
func TestNotFoundForCertain(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		status  int
		body    string
		certain bool
	}{
		"the id in the address":  {400, refusing("INVALID_DATA", `"resource_path_index":1`), true},
		"the id by name":         {400, refusing("INVALID_DATA", `"api_name":"id"`), true},
		"no such record, by 404": {404, refusing("RESOURCE_NOT_FOUND", ``), true},
		"nothing":                {204, "", true},
		"the related list":       {400, refusing("INVALID_DATA", `"resource_path_index":2`), false},
		"the module":             {400, refusing("INVALID_DATA", `"resource_path_index":0`), false},
		"a parameter":            {400, refusing("INVALID_DATA", `"param_name":"fields"`), false},
		"no details":             {400, refusing("INVALID_DATA", ``), false},
		"another field":          {400, refusing("INVALID_DATA", `"api_name":"Owner"`), false},
		"in the words alone":     {400, `{"code":"OTHER","details":{},"message":"(INVALID_DATA)","status":"error"}`, false},
		"no such call":           {404, refusing("INVALID_URL_PATTERN", ``), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := answers(t, func(_, path, _ string) (int, string) {
				switch {
				case strings.Contains(path, "settings/fields"):
					return 200, definitions(3)
				case strings.Contains(path, "ids="):
					return 204, ""
				}
				return tt.status, tt.body
			})
			c := f.connect(t)
			page, err := c.(connectors.Fetcher).Fetch(t.Context(), "Deals", []string{"5"})
			if buried := err == nil && len(page.Records) == 1 && page.Records[0].Deleted; buried != tt.certain || !buried && err == nil {
				t.Errorf("a deal: %+v, error %v, want it buried: %v", page.Records, err, tt.certain)
			}
			if _, found, err := c.(connectors.Pusher).Find(t.Context(), hanging("Notes", "5", "sb-1")); found || (err == nil) != tt.certain {
				t.Errorf("a note: found %v, error %v, want it not there for certain: %v", found, err, tt.certain)
			}
		})
	}
}

// TestChangesOfWhatIsGone: a write ends as not found only if the record is meant, and
// not one to which it refers.
func TestChangesOfWhatIsGone(t *testing.T) {
	t.Parallel()
	element := func(details string) string { return `{"data":[` + refusing("INVALID_DATA", details) + `]}` }
	for name, tt := range map[string]struct {
		status int
		body   string
		want   fault.Kind
	}{
		"the id in the address": {400, refusing("INVALID_DATA", `"resource_path_index":1`), fault.NotFound},
		"the element's id":      {200, element(`"api_name":"id","json_path":"$.data[0].id"`), fault.NotFound},
		"an owner's id":         {200, element(`"api_name":"id","json_path":"$.data[0].Owner.id"`), fault.Invalid},
		"no such call":          {404, refusing("INVALID_URL_PATTERN", ``), fault.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := answers(t, func(_, path, _ string) (int, string) {
				if strings.Contains(path, "settings/fields") {
					return 200, definitions(3)
				}
				return tt.status, tt.body
			})
			_, err := f.connect(t).(connectors.Pusher).Push(t.Context(), connectors.Edit{Object: "Deals", ID: "5", Set: set(pair("Own_01", txt("x")))})
			if fault.KindOf(err) != tt.want {
				t.Errorf("error %v (%v), want %v", err, fault.KindOf(err), tt.want)
			}
		})
	}
}

// TestStrangersIDsAreNotAskedFor: an id becomes part of a query and an address.
func TestStrangersIDsAreNotAskedFor(t *testing.T) {
	t.Parallel()
	f := answers(t, func(method, path, body string) (int, string) {
		t.Errorf("%s %s %s", method, path, body)
		return 204, ""
	})
	for _, object := range []string{"Tasks", "Notes"} {
		_, found, err := f.connect(t).(connectors.Pusher).Find(t.Context(), hanging(object, "1' or id is not null", "sb-1"))
		if found || fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: found %v, error %v (%v)", object, found, err, fault.KindOf(err))
		}
	}
}

// TestQueriesThatRunInCircles: a query that gives the same tasks again ends.
func TestQueriesThatRunInCircles(t *testing.T) {
	t.Parallel()
	rows := make([]string, 200)
	for i := range rows {
		rows[i] = fmt.Sprintf(`{"id":"%d","Modified_Time":"2026-11-22T12:00:00+01:00"}`, 1000+i)
	}
	f := answers(t, func(_, path, _ string) (int, string) {
		if strings.Contains(path, "settings/fields") {
			return 200, definitions(3)
		}
		return 200, list(rows...)
	})
	if _, found, err := f.connect(t).(connectors.Pusher).Find(t.Context(), hanging("Tasks", "5", "sb-1")); found || fault.KindOf(err) != fault.Temporary {
		t.Errorf("found %v, error %v (%v)", found, err, fault.KindOf(err))
	}
}

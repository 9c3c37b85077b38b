package pipedrive

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
)

func agreed() connectors.Callback {
	return connectors.Callback{URL: "https://hooks.example.com/in/5f3a9c", User: "salesbook", Password: "geheim"}
}

// hookList is a vendor with these webhooks that notes what changes them.
type hookList struct {
	list   string
	writes []string
}

// RoundTrip implements http.RoundTripper.
func (l *hookList) RoundTrip(req *http.Request) (*http.Response, error) {
	switch req.Method {
	case http.MethodGet:
		return reply(req, 200, `{"status":"ok","success":true,"data":`+l.list+`}`), nil
	case http.MethodDelete:
		l.writes = append(l.writes, "remove "+req.URL.Path[strings.LastIndex(req.URL.Path, "/")+1:])
		return reply(req, 200, `{"status":"ok","success":true}`), nil
	}
	var made newHook
	b, err := io.ReadAll(req.Body)
	if err != nil || json.Unmarshal(b, &made) != nil {
		return reply(req, 400, `{"status":"error","success":false}`), nil
	}
	l.writes = append(l.writes, fmt.Sprintf("make %s.%s %s as %s:%s at %s", made.Action, made.Object, made.Version, made.User, made.Password, made.URL))
	return reply(req, 201, `{"status":"ok","success":true,"data":{"id":99,"is_active":1}}`), nil
}

// TestWatchMendsTheList starts from lists that went wrong in one way each.
func TestWatchMendsTheList(t *testing.T) {
	t.Parallel()
	ours := func(id int, change string) string {
		h := fmt.Sprintf(`{"id":%d,"subscription_url":%q,"event_action":"*","event_object":"*","version":"2.0","is_active":1,"name":%q}`, id, agreed().URL, hookName(agreed()))
		if from, to, ok := strings.Cut(change, " -> "); ok {
			h = strings.ReplaceAll(h, from, to)
		}
		return h
	}
	made := "make *.* 2.0 as salesbook:geheim at " + agreed().URL
	for name, c := range map[string]struct {
		list []string
		want []string
	}{
		"none":                    {nil, []string{made}},
		"as it should be":         {[]string{ours(1, "")}, nil},
		"active by another word":  {[]string{ours(1, `"is_active":1 -> "is_active":true`)}, nil},
		"a version as a number":   {[]string{ours(1, `"2.0" -> 2`)}, nil},
		"one too many":            {[]string{ours(1, ""), ours(2, "")}, []string{"remove 2"}},
		"inactive":                {[]string{ours(1, `"is_active":1 -> "is_active":0`)}, []string{made, "remove 1"}},
		"of webhooks v1":          {[]string{ours(1, `"2.0" -> "1.0"`)}, []string{made, "remove 1"}},
		"for deals only":          {[]string{ours(1, `"event_object":"*" -> "event_object":"deal"`)}, []string{made, "remove 1"}},
		"made with other words":   {[]string{ours(1, "salesbook -> other")}, []string{made, "remove 1"}},
		"below our address":       {[]string{ours(1, "5f3a9c -> 5f3a9c/old")}, []string{made, "remove 1"}},
		"of an address like ours": {[]string{ours(1, "5f3a9c -> 5f3a9cd"), ours(2, "")}, nil},
		"of somebody else":        {[]string{ours(1, "hooks. -> other.")}, []string{made}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := &hookList{list: "[" + strings.Join(c.list, ",") + "]"}
			got, err := over(t, l).Watch(t.Context(), agreed())
			if err != nil || len(got) != 1 || !got[0].Active {
				t.Fatalf("subscriptions %+v, error %v", got, err)
			}
			if diff := cmp.Diff(c.want, l.writes); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWatchWithoutProtection(t *testing.T) {
	t.Parallel()
	l := &hookList{list: "[]"}
	for _, c := range []connectors.Callback{{}, {URL: agreed().URL, User: "x"}, {Password: "x"}} {
		if _, err := over(t, l).Watch(t.Context(), c); fault.KindOf(err) != fault.Invalid || len(l.writes) > 0 {
			t.Errorf("%+v: error %v, changes %v", c, err, l.writes)
		}
	}
	if err := over(t, l).Unwatch(t.Context(), connectors.Callback{}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("unwatching nothing would remove everything: %v", err)
	}
}

// TestWatchNeedsAdmin: the refusal says what to do.
func TestWatchNeedsAdmin(t *testing.T) {
	t.Parallel()
	_, err := over(t, answering(403, nil, `{"success":false,"error":"x"}`)).Watch(t.Context(), agreed())
	if fault.KindOf(err) != fault.Forbidden || !strings.Contains(err.Error(), "admin") {
		t.Errorf("error %v", err)
	}
}

// TestHookNameTellsNothing: the name is shown to every admin of the account.
func TestHookNameTellsNothing(t *testing.T) {
	t.Parallel()
	other := agreed()
	other.Password += "x"
	if a, b := hookName(agreed()), hookName(other); a == b || strings.Contains(a, agreed().Password) || len(a) > 255 {
		t.Errorf("names %q and %q", a, b)
	}
}

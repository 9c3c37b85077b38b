package zoho_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
)

func callback() connectors.Callback {
	return connectors.Callback{URL: "https://hooks.example.com/in/1", User: "u", Password: "p"}
}

// TestARefusedChannelSpoilsNoOther: a module that the user may not see has none, and
// the others are made and renewed.
func TestARefusedChannelSpoilsNoOther(t *testing.T) {
	t.Parallel()
	a, _, c := connected(t, nil)
	a.Hide("Products")
	watch := func() (standing []connectors.Subscription) {
		t.Helper()
		subs, err := c.(connectors.Watcher).Watch(t.Context(), callback())
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range subs {
			switch refused := s.Refused != ""; {
			case refused != (s.Object == "Products"), refused == s.Active, refused != (s.ID == ""):
				t.Errorf("%+v", s)
			case refused && !strings.Contains(s.Refused, "NO_PERMISSION"):
				t.Errorf("%s does not say by what code", s.Refused)
			case !refused:
				standing = append(standing, s)
			}
		}
		if len(subs) != len(standing)+1 || len(a.Channels()) != len(standing) {
			t.Errorf("%d told, %d of them standing, the vendor has %d", len(subs), len(standing), len(a.Channels()))
		}
		return standing
	}
	first := watch()
	a.clock.Advance(25 * time.Hour)
	for i, s := range watch() {
		if s.ID != first[i].ID || !s.ExpiresAt.After(first[i].ExpiresAt) {
			t.Errorf("a day later %+v, before %+v", s, first[i])
		}
	}
}

// desk is a fake that has channels, and refuses some of them as a test says.
type channelDesk struct {
	have   string                                              // what is listed
	refuse func(method string, modules []string) (int, string) // empty: it does not
	asked  []string                                            // method and modules or ids
}

func (d *channelDesk) answer(method, path, body string) (int, string) {
	if method == "GET" {
		if d.have == "" {
			return 204, ""
		}
		return 200, `{"watch":[` + d.have + `],"info":{"more_records":false}}`
	}
	var in struct {
		Watch []struct {
			ID     string   `json:"channel_id"`
			Events []string `json:"events"`
		} `json:"watch"`
	}
	if method != "DELETE" && json.Unmarshal([]byte(body), &in) != nil {
		return 400, `{}`
	}
	var of, done []string
	for _, w := range in.Watch {
		of, done = append(of, strings.TrimSuffix(strings.Join(w.Events, ","), ".all")), append(done, success)
	}
	d.asked = append(d.asked, method+" "+strings.Join(of, ","))
	if status, text := d.refuse(method, of); text != "" {
		return status, text
	}
	return 201, `{"watch":[` + strings.Join(done, ",") + `]}`
}

const success = `{"code":"SUCCESS","details":{},"message":"","status":"success"}`

func element(code, about string) string {
	return fmt.Sprintf(`{"code":%q,"details":{"api_name":%q,"json_path":"$.watch[0].%s"},"message":"https://hooks.example.com/in/1","status":"error"}`, code, about, about)
}

// TestHowChannelsAreRefused: by elements with any status, or all at once for one.
func TestHowChannelsAreRefused(t *testing.T) {
	t.Parallel()
	only := func(module string, status int, answer func(modules []string) string) func(string, []string) (int, string) {
		return func(_ string, modules []string) (int, string) {
			if slices.Contains(modules, module) {
				return status, answer(modules)
			}
			return 0, ""
		}
	}
	elements := func(no string) func([]string) string {
		return func(modules []string) string {
			var out []string
			for _, m := range modules {
				out = append(out, map[bool]string{true: no, false: success}[m == "Calls"])
			}
			return `{"watch":[` + strings.Join(out, ",") + `]}`
		}
	}
	whole := func(text string) func([]string) string { return func([]string) string { return text } }
	for name, tt := range map[string]struct {
		refuse  func(string, []string) (int, string)
		refused []string // modules
		words   string   // of the refusal, or of the error
		kind    fault.Kind
		calls   int
	}{
		"an element with 207":                   {only("Calls", 207, elements(element("NO_PERMISSION", "events"))), []string{"Calls"}, "(NO_PERMISSION)", 0, 1},
		"an element with 202":                   {only("Calls", 202, elements(element("INVALID_DATA", "events"))), []string{"Calls"}, "API name", 0, 1},
		"an element with 400":                   {only("Calls", 400, elements(element("INVALID_MODULE", "events"))), []string{"Calls"}, "(INVALID_MODULE)", 0, 1},
		"too many":                              {only("Calls", 207, elements(element("LIMIT_REACHED", ""))), []string{"Calls"}, "End those of other tools", 0, 1},
		"all for one":                           {only("Calls", 400, whole(element("INVALID_DATA", "events"))), []string{"Calls"}, "API name", 0, 9},
		"all for one, in a list":                {only("Calls", 400, whole(`{"watch":[`+element("INVALID_DATA", "events")+`]}`)), []string{"Calls"}, "API name", 0, 9},
		"all for one that may not be seen":      {only("Calls", 403, whole(element("NO_PERMISSION", ""))), []string{"Calls"}, "(NO_PERMISSION)", 0, 9},
		"an address that is not public":         {only("Calls", 202, elements(element("INVALID_DATA", "notify_url"))), nil, "public and https", fault.Invalid, 1},
		"a fault of the vendor's in an element": {only("Calls", 207, elements(element("INTERNAL_ERROR", ""))), []string{"Calls"}, "(INTERNAL_ERROR). It is tried again", 0, 1},
		"credentials in an element":             {only("Calls", 207, elements(element("INVALID_TOKEN", ""))), nil, "connect again", fault.Auth, 1},
		"fewer outcomes than channels":          {only("Calls", 201, whole(`{"watch":[`+success+`]}`)), nil, "documented form", fault.Temporary, 1},
		"a scope":                               {only("Calls", 401, whole(element("OAUTH_SCOPE_MISMATCH", ""))), nil, "OAUTH_SCOPE_MISMATCH", fault.Forbidden, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := &channelDesk{refuse: tt.refuse}
			subs, err := answers(t, d.answer).connect(t).(connectors.Watcher).Watch(t.Context(), callback())
			words := fmt.Sprint(err)
			var refused []string
			for _, s := range subs {
				if (s.Refused == "") != s.Active || s.Active != (s.ID != "") {
					t.Errorf("%+v", s)
				}
				if s.Refused != "" {
					refused, words = append(refused, s.Object), s.Refused
				}
			}
			if diff := cmp.Diff(tt.refused, refused); diff != "" || fault.KindOf(err) != tt.kind || len(d.asked) != tt.calls {
				t.Errorf("error %v (%v), calls %q, refused (-want +got):\n%s", err, fault.KindOf(err), d.asked, diff)
			}
			if !strings.Contains(words, tt.words) || strings.Contains(words, "/in/1") || tt.words != "public and https" && strings.Contains(words, "public") {
				t.Errorf("it says %q, want %q, no address, and of addresses nothing unless they are wrong", words, tt.words)
			}
		})
	}
}

// TestChannelsThatEndWhileTheyAreRenewed are made anew; of one that is refused a new
// life it is told until when it stands.
func TestChannelsThatEndWhileTheyAreRenewed(t *testing.T) {
	t.Parallel()
	made := map[string]string{} // modules' channels, as listed
	d := &channelDesk{}
	ends := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	var c connectors.Watcher
	d.refuse = func(_ string, modules []string) (int, string) { return 0, "" }
	f := answers(t, func(method, path, body string) (int, string) {
		if method == "POST" && len(made) == 0 {
			var in struct{ Watch []map[string]any }
			if err := json.Unmarshal([]byte(body), &in); err != nil {
				t.Error(err)
			}
			for _, w := range in.Watch {
				module := strings.TrimSuffix(w["events"].([]any)[0].(string), ".all")
				w["resource_name"], w["channel_expiry"] = module, ends.Format(time.RFC3339)
				text, err := json.Marshal(w)
				if err != nil {
					t.Error(err)
				}
				made[module] = string(text)
			}
		}
		return d.answer(method, path, body)
	})
	c = f.connect(t).(connectors.Watcher)
	first, err := c.Watch(t.Context(), callback())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range first {
		d.have += map[bool]string{false: ","}[d.have == ""] + made[s.Object]
	}
	d.asked = nil
	d.refuse = func(method string, modules []string) (int, string) {
		if method != "PATCH" {
			return 0, ""
		}
		out := slices.Repeat([]string{success}, len(modules))
		out[0], out[1] = element("NOT_SUBSCRIBED", "channel_id"), element("NO_PERMISSION", "")
		return 207, `{"watch":[` + strings.Join(out, ",") + `]}`
	}
	second, err := c.Watch(t.Context(), callback())
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range second {
		switch {
		case i == 0 && (s.ID == first[i].ID || !s.Active || s.Refused != ""):
			t.Errorf("had ended: %+v", s)
		case i == 1 && (s.ID != first[i].ID || !s.Active || s.Refused == "" || !s.ExpiresAt.Equal(ends)):
			t.Errorf("refused a new life: %+v, ends %v", s, ends)
		case i > 1 && (s.ID != first[i].ID || s.Refused != "" || !s.ExpiresAt.After(ends)):
			t.Errorf("renewed: %+v", s)
		}
	}
	if want := "POST " + second[0].Object; len(d.asked) < 2 || d.asked[1] != want {
		t.Errorf("asked %q, want %q after the renewal", d.asked, want)
	}
}

// TestChannelsThatHaveEnded need no end: those beside them are ended, and only what is
// refused for another reason is an error.
func TestChannelsThatHaveEnded(t *testing.T) {
	t.Parallel()
	var standing []string
	for _, id := range []string{"1", "2"} {
		standing = append(standing, fmt.Sprintf(`{"channel_id":%q,"notify_url":%q,"resource_name":"Deals","events":["Deals.all"]}`, id, callback().URL))
	}
	for code, kind := range map[string]fault.Kind{"NOT_SUBSCRIBED": 0, "INVALID_DATA": fault.Invalid} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			var ended []string
			f := answers(t, func(method, path, _ string) (int, string) {
				_, ids, _ := strings.Cut(path, "channel_ids=")
				switch {
				case method == "GET":
					return 200, `{"watch":[` + strings.Join(standing, ",") + `],"info":{"more_records":false}}`
				case strings.HasPrefix(ids, "1"):
					return 400, `{"watch":[` + element(code, "channel_ids") + `]}`
				}
				ended = append(ended, ids)
				return 200, `{"watch":[` + success + `]}`
			})
			err := f.connect(t).(connectors.Watcher).Unwatch(t.Context(), callback())
			if fault.KindOf(err) != kind || (err == nil) != slices.Equal(ended, []string{"2"}) {
				t.Errorf("error %v, ended %q", err, ended)
			}
		})
	}
}

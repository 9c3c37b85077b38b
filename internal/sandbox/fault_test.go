package sandbox

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseFault(t *testing.T) {
	t.Parallel()
	for spec, want := range map[string]Fault{
		"429-burst:p=0.05":                          {Kind: BurstLimit, P: 0.05},
		"429-daily:after=1000":                      {Kind: DailyLimit, P: 1, After: 1000},
		"5xx:p=0.1,after-commit":                    {Kind: ServerError, P: 0.1, Status: 500, AfterCommit: true},
		"5xx:status=503,times=2,path=/deals":        {Kind: ServerError, P: 1, Status: 503, Times: 2, Path: "/deals"},
		"refuse:method=PATCH,path=/deals/5":         {Kind: Refuse, P: 1, Method: "PATCH", Path: "/deals/5"},
		"slow:ms=800":                               {Kind: Slow, P: 1, Delay: 800 * time.Millisecond},
		"cut":                                       {Kind: Cut, P: 1},
		"html:p=0.5,status=200":                     {Kind: HTML, P: 0.5, Status: 200},
		"ties:n=5000":                               {Kind: Ties, P: 1, N: 5000},
		"webhook-lost:p=0.2":                        {Kind: WebhookLost, P: 0.2},
		"webhook-double":                            {Kind: WebhookDouble, P: 1},
		"webhook-reorder:p=1":                       {Kind: WebhookReorder, P: 1},
		"skew:s=-90":                                {Kind: Skew, P: 1, Delay: -90 * time.Second},
		"cursor-expire:after=60":                    {Kind: CursorExpire, P: 1, Delay: time.Minute},
		"token-expire:after=10":                     {Kind: TokenExpire, P: 1, After: 10},
		"empty:path=/api/v2/deals,after=1,times=10": {Kind: Empty, P: 1, After: 1, Times: 10, Path: "/api/v2/deals"},
	} {
		got, err := ParseFault(spec)
		if err != nil {
			t.Errorf("%s: %v", spec, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", spec, diff)
		}
	}
}

func TestParseFaultSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for spec, want := range map[string]string{
		"":                   "no such kind",
		"500":                "no such kind; kinds are 429-burst, 429-daily, 5xx",
		"5xx:q=1":            `5xx takes no "q", only status, after-commit, method, p, after, times, path`,
		"5xx:p=2":            "want a probability above 0 and up to 1",
		"5xx:p=0":            "want a probability above 0 and up to 1",
		"5xx:p=x":            `got "x"`,
		"5xx:status=404":     "want 500 to 599, got 404",
		"html:status=99":     "want an HTTP status",
		"5xx:after-commit=1": "stands alone",
		"5xx:times=-1":       "want 0 or more, got -1",
		"5xx:times=many":     `want a whole number, got "many"`,
		"slow":               "say how much, as in slow:ms=500",
		"skew":               "say how much, as in skew:s=500",
		"ties":               "say how many records, as in ties:n=5000",
		"skew:method=GET":    `skew takes no "method"`,
		"ties:p=1":           `ties takes no "p"`,
	} {
		_, err := ParseFault(spec)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want an error with %q", spec, err, want)
		}
	}
}

func TestFaultsStrikeAsTold(t *testing.T) {
	t.Parallel()
	f := NewFaults(1,
		Fault{Kind: ServerError, P: 1, After: 2, Times: 3, Path: "/deals"},
		Fault{Kind: Cut, P: 0.3},
		Fault{Kind: Skew, Delay: time.Minute}, Fault{Kind: Skew, Delay: time.Second})
	var got []bool
	for range 7 {
		if _, hit := f.Hit(ServerError, "/persons"); hit {
			t.Fatal("a fault bound to /deals struck /persons")
		}
		_, hit := f.Hit(ServerError, "/api/v2/deals")
		got = append(got, hit)
	}
	if diff := cmp.Diff([]bool{false, false, true, true, true, false, false}, got); diff != "" {
		t.Errorf("after two calls, three times (-want +got):\n%s", diff)
	}
	hits := 0
	for range 10_000 {
		if _, hit := f.Hit(Cut, "/"); hit {
			hits++
		}
	}
	if hits < 2_800 || hits > 3_200 {
		t.Errorf("p=0.3 struck %d of 10000 calls", hits)
	}
	if want := time.Minute + time.Second; f.Skew() != want {
		t.Errorf("skew %s, want %s", f.Skew(), want)
	}
	remove := f.Add(Fault{Kind: HTML})
	if _, hit := f.Hit(HTML, "/"); !hit {
		t.Error("an added fault without p must strike always")
	}
	remove()
	if _, hit := f.Hit(HTML, "/"); hit {
		t.Error("a removed fault struck")
	}
}

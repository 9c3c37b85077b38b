package zoho

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const seedText = `
{"object":"Deals","record":{"id":"3652397000009000007","Deal_Name":"Сделка","Pipeline":"Sprzedaż","Stage":"Przegrana","Owner":{"id":"3652397000009000005"},"Contact_Name":{"id":"3652397000009000003"},"Amount":1500.5,"Currency":"USD","Reason_For_Loss__s":"Бюджет ниже","Created_Time":"2026-01-05T08:00:00Z","Stage_Modified_Time":"2026-02-05T09:00:00+01:00","Product":{"id":"3652397000009000004"}}}
{"object":"Deals","record":{"Deal_Name":"Next","Stage":"Ocena","Created_Time":"2026-03-01T08:00:00Z"}}
{"object":"DealHistory","record":{"Potential_Name":{"id":"3652397000009000007"},"Stage":"Ocena","Modified_Time":"2026-01-05T08:00:00Z","Moved_To__s":"Przegrana"}}
{"object":"DealHistory","record":{"Potential_Name":{"id":"3652397000009000007"},"Stage":"Przegrana","Modified_Time":"2026-02-05T08:00:00Z"}}
{"object":"users","record":{"id":"3652397000009000005","full_name":"Jan Łoś","email":"jan@example.com","status":"disabled"}}
{"object":"pipelines","record":{"actual_value":"Sprzedaż","maps":[{"actual_value":"Ocena"},{"actual_value":"Przegrana","display_value":"Odmowa","forecast_type":"Closed Lost"}]}}
{"object":"fields","record":{"module":"Deals","api_name":"Reason_For_Loss__s","pick_list_values":[{"display_value":"Бюджет ниже"}]}}
{"object":"fields","record":{"module":"Deals","api_name":"Product","data_type":"lookup","lookup":{"module":{"api_name":"Products"}}}}
{"object":"Contacts","record":{"id":"3652397000009000003","First_Name":"Анна","Last_Name":"Ткач","Phone":"+48 1"}}
{"object":"Products","record":{"id":"3652397000009000004","Product_Name":"Lokal"}}
{"object":"Tasks","record":{"Subject":"Показ","Status":"Completed","What_Id":{"id":"3652397000009000007"},"Modified_Time":"2026-02-01T08:00:00Z"}}
{"object":"Notes","record":{"Note_Content":"x","Parent_Id":{"id":"3652397000009000007"}}}
`

func TestSeedFillsWhatItLeavesOut(t *testing.T) {
	t.Parallel()
	b := setup(t, Options{RefreshToken: "1000.r"})
	if err := b.Seed(strings.NewReader("\ufeff" + seedText)); err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, o := range []string{"users", "pipelines", "stages", "Deals", "DealHistory", "Contacts", "Tasks", "Notes"} {
		counts[o], _ = b.Count(o)
	}
	// An administrator joins, because the seed has none; the pipeline and the user of
	// a fresh account give way; a deal without history begins where it is.
	if diff := cmp.Diff(map[string]int{"users": 2, "pipelines": 1, "stages": 2, "Deals": 2, "DealHistory": 3, "Contacts": 1, "Tasks": 1, "Notes": 1}, counts); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
	deal := b.get("/crm/v8/Deals/3652397000009000007").list("data")[0]
	want := object{
		"Pipeline": "Sprzedaż", "Stage": "Przegrana", "Currency": "USD", "Reason_For_Loss__s": "Бюджет ниже",
		"Created_Time": "2026-01-05T09:00:00+01:00", "Stage_Modified_Time": "2026-02-05T09:00:00+01:00", "Modified_Time": "2026-02-05T09:00:00+01:00",
		"Owner":   object{"id": "3652397000009000005", "name": "Jan Łoś", "email": "jan@example.com"},
		"Product": object{"id": "3652397000009000004", "name": "Lokal"},
	}
	for key, v := range want {
		if diff := cmp.Diff(v, deal[key]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", key, diff)
		}
	}
	if task := b.get("/crm/v8/Tasks?fields=Closed_Time,Modified_Time").list("data")[0]; task["Closed_Time"] != "2026-02-01T09:00:00+01:00" {
		t.Errorf("the task was done at %v, want when it was changed last", task["Closed_Time"])
	}
	if g := b.grants[0]; g.User != b.administrator() {
		t.Error("the consent is still of a user who gave way")
	}
}

func TestSeedErrorsNameLineAndField(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		`nonsense`:                       `line 2: want {"object": "Deals", "record": {...}}`,
		`{"object":"Deals"}`:             "line 2: Deals: record: want an object",
		`{"object":"deals","record":{}}`: `line 2: no object "deals"; objects are users, fields, pipelines, Accounts`,
		`{"object":"Deals","record":{"Deal_Name":"x","Stage":"Qualification","Amont":1}}`:                        "line 2: Deals: Amont: no such field",
		`{"object":"Deals","record":{"Deal_Name":"x","Stage":"Qualification","Amount":"1"}}`:                     "line 2: Deals: Amount: want a value of type double",
		`{"object":"Deals","record":{"Deal_Name":"x","Stage":"Nowhere"}}`:                                        "line 2: Deals: Stage: want a value of type picklist",
		`{"object":"Deals","record":{"Stage":"Qualification"}}`:                                                  "line 2: Deals: Deal_Name: is required",
		`{"object":"Deals","record":{"Deal_Name":"x","Stage":"Qualification","Owner":{"id":"9"}}}`:               `line 2: Deals: Owner: there is no user "9"`,
		`{"object":"Deals","record":{"Deal_Name":"x","Stage":"Qualification","Contact_Name":{"id":"9"}}}`:        "line 2: Deals: Contact_Name: the id given",
		`{"object":"Deals","record":{"Deal_Name":"x","Stage":"Qualification","Created_Time":"1.1.26"}}`:          "line 2: Deals: Created_Time: want a value of type datetime",
		`{"object":"Deals","record":{"id":7,"Deal_Name":"x","Stage":"Qualification","Customer_Revenue":1}}`:      "line 2: Deals: Customer_Revenue: is reckoned",
		`{"object":"Accounts","record":{"id":"x","Account_Name":"x"}}`:                                           "line 2: Accounts: id: want a text of digits",
		`{"object":"Accounts","record":{"id":"3652397000009000001","Account_Name":"x"}}`:                         "line 2: Accounts: id: 3652397000009000001 is taken",
		`{"object":"users","record":{"email":"x"}}`:                                                              "line 2: users: full_name: is required",
		`{"object":"pipelines","record":{"actual_value":"x","maps":[{"actual_value":"y","forecast_type":"z"}]}}`: "line 2: pipelines: maps: forecast_type: want Open",
		`{"object":"fields","record":{"module":"Deal","api_name":"x"}}`:                                          `line 2: fields: module: there is no module "Deal"`,
		`{"object":"fields","record":{"module":"Deals","api_name":"x","data_type":"star"}}`:                      `line 2: fields: data_type: "star" cannot be made`,
	} {
		b := setup(t, Options{})
		before := len(b.tables["Accounts"].rows)
		err := b.Seed(strings.NewReader(`{"object":"Accounts","record":{"id":"3652397000009000001","Account_Name":"first"}}` + "\n" + line))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\n%v, want an error with %q", line, err, want)
		}
		if n := len(b.tables["Accounts"].rows); n != before || len(b.settings.Pipelines) != 1 {
			t.Errorf("%s: a refused seed left its traces", line)
		}
	}
}

// TestOneCurrency: an account without multi-currency tells no currency with its
// deals, only with the organization.
func TestOneCurrency(t *testing.T) {
	t.Parallel()
	b := setup(t, Options{Company: Company{Name: "x", Country: "US", Currency: "USD", TimeZone: "UTC", Edition: "enterprise", OneCurrency: true}})
	if err := b.Seed(strings.NewReader(`{"object":"Deals","record":{"Deal_Name":"x","Stage":"Qualification","Amount":5}}`)); err != nil {
		t.Fatal(err)
	}
	deal := b.get("/crm/v8/Deals?fields=Deal_Name,Currency,Exchange_Rate").list("data")[0]
	if _, ok := deal["Currency"]; ok || deal["Exchange_Rate"] != nil {
		t.Errorf("%v, want no currency", deal)
	}
	if org := b.get("/crm/v8/org").list("org")[0]; org["iso_code"] != "USD" || org["mc_status"] != false {
		t.Errorf("%v, want one currency, US dollars", org)
	}
}

package jobs_test

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/shopspring/decimal"

	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/postgres/pgtest"
	"salesbook.dev/internal/sandbox/pipedrive"
	"salesbook.dev/internal/sandbox/zoho"
)

// figures are what a head of sales asks of a group of deals.
type figures struct {
	Deals, Won, Lost int
	Sum              string // won money
	WinRate          string // of those closed, to four places
}

func (f *figures) add(stage, value string) {
	f.Deals++
	switch stage {
	case "Won":
		f.Won++
		f.Sum = decimal.RequireFromString(value).Add(decimal.RequireFromString("0" + f.Sum)).String()
	case "Lost":
		f.Lost++
	}
}

func (f *figures) finish() {
	if f.Sum == "" {
		f.Sum = "0"
	}
	if closed := int64(f.Won + f.Lost); closed > 0 {
		f.WinRate = decimal.NewFromInt(int64(f.Won)).DivRound(decimal.NewFromInt(closed), 4).StringFixed(4)
	}
}

// TestLargeRealOpportunities loads a published data set of 8,800 deals through the
// simulator of each vendor and the whole pipeline. Figures by SQL on the canonical
// tables must equal those computed from the CSV without any of our code, so that
// each vendor's are the other's.
func TestLargeRealOpportunities(t *testing.T) {
	t.Parallel()
	data := readOpportunities(t)
	for _, c := range []struct {
		vendor   string
		open     func(t *testing.T, data opportunities) *bundle
		products string // what ties products to deals
		book     func(t *testing.T, b *bundle)
	}{
		{"pipedrive", pipedriveWith, `JOIN deal_items i ON i.deal_id = d.external_id JOIN products p ON p.external_id = i.product_id`, func(t *testing.T, b *bundle) {
			t.Run("the book", func(t *testing.T) {
				b.staleAsTheCSVSays(t, data, "2016-12-31", "2017-03-08", "2017-06-30", "2017-12-31", "2018-06-01")
			})
			t.Run("the starter book", func(t *testing.T) { b.starterOfRealDeals(t, data) })
		}},
		// A deal of Zoho's refers to its product, and tells of stages that it has left
		// only by its history: after the last closing nobody asks for that.
		{"zoho", zohoWith, `JOIN products p ON p.external_id = d.custom->>'Product'`, func(t *testing.T, b *bundle) {
			t.Run("the book", func(t *testing.T) { b.staleAsTheCSVSays(t, data, "2018-06-01") })
		}},
	} {
		t.Run(c.vendor, func(t *testing.T) {
			b := c.open(t, data)
			b.setTeams(t, data)
			b.figuresAsTheCSVSays(t, data, c.products)
			c.book(t, b)
		})
	}
}

// pipedriveWith is an account of Pipedrive's that holds the data set.
func pipedriveWith(t *testing.T, data opportunities) *bundle {
	b := setup(t, 0, pipedrive.Options{})
	if err := b.sim.Seed(bytes.NewReader(data.seed(t))); err != nil {
		t.Fatal(err)
	}
	b.pull(t)
	b.drift(t)
	return b
}

// zohoWith is an account of Zoho's that holds it, with one currency, which the deals
// do not name.
func zohoWith(t *testing.T, data opportunities) *bundle {
	b := &bundle{db: pgtest.New(t), key: filepath.Join(t.TempDir(), "key")}
	b.ws = b.db.Workspace(t, "acme")
	b.Pipeline = pipeline(t, b)
	a := b.joinZoho(t, "crm", zoho.Options{Company: zoho.Company{Name: "Acme", Country: "US", Currency: "USD", TimeZone: "UTC", Edition: "ultimate", OneCurrency: true}})
	a.seed(t, data.seedZoho(t))
	a.pull(t)
	a.drift(t)
	return a.bundle
}

// setTeams tells which manager has which reps, found by their addresses.
func (b *bundle) setTeams(t *testing.T, data opportunities) {
	t.Helper()
	teams := map[string][]string{}
	for _, agent := range data.agents {
		teams[data.managerOf[agent]] = append(teams[data.managerOf[agent]], one[string](t, b, `SELECT external_id FROM reps WHERE email = $1`, addressOf(agent)))
	}
	b.in(t, func(tx pgx.Tx) error {
		for manager, reps := range teams {
			if err := postgres.SetTeam(t.Context(), tx, b.ws, b.conn, manager, reps); err != nil {
				return err
			}
		}
		return nil
	})
}

func (b *bundle) figuresAsTheCSVSays(t *testing.T, data opportunities, products string) {
	t.Helper()
	const sum = `count(*), count(*) FILTER (WHERE d.status = 'won'), count(*) FILTER (WHERE d.status = 'lost'),
		COALESCE(trim_scale(sum(d.amount) FILTER (WHERE d.status = 'won' AND d.currency = 'USD')), 0)::text,
		COALESCE(round(count(*) FILTER (WHERE d.status = 'won')::numeric / NULLIF(count(*) FILTER (WHERE d.status IN ('won', 'lost')), 0), 4)::text, '')
		FROM deals d`
	for _, c := range []struct {
		by, from string
		key      func(o opportunity) string
	}{
		{"rep", `SELECT r.name, ` + sum + ` JOIN reps r ON r.external_id = d.owner_id GROUP BY 1`, func(o opportunity) string { return o.agent }},
		{"manager", `SELECT t.name, ` + sum + ` JOIN team_reps m ON m.rep_id = d.owner_id JOIN teams t ON t.id = m.team_id GROUP BY 1`,
			func(o opportunity) string { return data.managerOf[o.agent] }},
		{"product", `SELECT p.name, ` + sum + ` ` + products + ` GROUP BY 1`, func(o opportunity) string { return data.product(o) }},
		{"account", `SELECT COALESCE(c.name, ''), ` + sum + ` LEFT JOIN companies c ON c.external_id = d.company_id GROUP BY 1`, func(o opportunity) string { return o.account }},
	} {
		if d := gocmp.Diff(data.figures(c.key), query(t, b, c.from)); d != "" {
			t.Errorf("by %s: CSV and canonical tables differ (-want +got):\n%s", c.by, d)
		}
	}
}

func query(t *testing.T, b *bundle, sql string) map[string]figures {
	t.Helper()
	got := map[string]figures{}
	b.in(t, func(tx pgx.Tx) error {
		rows, err := tx.Query(t.Context(), sql)
		if err != nil {
			return err
		}
		var key string
		var f figures
		_, err = pgx.ForEachRow(rows, []any{&key, &f.Deals, &f.Won, &f.Lost, &f.Sum, &f.WinRate}, func() error { got[key] = f; return nil })
		return err
	})
	return got
}

type opportunity struct{ id, agent, product, account, stage, engaged, closed, value string }

type opportunities struct {
	deals     []opportunity
	agents    []string
	managerOf map[string]string
	accounts  []string
	products  map[string]string // name -> price
	names     []string          // of products, in order
}

// shared finds the folder of documents and data beside the project.
func shared(t *testing.T, path ...string) string {
	t.Helper()
	root := os.Getenv("SALESBOOK_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "shared")
	}
	full := filepath.Join(append([]string{root}, path...)...)
	if _, err := os.Stat(full); err != nil {
		if os.Getenv("SALESBOOK_REQUIRE_SHARED") == "1" {
			t.Fatalf("the shared data is required but missing: %v", err)
		}
		t.Skipf("no shared data here (set SALESBOOK_SHARED): %v", err)
	}
	return full
}

func readCSV(t *testing.T, path string) [][]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows[1:]
}

func readOpportunities(t *testing.T) opportunities {
	dir := shared(t, "data", "crm-sales-opportunities")
	o := opportunities{managerOf: map[string]string{}, products: map[string]string{}}
	for _, r := range readCSV(t, filepath.Join(dir, "sales_teams.csv")) {
		o.agents = append(o.agents, r[0])
		o.managerOf[r[0]] = r[1]
	}
	for _, r := range readCSV(t, filepath.Join(dir, "accounts.csv")) {
		o.accounts = append(o.accounts, r[0])
	}
	for _, r := range readCSV(t, filepath.Join(dir, "products.csv")) {
		o.names, o.products[r[0]] = append(o.names, r[0]), r[2]
	}
	for _, r := range readCSV(t, filepath.Join(dir, "sales_pipeline.csv")) {
		o.deals = append(o.deals, opportunity{r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7]})
	}
	return o
}

// product resolves the data set's spelling trap: "GTXPro" is "GTX Pro".
func (o opportunities) product(d opportunity) string {
	for _, name := range o.names {
		if strings.ReplaceAll(name, " ", "") == strings.ReplaceAll(d.product, " ", "") {
			return name
		}
	}
	return ""
}

func (o opportunities) figures(key func(opportunity) string) map[string]figures {
	sums := map[string]*figures{}
	for _, d := range o.deals {
		k := key(d)
		if sums[k] == nil {
			sums[k] = &figures{}
		}
		sums[k].add(d.stage, d.value)
	}
	out := map[string]figures{}
	for k, f := range sums {
		f.finish()
		out[k] = *f
	}
	return out
}

func indexOf(list []string, name string) int {
	for i, n := range list {
		if n == name {
			return i + 1
		}
	}
	return 0
}

// firstRep is the id of the first agent in the simulator.
const firstRep = 100

// addressOf is an agent's e-mail address.
func addressOf(agent string) string {
	return strings.ReplaceAll(strings.ToLower(agent), " ", ".") + "@example.com"
}

// seed renders the data set as records in the vendor's own shape.
func (o opportunities) seed(t *testing.T) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	add := func(object string, record map[string]any) {
		if err := e.Encode(map[string]any{"object": object, "record": record}); err != nil {
			t.Fatal(err)
		}
	}
	add("users", map[string]any{"id": 1, "name": "Admin", "email": "admin@example.com"})
	for i, agent := range o.agents {
		add("users", map[string]any{"id": firstRep + i + 1, "name": agent, "email": addressOf(agent)})
	}
	add("pipelines", map[string]any{"id": 1, "name": "Sales"})
	add("stages", map[string]any{"id": 1, "name": "Prospecting", "pipeline_id": 1, "order_nr": 1})
	add("stages", map[string]any{"id": 2, "name": "Engaging", "pipeline_id": 1, "order_nr": 2})
	for i, name := range o.accounts {
		add("organizations", map[string]any{"id": i + 1, "name": name})
	}
	for i, name := range o.names {
		add("products", map[string]any{"id": i + 1, "name": name, "prices": []any{map[string]any{"currency": "USD", "price": json.Number(o.products[name])}}})
	}
	for i, d := range o.deals {
		o.seedDeal(add, i+1, d)
	}
	return b.Bytes()
}

func (o opportunities) seedDeal(add func(string, map[string]any), id int, d opportunity) {
	noon := func(day string) any {
		if day == "" {
			return nil
		}
		return day + "T12:00:00Z"
	}
	value := json.Number("0")
	if d.value != "" {
		value = json.Number(d.value)
	}
	r := map[string]any{"id": id, "title": d.id, "owner_id": firstRep + indexOf(o.agents, d.agent), "value": value, "currency": "USD", "pipeline_id": 1, "stage_id": 2, "status": "open"}
	if org := indexOf(o.accounts, d.account); org > 0 {
		r["org_id"] = org
	}
	if d.stage == "Prospecting" {
		r["stage_id"] = 1
	}
	if t := noon(d.engaged); t != nil {
		r["add_time"], r["update_time"], r["stage_change_time"] = t, t, t
	}
	if t := noon(d.closed); t != nil {
		r["status"], r["close_time"], r["update_time"] = strings.ToLower(d.stage), t, t
		r[strings.ToLower(d.stage)+"_time"] = t
	}
	add("deals", r)
	add("dealProducts", map[string]any{"id": id, "deal_id": id, "product_id": indexOf(o.names, o.product(d)), "name": d.product,
		"item_price": value, "quantity": 1, "currency": "USD"})
}

// seedZoho renders the data set as records in the other vendor's shape.
func (o opportunities) seedZoho(t *testing.T) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	add := func(object string, record map[string]any) {
		if err := e.Encode(map[string]any{"object": object, "record": record}); err != nil {
			t.Fatal(err)
		}
	}
	id := func(kind, n int) string { return strconv.Itoa(3652397000010000000 + kind*100_000 + n) }
	ref := func(kind, n int) any { return map[string]any{"id": id(kind, n)} }
	const rep, account, product, deal = 1, 2, 3, 4
	for i, agent := range o.agents {
		add("users", map[string]any{"id": id(rep, i+1), "full_name": agent, "email": addressOf(agent)})
	}
	add("pipelines", map[string]any{"actual_value": "Sales", "maps": []any{
		map[string]any{"actual_value": "Prospecting"}, map[string]any{"actual_value": "Engaging"},
		map[string]any{"actual_value": "Won", "forecast_type": "Closed Won"}, map[string]any{"actual_value": "Lost", "forecast_type": "Closed Lost"},
	}})
	add("fields", map[string]any{"module": "Deals", "api_name": "Product", "data_type": "lookup", "lookup": map[string]any{"module": map[string]any{"api_name": "Products"}}})
	for i, name := range o.accounts {
		add("Accounts", map[string]any{"id": id(account, i+1), "Account_Name": name})
	}
	for i, name := range o.names {
		add("Products", map[string]any{"id": id(product, i+1), "Product_Name": name, "Unit_Price": json.Number(o.products[name])})
	}
	for i, d := range o.deals {
		r := map[string]any{"id": id(deal, i+1), "Deal_Name": d.id, "Owner": ref(rep, indexOf(o.agents, d.agent)), "Pipeline": "Sales", "Stage": d.stage,
			"Amount": json.Number(cmp.Or(d.value, "0")), "Product": ref(product, indexOf(o.names, o.product(d)))}
		if n := indexOf(o.accounts, d.account); n > 0 {
			r["Account_Name"] = ref(account, n)
		}
		if d.engaged != "" {
			r["Created_Time"], r["Stage_Modified_Time"] = d.engaged+"T12:00:00Z", d.engaged+"T12:00:00Z"
		}
		if d.closed != "" {
			r["Stage_Modified_Time"] = d.closed + "T12:00:00Z"
		}
		add("Deals", r)
	}
	return b.Bytes()
}

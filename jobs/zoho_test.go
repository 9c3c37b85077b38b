package jobs_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"salesbook.dev/connectors"
	"salesbook.dev/connectors/zoho"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/postgres/pgtest"
	"salesbook.dev/internal/sandbox"
	vendor "salesbook.dev/internal/sandbox/zoho"
	"salesbook.dev/jobs"
)

// zohoAccount is a simulated account of Zoho CRM, connected by a self client.
type zohoAccount struct {
	*bundle
	zoho *zohoCRM
	t    *testing.T
}

func connectZoho(t *testing.T) *zohoAccount {
	t.Helper()
	return connectZohoWith(t, vendor.Options{})
}

func connectZohoWith(t *testing.T, o vendor.Options) *zohoAccount {
	t.Helper()
	b := &bundle{db: pgtest.New(t), key: filepath.Join(t.TempDir(), "key")}
	b.ws = b.db.Workspace(t, "acme")
	b.Pipeline = pipeline(t, b)
	return b.joinZoho(t, "crm", o)
}

// zohoRefresh is the refresh token of the self client.
const zohoRefresh = "1000.refresh.token"

// joinZoho connects one more simulated account to the workspace.
func (b *bundle) joinZoho(t *testing.T, name string, o vendor.Options) *zohoAccount {
	t.Helper()
	o.RefreshToken = zohoRefresh
	sim, err := vendor.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	a := &zohoAccount{bundle: &bundle{Pipeline: b.Pipeline, db: b.db, key: b.key, ws: b.ws}, zoho: &zohoCRM{Sim: sim}, t: t}
	a.crm = a.zoho
	a.answers(t, sim)
	a.join(t, name)
	return a
}

// join connects the account under a name.
func (a *zohoAccount) join(t *testing.T, name string) {
	t.Helper()
	cfg := connectors.Config{
		BaseURL: a.vendor.URL, Settings: map[string]string{"client_id": "1000.CLIENT"},
		Secrets: map[string]string{"client_secret": "client-secret", "refresh_token": zohoRefresh},
	}
	s, rights, err := a.Connect(t.Context(), a.ws, jobs.NewConnection{Vendor: "zoho", Name: name, By: "test", Config: cfg, Token: zoho.Spec().Consent.Granted(cfg)})
	if err != nil || len(rights.Missing) > 0 {
		t.Fatalf("rights %+v, error %v", rights, err)
	}
	a.conn = s.ID
	a.unhurried(t)
}

// seed gives the account records, by object.
func (a *zohoAccount) seed(t *testing.T, lines []byte) {
	t.Helper()
	if err := a.zoho.Seed(bytes.NewReader(lines)); err != nil {
		t.Fatal(err)
	}
}

// unhurried gives the account as many calls a second as a test makes.
func (a *zohoAccount) unhurried(t *testing.T) {
	t.Helper()
	sql := `WITH a AS (UPDATE salesbook.vendor_accounts SET burst = 1000000 RETURNING id) UPDATE salesbook.vendor_bursts SET tokens = 1000000, at = now()`
	if _, err := a.db.Connect(t, a.db.AdminURL).Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

// do writes at the vendor as the user of the connection, and returns the id of the
// record.
func (a *zohoAccount) do(method, path string, record map[string]any) string {
	a.t.Helper()
	id, err := a.zoho.do("", method, path, record)
	if err != nil {
		a.t.Fatal(err)
	}
	return id
}

// zohoDesk is writable with an account of Zoho's.
func zohoDesk(t *testing.T, deals int) *desk {
	t.Helper()
	a := connectZoho(t)
	var err error
	if a.zoho.person, err = a.zoho.Hire("Piotr Lis", "piotr.lis@example.com"); err != nil {
		t.Fatal(err)
	}
	if err := a.zoho.lossReasons("Za drogo", "Bez powodu"); err != nil {
		t.Fatal(err)
	}
	// The deals are older than a second, within which a CRM knows no order.
	now, err := a.zoho.Inject(sandbox.Fault{Kind: sandbox.Skew, Delay: -time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	defer now()
	return furnish(t, a.bundle, deals)
}

// A furnisher opens a desk, an opener a bureau.
type (
	furnisher func(t *testing.T, deals int) *desk
	opener    func(t *testing.T, deals int, enforcement string) *bureau
)

func furnishers() map[string]furnisher {
	return map[string]furnisher{"pipedrive": writable, "zoho": zohoDesk}
}

// atEach runs a test at a desk of each vendor's.
func atEach(t *testing.T, test func(*testing.T, furnisher)) {
	t.Helper()
	t.Parallel()
	for vendor, writable := range furnishers() {
		t.Run(vendor, func(t *testing.T) { test(t, writable) })
	}
}

// inEach runs a test in a bureau of each vendor's.
func inEach(t *testing.T, test func(*testing.T, opener)) {
	t.Helper()
	atEach(t, func(t *testing.T, writable furnisher) {
		test(t, func(t *testing.T, deals int, enforcement string) *bureau {
			t.Helper()
			return enforcingAt(t, writable(t, deals), enforcement)
		})
	})
}

// outcome of a deal, as it is stored.
func (a *zohoAccount) outcome(id string) string {
	a.t.Helper()
	return one[string](a.t, a.bundle, `SELECT status || ' ' || stage_id || ' ' || COALESCE(lost_reason, '-') || ' ' || (lost_at IS NOT NULL) || ' ' || (deleted_at IS NOT NULL) FROM deals WHERE external_id = $1`, id)
}

// TestZohoFromEndToEnd: what Pipedrive's deals go through, those of Zoho CRM do
// too: pull, changes, deliveries, deletions, stage history, proof.
func TestZohoFromEndToEnd(t *testing.T) {
	t.Parallel()
	a := connectZoho(t)
	var ids []string
	for i := range 3 {
		ids = append(ids, a.do("POST", "Deals", map[string]any{"Deal_Name": fmt.Sprintf("Сделка %d", i), "Stage": "Qualification", "Amount": 100}))
	}
	ended := a.do("POST", "Deals", map[string]any{"Deal_Name": "Dawna", "Stage": "Qualification"})
	a.do("PUT", "Deals/"+ended, map[string]any{"Stage": "Needs Analysis"})
	a.do("PUT", "Deals/"+ended, map[string]any{"Stage": "Closed Lost", "Reason_For_Loss__s": "Price"})
	a.do("POST", "Tasks", map[string]any{"Subject": "Zadzwonić", "What_Id": map[string]any{"id": ids[0]}, "$se_module": "Deals"})
	a.pull(t)
	pipelineName := one[string](t, a.bundle, `SELECT pipeline_id FROM deals WHERE external_id = $1`, ids[0])
	open := "open " + pipelineName + "|Qualification - false false"
	lost := "lost " + pipelineName + "|Qualification Price true false" // where it stood; the end is no stage
	if n := one[int](t, a.bundle, `SELECT count(*) FROM deals WHERE external_id = $1 AND stage_id IS NULL AND status = 'lost'`, ended); n != 1 {
		t.Error("nobody knows yet where a deal stood that was lost before")
	}
	if diff := cmp.Diff(open, a.outcome(ids[0])); diff != "" {
		t.Errorf("a new deal (-want +got):\n%s", diff)
	}
	if n := one[int](t, a.bundle, `SELECT count(*) FROM activities WHERE deal_id = $1 AND type = 'task'`, ids[0]); n != 1 {
		t.Errorf("the deal has %d tasks, want one", n)
	}
	if n := one[int](t, a.bundle, `SELECT count(*) FROM failures`); n != 0 {
		t.Errorf("%d records could not be mapped", n)
	}

	a.do("PUT", "Deals/"+ids[1], map[string]any{"Stage": "Closed Lost", "Reason_For_Loss__s": "Price"})
	a.pull(t)
	if diff := cmp.Diff(lost, a.outcome(ids[1])); diff != "" {
		t.Errorf("a lost deal (-want +got):\n%s", diff)
	}

	a.receive(t)
	a.do("PUT", "Deals/"+ids[0], map[string]any{"Stage": "Closed Lost", "Reason_For_Loss__s": "Price"})
	if err := a.zoho.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := a.Receive(t.Context(), a.ws, a.conn); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(lost, a.outcome(ids[0])); diff != "" {
		t.Errorf("after a delivery (-want +got):\n%s", diff)
	}

	if _, err := a.zoho.Do("", "DELETE", "/crm/v8/Deals/"+ids[2], nil); err != nil {
		t.Fatal(err)
	}
	a.pull(t)
	if got := a.outcome(ids[2]); got != "open "+pipelineName+"|Qualification - false true" {
		t.Errorf("a deleted deal is %q", got)
	}

	if err := a.History(t.Context(), a.ws, a.conn); err != nil {
		t.Fatal(err)
	}
	if n := one[int](t, a.bundle, `SELECT count(*) FROM deal_events WHERE deal_id = $1`, ids[1]); n != 2 {
		t.Errorf("%d events are known, want the beginning and the end", n)
	}
	if got, want := one[string](t, a.bundle, `SELECT string_agg(stage_id || ' from ' || COALESCE(from_stage_id, ''), ', ' ORDER BY at, stage_id DESC) FROM deal_stages WHERE deal_id = $1`, ended),
		pipelineName+"|Qualification from , "+pipelineName+"|Needs Analysis from "+pipelineName+"|Qualification"; got != want {
		t.Errorf("it stood in %s, want %s", got, want)
	}
	if got, want := a.outcome(ended), "lost "+pipelineName+"|Needs Analysis Price true false"; got != want {
		t.Errorf("its history tells %q, want %q", got, want)
	}
	if complete, err := a.Sweep(t.Context(), a.ws, a.conn, jobs.SweepOptions{}); err != nil || !complete {
		t.Errorf("sweep: complete %v, error %v", complete, err)
	}
}

// TestZohoReasonsOfTheAccountsOwn: the map names the field that the account has for
// the reason of a loss, by its label; its choices are those that the CRM offers.
func TestZohoReasonsOfTheAccountsOwn(t *testing.T) {
	t.Parallel()
	a := connectZoho(t)
	values := []any{map[string]any{"display_value": "Za drogo"}, map[string]any{"display_value": "Konkurencja"}}
	if _, err := a.zoho.Do("", "POST", "/crm/v8/settings/fields?module=Deals", map[string]any{"fields": []any{
		map[string]any{"field_label": "Dlaczego nie?", "data_type": "picklist", "pick_list_values": values},
	}}); err != nil {
		t.Fatal(err)
	}
	a.pull(t)
	a.in(t, func(tx pgx.Tx) error {
		m, err := postgres.MapOf(t.Context(), tx, a.ws, a.conn)
		if err != nil {
			return err
		}
		// A map of before knows no Organization.
		m.Override = `objects: {Organization: null, Deals: {fields: {lost_reason: {custom: "Dlaczego nie?"}}}}`
		return postgres.SetMap(t.Context(), tx, a.ws, a.conn, m, "test")
	})
	id := a.do("POST", "Deals", map[string]any{"Deal_Name": "Dawna", "Stage": "Closed Lost", "Dlaczego_nie": "Za drogo", "Reason_For_Loss__s": "Price"})
	a.pull(t)
	if got := one[string](t, a.bundle, `SELECT lost_reason FROM deals WHERE external_id = $1`, id); got != "Za drogo" {
		t.Errorf("it was lost for %q", got)
	}
	draft, err := a.Starter(t.Context(), a.ws)
	if err != nil {
		t.Fatal(err)
	}
	var offered []string
	for _, r := range draft.Reasons {
		if r.Option {
			offered = append(offered, r.Text)
		}
	}
	slices.Sort(offered)
	if d := cmp.Diff([]string{"Konkurencja", "Za drogo"}, offered); d != "" {
		t.Errorf("the CRM offers (-want +got):\n%s", d)
	}
	if r, err := a.Replay(t.Context(), a.ws, a.conn); err != nil || !r.Complete {
		t.Fatalf("replay: complete %v, error %v", r.Complete, err)
	}
	if complete, err := a.Sweep(t.Context(), a.ws, a.conn, jobs.SweepOptions{}); err != nil || !complete {
		t.Errorf("sweep: complete %v, error %v", complete, err)
	}
}

// TestZohoDemandsAreJudgedAlike: what the CRM demands always, or its layout, the starter
// book demands in each stage, and to win.
func TestZohoDemandsAreJudgedAlike(t *testing.T) {
	t.Parallel()
	a := connectZoho(t)
	a.seed(t, []byte(`{"object":"fields","record":{"module":"Deals","api_name":"Closing_Date","system_mandatory":true}}
{"object":"fields","record":{"module":"Deals","api_name":"Segment","data_type":"text","system_mandatory":true}}
{"object":"fields","record":{"module":"Deals","api_name":"Budget","data_type":"text"}}`))
	if err := a.zoho.Demand("Deals", "Budget", true); err != nil {
		t.Fatal(err)
	}
	a.pull(t)
	draft, err := a.Starter(t.Context(), a.ws)
	if err != nil {
		t.Fatal(err)
	}
	b := parseBook(t, draft.Text)
	for _, stage := range b.Funnels[0].Stages {
		if d := cmp.Diff([]string{"Budget", "Segment", "expected_close"}, slices.Sorted(slices.Values(stage.Required))); d != "" {
			t.Errorf("demanded in %s (-want +got):\n%s", stage.Name, d)
		}
	}
	if len(b.Won.Criteria) != 1 || len(b.Won.Criteria[0].Required) != 3 {
		t.Errorf("demanded to win: %+v", b.Won.Criteria)
	}
}

// TestProductsAtEach: where the CRM tells which products stand on a deal, one without is
// against a rule that asks for them; where it does not, as Zoho, nobody can tell.
func TestProductsAtEach(t *testing.T) {
	atEach(t, func(t *testing.T, writable furnisher) {
		t.Parallel()
		d := writable(t, 1)
		pipeline := one[string](t, d.bundle, `SELECT name FROM pipelines ORDER BY external_id LIMIT 1`)
		stage := one[string](t, d.bundle, `SELECT name FROM stages WHERE external_id = $1`, d.stage[1])
		d.activate(t, "book: 1\nname: P\nfunnels: [{id: f, name: F, crm: [{pipeline: \""+pipeline+"\"}], stages: [{id: s, name: \""+stage+"\", entry: [{products_listed: 1}]}]}]\n")
		d.advance(t, d.deals[0])
		d.evaluate(t)
		want := map[string]string{"pipedrive": "", "zoho": "the CRM does not tell which products stand on a deal"}[d.crm.vendor()]
		if got := one[string](t, d.bundle, `SELECT COALESCE(cannot, '') FROM violations WHERE rule = 'entry_criteria'`); got != want {
			t.Errorf("it cannot be judged for %q, want %q", got, want)
		}
	})
}

// TestZohoHistoriesByEitherWay: of many deals at once or one by one, the same rows
// come of them.
func TestZohoHistoriesByEitherWay(t *testing.T) {
	t.Parallel()
	a := connectZoho(t)
	for i := range 30 {
		id := a.do("POST", "Deals", map[string]any{"Deal_Name": fmt.Sprintf("Сделка %d", i), "Stage": "Qualification", "Amount": 100 + i})
		for _, stage := range []string{"Needs Analysis", "Qualification", "Value Proposition", "Closed Lost"}[:i%5] {
			a.do("PUT", "Deals/"+id, map[string]any{"Stage": stage})
		}
	}
	a.pull(t)
	together, credits := a.histories(t)
	if credits != 4 {
		t.Errorf("together they take %d credits, want 4", credits)
	}
	a.zoho.Hide("DealHistory")
	forgetHistory(t, a.bundle)
	each, credits := a.histories(t)
	if credits != 32 {
		t.Errorf("one by one they take %d credits, want 32", credits)
	}
	if diff := cmp.Diff(each, together); diff != "" || !strings.Contains(each, "Value Proposition") {
		t.Errorf("rows (-one by one +together):\n%s", diff)
	}
}

// histories reads what happened to deals, and returns the rows and what they took.
func (a *zohoAccount) histories(t *testing.T) (rows string, credits int64) {
	t.Helper()
	spent := a.zoho.Spent()
	if err := a.History(t.Context(), a.ws, a.conn); err != nil {
		t.Fatal(err)
	}
	return a.pasts(t), a.zoho.Spent() - spent
}

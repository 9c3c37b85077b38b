package jobs_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/notify/notifytest"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/sandbox/pipedrive"
	"salesbook.dev/internal/sandbox/zoho"
	"salesbook.dev/jobs"
)

// severalCRMs is a company that sells in one account of Pipedrive's and in two of
// Zoho's, with one book. Łucja works in all three, under three spellings of her
// name and of her address.
type severalCRMs struct {
	*telling
	west, east *zohoAccount
}

// severalBook judges the three pipelines by one funnel.
const severalBook = `
book: 1
name: One book
language: en
currency: PLN
calendars:
  - {id: pl, zone: Europe/Warsaw}
teams:
  - {id: all, name: Everybody, head: ewa@example.com, reps: [łucja.żak@example.com, jan@example.com]}
funnels:
  - id: sale
    name: Sale
    crm: [{connection: crm, pipeline: Sales}, {connection: west, pipeline: Sprzedaż}, {connection: east, pipeline: Продажи}]
    stages:
      - {id: call, name: Call, crm: [Call, Telefon, Звонок], limit: 5d}
      - {id: offer, name: Offer, crm: [Offer, Oferta, Предложение], required: [amount]}
loss_reasons:
  - {id: dear, name: Too dear, spellings: [Price, Дорого], any_time: true}
enforcement:
  - {rule: all, mode: observe}
  - {rule: over_limit, mode: tell}
  - {rule: loss_without_reason, mode: tell}
  - {rule: required_fields, mode: tell}
`

// several makes the company, in which the same happened in each account: Łucja has
// a deal of 100 over its limit and one at the offer without an amount, Jan one of
// 50 that is in time, and she lost one without a reason and one that was too dear.
func several(t *testing.T) *severalCRMs {
	t.Helper()
	b := setup(t, 0, pipedrive.Options{})
	long, lately := time.Now().AddDate(0, 0, -30), time.Now().Add(-time.Hour)
	lines := func(each func(add func(object string, record map[string]any))) []byte {
		var out bytes.Buffer
		each(func(object string, record map[string]any) {
			if err := json.NewEncoder(&out).Encode(map[string]any{"object": object, "record": record}); err != nil {
				t.Fatal(err)
			}
		})
		return out.Bytes()
	}
	if err := b.sim.Seed(bytes.NewReader(lines(func(add func(string, map[string]any)) {
		add("users", map[string]any{"id": 5, "name": "Łucja Żak", "email": "Łucja.Żak@Example.com"})
		add("users", map[string]any{"id": 6, "name": "Jan", "email": "jan@example.com"})
		add("pipelines", map[string]any{"id": 1, "name": "Sales"})
		add("stages", map[string]any{"id": 1, "name": "Call", "pipeline_id": 1})
		add("stages", map[string]any{"id": 2, "name": "Offer", "pipeline_id": 1})
		for i, d := range severalDeals(long, lately) {
			r := map[string]any{"id": i + 1, "title": d.title, "owner_id": 6, "stage_id": d.stage + 1, "status": d.status, "currency": "PLN", "value": d.amount, "add_time": d.at.UTC().Format(time.RFC3339)}
			if d.hers {
				r["owner_id"] = 5
			}
			if d.reason > 0 {
				r["lost_reason"] = "Price"
			}
			if d.status == "lost" {
				r["close_time"] = r["add_time"]
			}
			add("deals", r)
		}
	}))); err != nil {
		t.Fatal(err)
	}
	zohoSeed := func(name, address, pipeline string, reason string, stages ...string) []byte {
		return lines(func(add func(string, map[string]any)) {
			id := func(n int) string { return fmt.Sprint(3652397000009000000 + n) }
			add("users", map[string]any{"id": id(5), "full_name": name, "email": address})
			add("users", map[string]any{"id": id(6), "full_name": "Jan", "email": "JAN@example.com"})
			add("fields", map[string]any{"module": "Deals", "api_name": "Reason_For_Loss__s", "pick_list_values": []any{map[string]any{"display_value": reason}}})
			maps := []any{map[string]any{"actual_value": stages[0]}, map[string]any{"actual_value": stages[1]}, map[string]any{"actual_value": stages[2], "forecast_type": "Closed Lost"}}
			add("pipelines", map[string]any{"actual_value": pipeline, "maps": maps})
			for i, d := range severalDeals(long, lately) {
				r := map[string]any{"id": id(100 + i), "Deal_Name": d.title, "Owner": map[string]any{"id": id(6)}, "Pipeline": pipeline, "Stage": stages[d.stage], "Created_Time": d.at.UTC().Format(time.RFC3339)}
				if d.hers {
					r["Owner"] = map[string]any{"id": id(5)}
				}
				if d.amount > 0 {
					r["Amount"] = d.amount
				}
				if d.status == "lost" {
					r["Stage"] = stages[2]
				}
				if d.reason > 0 {
					r["Reason_For_Loss__s"] = reason
				}
				add("Deals", r)
			}
		})
	}
	s := &severalCRMs{telling: &telling{bundle: b, mail: notifytest.NewMailServer(t, notifytest.Options{})}}
	s.west, s.east = b.joinZoho(t, "west", zoho.Options{}), b.joinZoho(t, "east", zoho.Options{})
	s.west.seed(t, zohoSeed("Żak, Łucja", "ŁUCJA.ŻAK@example.com", "Sprzedaż", "Price", "Telefon", "Oferta", "Odmowa"))
	// Here letters and their marks are written apart.
	s.east.seed(t, zohoSeed("Луция Жак", "łucja.z\u0307ak@example.com", "Продажи", "Дорого", "Звонок", "Предложение", "Отказ"))
	for _, one := range []*bundle{b, s.west.bundle, s.east.bundle} {
		one.pull(t)
	}
	b.activate(t, severalBook)
	for _, sql := range []string{
		`UPDATE books SET active_at = now() - interval '60 days'`, `UPDATE rollouts SET since = now() - interval '60 days'`,
		`UPDATE connections SET created_at = now() - interval '60 days', read_at = now() - interval '60 days'`,
	} {
		b.run(t, sql)
	}
	b.evaluate(t)
	return s
}

// severalDeal is a deal of each account; stage is the first or the second.
type severalDeal struct {
	title  string
	hers   bool
	stage  int
	status string
	amount int
	reason int
	at     time.Time
}

func severalDeals(long, lately time.Time) []severalDeal {
	return []severalDeal{
		{"Hangs", true, 0, "open", 100, 0, long},
		{"Worthless", true, 1, "open", 0, 0, lately},
		{"In time", false, 0, "open", 50, 0, lately},
		{"Lost", true, 0, "lost", 70, 0, lately},
		{"Too dear", true, 0, "lost", 70, 1, lately},
	}
}

// TestOneBookJudgesSeveralCRMs: what is true of a deal does not depend on where it
// is, and lists and figures are of all accounts.
func TestOneBookJudgesSeveralCRMs(t *testing.T) {
	t.Parallel()
	s := several(t)
	if n := one[int](t, s.bundle, `SELECT count(DISTINCT email) FROM reps WHERE email LIKE '%ucja%'`); n != 1 {
		t.Errorf("Łucja has %d addresses, want one", n)
	}
	everywhere := func(deal, rule string) (out []string) {
		for _, connection := range []string{"crm", "east", "west"} {
			out = append(out, connection+" "+deal+": "+rule)
		}
		return out
	}
	list := func(n jobs.Narrow, rules ...book.Rule) (out []string) {
		t.Helper()
		s.in(t, func(tx pgx.Tx) error {
			f, err := jobs.Narrowed(t.Context(), tx, s.ws, n, rules)
			if err != nil {
				return err
			}
			f.Now, f.Most = s.bundle.Now(), 100
			found, err := postgres.OpenViolations(t.Context(), tx, s.ws, f)
			if err != nil {
				return err
			}
			names, err := postgres.ConnectionNames(t.Context(), tx, s.ws)
			for _, v := range found {
				var title string
				if err := tx.QueryRow(t.Context(), `SELECT title FROM deals WHERE (connection_id, external_id) = ($1, $2)`, v.Subject.Connection, v.Subject.ID).Scan(&title); err != nil {
					return err
				}
				out = append(out, names[v.Subject.Connection]+" "+title+": "+v.Rule)
			}
			return err
		})
		slices.Sort(out)
		return out
	}
	for what, c := range map[string]struct {
		got, want []string
	}{
		"what is over its limit":       {list(jobs.Narrow{}, book.OverLimit), everywhere("Hangs", "over_limit")},
		"what has no amount":           {list(jobs.Narrow{}, book.RequiredFields), everywhere("Worthless", "required_fields")},
		"lost without a reason":        {list(jobs.Narrow{}, book.LossWithoutReason), everywhere("Lost", "loss_without_reason")},
		"no reason is unknown":         {list(jobs.Narrow{}, book.LossReasonUnknown), nil},
		"hers, by her address":         {list(jobs.Narrow{Rep: "ŁUCJA.ŻAK@EXAMPLE.COM"}, book.OverLimit), everywhere("Hangs", "over_limit")},
		"hers, by one of her names":    {list(jobs.Narrow{Rep: "луция жак"}, book.OverLimit), everywhere("Hangs", "over_limit")},
		"her team's, in one stage":     {list(jobs.Narrow{Team: "all", Stage: "offer"}, book.RequiredFields), everywhere("Worthless", "required_fields")},
		"Jan's, who is in time":        {list(jobs.Narrow{Rep: "Jan"}, book.OverLimit), nil},
		"Jan's, without the next step": {list(jobs.Narrow{Rep: "jan@example.com"}, book.NoNextStep), everywhere("In time", "no_next_step")},
	} {
		if d := cmp.Diff(c.want, c.got); d != "" {
			t.Errorf("%s (-want +got):\n%s", what, d)
		}
	}
	s.overviewSpans(t)
}

// overviewSpans: figures are of all accounts, and a rep has one name in them.
func (s *severalCRMs) overviewSpans(t *testing.T) {
	t.Helper()
	o, err := s.Overview(t.Context(), s.ws)
	if err != nil {
		t.Fatal(err)
	}
	if o.Portfolio != (postgres.Portfolio{Open: 9, Lost: 6}) {
		t.Errorf("%+v, want 9 open deals and 6 lost ones", o.Portfolio)
	}
	// None has a next step: three times 100 and 50, and one without an amount.
	sums := map[string]string{}
	for _, w := range o.Hanging {
		sums[w.Currency] = fmt.Sprint(w.Count, " ", w.Amount)
	}
	if d := cmp.Diff(map[string]string{"PLN": "6 450", "": "3 0"}, sums); d != "" {
		t.Errorf("what hangs (-want +got):\n%s", d)
	}
	behind, err := s.Behind(t.Context(), s.ws, jobs.Reasonless, 100)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, n := range behind {
		got = append(got, n.Connection+" "+n.Title+" "+n.Rep)
	}
	if d := cmp.Diff([]string{"crm Lost Łucja Żak", "west Lost Łucja Żak", "east Lost Łucja Żak"}, got); d != "" {
		t.Errorf("lost without a reason (-want +got):\n%s", d)
	}
}

// TestOneDigestForSeveralCRMs: who works in several accounts, or leads who does, is
// told of all of them in one message.
func TestOneDigestForSeveralCRMs(t *testing.T) {
	t.Parallel()
	s := several(t)
	s.setMail(t, true)
	warsaw, err := time.LoadLocation("Europe/Warsaw")
	if err != nil {
		t.Fatal(err)
	}
	day := time.Now().In(warsaw).AddDate(0, 0, 1)
	for day.Weekday() == time.Saturday || day.Weekday() == time.Sunday {
		day = day.AddDate(0, 0, 1)
	}
	s.clock = time.Date(day.Year(), day.Month(), day.Day(), 8, 30, 0, 0, warsaw)
	s.Now = func() time.Time { return s.clock }
	s.notify(t)
	s.notify(t)
	for to, want := range map[string]string{
		"ewa@example.com":       "- łucja.żak@example.com\n  lost without a reason: 3\n  stands in its stage for too long: 3\n  fields of the stage are empty: 3",
		"łucja.żak@example.com": "", "jan@example.com": "",
	} {
		var mails []*notifytest.Mail
		for _, m := range s.mail.Mails() {
			if m.To == to {
				mails = append(mails, &m)
			}
		}
		switch {
		case to == "jan@example.com" && len(mails) > 0:
			t.Errorf("Jan is told %q, and has done nothing", mails[0].Text)
		case to != "jan@example.com" && len(mails) != 1:
			t.Errorf("%s has %d messages, want one", to, len(mails))
		case len(mails) == 1:
			text := strings.ReplaceAll(mails[0].Text, "\u00a0", " ")
			for _, connection := range []string{"crm", "west", "east"} {
				if !strings.Contains(text, connection) {
					t.Errorf("%s is told nothing of %s:\n%s", to, connection, text)
				}
			}
			if !strings.Contains(text, want) {
				t.Errorf("%s: want %q in\n%s", to, want, text)
			}
		}
	}
}

// TestTheStarterBookTakesInEveryCRM: as soon as one more connection is loaded, the
// book speaks of its pipelines too.
func TestTheStarterBookTakesInEveryCRM(t *testing.T) {
	t.Parallel()
	b := setup(t, 30, pipedrive.Options{})
	b.pull(t)
	east := b.joinZoho(t, "east", zoho.Options{})
	speaksOf := func() (out []string) {
		t.Helper()
		if err := b.Start(t.Context(), b.ws); err != nil {
			t.Fatal(err)
		}
		draft := parseBook(t, one[string](t, b, `SELECT text FROM books ORDER BY version DESC LIMIT 1`))
		for i := range draft.Funnels {
			if name := draft.Funnels[i].CRM[0].Connection; !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
		return out
	}
	if d := cmp.Diff([]string{"crm"}, speaksOf()); d != "" {
		t.Errorf("one is loaded (-want +got):\n%s", d)
	}
	soon := one[time.Duration](t, b, `SELECT every FROM schedules WHERE kind = 'start'`)
	east.pull(t)
	if d := cmp.Diff([]string{"crm", "east"}, speaksOf()); d != "" || soon > time.Minute {
		t.Errorf("both are; it is looked for that every %v (-want +got):\n%s", soon, d)
	}
	versions := one[int](t, b, `SELECT count(*) FROM books`)
	speaksOf()
	if n := one[int](t, b, `SELECT count(*) FROM books`); n != versions {
		t.Errorf("%d books, then %d, and nothing is new", versions, n)
	}
}

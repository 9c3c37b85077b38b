package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/tidwall/gjson"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/enforce"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/notify/notifytest"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/sandbox/pipedrive"
	"salesbook.dev/jobs"
)

// tellingBook has a head of two reps, another head of one, and tells people of
// everything.
const tellingBook = `
book: 1
name: Doors
language: en
currency: PLN
calendars:
  - {id: pl, zone: Europe/Warsaw, holidays_of: PL}
teams:
  - {id: doors, name: Doors, head: ewa@example.com, reps: [anna@example.com, jan@example.com]}
  - {id: windows, name: Windows, head: olga@example.com, reps: [petro@example.com]}
funnels:
  - {id: sales, name: Sales, crm: [{pipeline: Sales}], stages: [{id: offer, name: Offer, limit: 5wd, exit: [{required: [amount]}]}]}
loss_reasons:
  - {id: dear, name: Too dear, any_time: true, approval: {always: true}}
enforcement:
  - {rule: all, mode: tell}
  - {rule: no_touch, mode: observe}
`

// telling is a company whose people are told, with a clock of its own.
type telling struct {
	*bundle
	clock time.Time
	mail  *notifytest.MailServer
}

func (b *telling) at(t testing.TB, text string) {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	b.clock = at
}

// tellers makes the company, on a Friday morning. Its mail server writes to heads.
func tellers(t *testing.T) *telling {
	t.Helper()
	return tellersOn(t, notifytest.NewMailServer(t, notifytest.Options{}))
}

func tellersOn(t testing.TB, mail *notifytest.MailServer) *telling {
	t.Helper()
	b := &telling{bundle: setup(t, 0, pipedrive.Options{}), mail: mail}
	b.at(t, "2026-11-27T08:00:00+01:00")
	b.Now = func() time.Time { return b.clock }
	b.in(t, func(tx pgx.Tx) error {
		_, err := postgres.AddBook(t.Context(), tx, b.ws, "Doors", tellingBook, "test", postgres.AfterAny)
		return err
	})
	b.run(t, `UPDATE books SET active_at = '2026-11-20T00:00Z'`)
	b.run(t, `UPDATE connections SET created_at = '2026-11-01T00:00Z'`)
	for i, who := range []string{"Anna@example.com", "jan@example.com", "petro@example.com"} {
		b.run(t, `INSERT INTO reps (workspace_id, connection_id, external_id, name, email, active, map_version) VALUES ($1, $2, $3, $4, $4, true, 1)`, b.ws, b.conn, fmt.Sprint(100+i), who)
	}
	b.setMail(t, false)
	return b
}

func (b *telling) setMail(t testing.TB, reps bool) {
	t.Helper()
	err := b.SetMailServer(t.Context(), b.ws, postgres.MailServer{Host: b.mail.Host, Port: b.mail.Port, From: "book@firma.example", TLS: "none", Heads: true, Reps: reps, SetBy: "test"})
	if err != nil {
		t.Fatal(err)
	}
}

// broken stores a deal with a violation, noticed at an instant.
func (b *telling) broken(t testing.TB, deal, owner, rule, amount, noticed string) {
	t.Helper()
	value, currency, _ := strings.Cut(amount, " ")
	b.run(t, `INSERT INTO deals (workspace_id, connection_id, external_id, title, status, amount, currency, archived, map_version)
		VALUES ($1, $2, $3, 'Deal ' || $3, 'open', NULLIF($4, '')::numeric, NULLIF($5, ''), false, 1) ON CONFLICT DO NOTHING`, b.ws, b.conn, deal, value, currency)
	detail := ""
	if rule == string(book.LossApproval) {
		detail = "dear"
	}
	b.run(t, `INSERT INTO violations (workspace_id, connection_id, kind, external_id, rule, detail, opened_at, book, assumed, place, owner, noticed_at)
		VALUES ($1, $2, 'deals', $3, $4, $5, $6, 1, false, 'sales/offer', $7, $6)`, b.ws, b.conn, deal, rule, detail, noticed, owner)
}

// tell wants people to be told of a violation.
func (b *telling) tell(t testing.TB, occasion enforce.Occasion, deal, rule, opened string, to ...string) {
	t.Helper()
	b.tellOf(t, occasion, deal, rule, "", opened, to...)
}

func (b *telling) tellOf(t testing.TB, occasion enforce.Occasion, deal, rule, detail, opened string, to ...string) {
	t.Helper()
	at, err := time.Parse(time.RFC3339, opened)
	if err != nil {
		t.Fatal(err)
	}
	b.in(t, func(tx pgx.Tx) error {
		return jobs.WantTells(t.Context(), tx, b.ws, b.conn, "deals", deal, []enforce.Tell{{Occasion: occasion, Key: string(occasion) + "/" + deal, To: to, Rule: book.Rule(rule), Detail: detail, Opened: at}})
	})
}

func (b *telling) notify(t testing.TB) {
	t.Helper()
	if complete, err := b.Notify(t.Context(), b.ws); err != nil || !complete {
		t.Fatalf("complete %v: %v", complete, err)
	}
}

// subjects are those of the mails to somebody, or to everybody.
func (b *telling) subjects(to string) []string {
	out := []string{}
	for _, m := range b.mail.Mails() {
		if to == "" || m.To == to {
			out = append(out, strings.ReplaceAll(m.Subject(), "\u00a0", " "))
		}
	}
	return out
}

func (b *telling) add(t testing.TB, c postgres.Channel, s postgres.ChannelSecret) int64 {
	t.Helper()
	c.Digest, c.Instant, c.MadeBy = true, true, "test"
	if c.QuietFrom == c.QuietTo {
		c.QuietFrom, c.QuietTo = 20*60, 8*60
	}
	c, _, err := b.AddChannel(t.Context(), b.ws, c, s)
	if err != nil {
		t.Fatal(err)
	}
	return c.ID
}

// state is that of all notifications, with how many.
func (b *telling) states(t testing.TB) string {
	t.Helper()
	return one[string](t, b.bundle, `SELECT COALESCE(string_agg(state || ' ' || n, ', ' ORDER BY state), '') FROM (SELECT state, count(*) AS n FROM notifications GROUP BY state) s`)
}

func TestAHeadHasADigestInTheMorning(t *testing.T) {
	t.Parallel()
	b := tellers(t)
	b.broken(t, "1", "Anna@example.com", "no_next_step", "500 PLN", "2026-11-26T10:00:00Z")
	b.broken(t, "1", "Anna@example.com", "over_limit", "500 PLN", "2026-11-26T11:00:00Z")
	b.broken(t, "2", "jan@example.com", "no_next_step", "90000 PLN", "2026-11-26T10:00:00Z")
	b.broken(t, "3", "jan@example.com", "no_next_step", "7 EUR", "2026-11-26T10:00:00Z")
	b.broken(t, "4", "petro@example.com", "no_next_step", "1 PLN", "2026-11-26T10:00:00Z") // of another team
	b.broken(t, "5", "", "no_owner", "", "2026-11-26T10:00:00Z")
	b.broken(t, "6", "jan@example.com", "no_touch", "1 PLN", "2026-11-26T10:00:00Z")           // only observed
	b.broken(t, "7", "Anna@example.com", "no_next_step", "999999 PLN", "2026-11-10T10:00:00Z") // the backlog
	b.broken(t, "8", "Anna@example.com", "loss_approval", "300 PLN", "2026-11-26T10:00:00Z")
	b.run(t, `UPDATE connections SET writes = 'stopped', writes_why = 'too many edits'`)

	b.at(t, "2026-11-27T08:29:59+01:00")
	b.notify(t)
	if got := b.subjects(""); len(got) != 0 {
		t.Fatalf("told before the time: %q", got)
	}
	b.at(t, "2026-11-27T08:30:00+01:00")
	for range 3 {
		b.notify(t)
	}
	want := []string{"Sales book: 27 November 2026 – 5 new violations"}
	if d := cmp.Diff(want, b.subjects("ewa@example.com")); d != "" {
		t.Fatalf("(-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"Sales book: 27 November 2026 – 2 new violations"}, b.subjects("olga@example.com")); d != "" {
		t.Errorf("the other head (-want +got):\n%s", d)
	}
	text := b.mail.Mails()[0].Text
	wantText := `What is new since the last digest, what weighs most, and what waits for you.

WAITS FOR A DECISION

- A loss waits for somebody to agree: Deal 8, PLN 300
  “Offer”, Anna@example.com
  reason: “Too dear”
- Nothing is written to the CRM any more, connection “crm”: too many edits

NEW

- Anna@example.com
  no next step is planned: 1
  stands in its stage for too long: 1
- jan@example.com
  no next step is planned: 2
- without an owner
  has no owner: 1

WHAT WEIGHS MOST

- Deal 2, PLN 90,000
  “Offer”, jan@example.com
  no next step is planned, since 26 November 2026
- Deal 3, €7
  “Offer”, jan@example.com
  no next step is planned, since 26 November 2026
- Deal 1, PLN 500
  “Offer”, Anna@example.com
  no next step is planned, since 26 November 2026
  stands in its stage for too long, since 26 November 2026
- Deal 5
  “Offer”
  has no owner, since 26 November 2026

Besides, 1 violation is older than the book. You get this because you lead a team in the sales book.
`
	if d := cmp.Diff(wantText, strings.ReplaceAll(text, "\u00a0", " ")); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	// On Monday only what came since is new.
	b.broken(t, "9", "jan@example.com", "no_next_step", "", "2026-11-28T10:00:00Z")
	for _, at := range []string{"2026-11-28T08:30:00+01:00", "2026-11-29T09:00:00+01:00", "2026-11-30T08:30:00+01:00", "2026-11-30T11:00:00+01:00"} {
		b.at(t, at)
		b.notify(t)
	}
	want = append(want, "Sales book: 30 November 2026 – 1 new violation")
	if d := cmp.Diff(want, b.subjects("ewa@example.com")); d != "" {
		t.Errorf("after the weekend (-want +got):\n%s", d)
	}
}

func TestARepIsToldOfHisOwnIfTheCompanyWantsIt(t *testing.T) {
	t.Parallel()
	b := tellers(t)
	b.broken(t, "1", "Anna@example.com", "no_next_step", "500 PLN", "2026-11-26T10:00:00Z")
	b.broken(t, "2", "jan@example.com", "over_limit", "1 PLN", "2026-11-26T10:00:00Z")
	b.broken(t, "1", "Anna@example.com", "over_limit", "500 PLN", "2026-11-26T11:00:00Z")
	b.at(t, "2026-11-27T08:30:00+01:00")
	b.tell(t, enforce.PastLimit, "1", "over_limit", "2026-11-26T11:00:00Z", "Anna@example.com")
	b.notify(t)
	if got := b.subjects("anna@example.com"); len(got) != 0 {
		t.Fatalf("reps are written to, though nobody asked for that: %q", got)
	}
	b.setMail(t, true)
	b.tell(t, enforce.PastLimit, "2", "over_limit", "2026-11-26T10:00:00Z", "jan@example.com")
	b.notify(t)
	b.notify(t)
	if d := cmp.Diff([]string{"Sales book: 27 November 2026 – 1 new violation"}, b.subjects("jan@example.com")); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	var mine []string
	for _, m := range b.mail.Mails() {
		if m.To == "anna@example.com" {
			mine = append(mine, strings.ReplaceAll(m.Text, "\u00a0", " "))
		}
	}
	want := []string{`Your deals and leads that are to be mended.

TO MEND

- Deal 1, PLN 500
  “Offer”
  no next step is planned, since 26 November 2026 → Plan an activity with a date, or close the deal with a reason.
  stands in its stage for too long, since 26 November 2026 → Bring the deal to the next stage, or close it with a reason.

You get this because you are the owner in the CRM.
`}
	if d := cmp.Diff(want, mine); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if got := b.subjects("petro@example.com"); len(got) != 0 {
		t.Errorf("somebody is told who has nothing to mend: %q", got)
	}
}

// TestEveryoneHasHisOwnMorning walks over two days, in whose first night the
// clocks of Europe were changed.
func TestEveryoneHasHisOwnMorning(t *testing.T) {
	t.Parallel()
	b := tellers(t)
	zones := map[string]string{"ny@example.com": "America/New_York", "almaty@example.com": "Asia/Almaty", "kyiv@example.com": "Europe/Kyiv", "lisbon@example.com": "Europe/Lisbon"}
	calendars, teams, want := "", "", map[string][]string{}
	for who, zone := range zones {
		name, _, _ := strings.Cut(who, "@")
		calendars += fmt.Sprintf("  - {id: %s, zone: %s}\n", name, zone)
		teams += fmt.Sprintf("  - {id: %s, name: %s, head: %s, calendar: %s}\n", name, name, who, name)
		want[who] = []string{"Mon 08:30"}
	}
	text := strings.Replace(strings.Replace(tellingBook, "calendars:\n", "calendars:\n"+calendars, 1), "teams:\n", "teams:\n"+teams, 1)
	b.run(t, `UPDATE books SET text = $1, active_at = '2026-10-01T00:00Z'`, text)
	b.run(t, `UPDATE connections SET created_at = '2026-10-01T00:00Z'`)
	b.broken(t, "1", "", "no_owner", "", "2026-10-20T10:00:00Z")
	got, seen := map[string][]string{}, 0
	b.at(t, "2026-10-25T00:00:00Z")
	for range 2 * 24 * 4 {
		b.notify(t)
		for _, m := range b.mail.Mails()[seen:] {
			seen++
			if zone, ok := zones[m.To]; ok {
				l, err := time.LoadLocation(zone)
				if err != nil {
					t.Fatal(err)
				}
				got[m.To] = append(got[m.To], b.clock.In(l).Format("Mon 15:04"))
			}
		}
		b.clock = b.clock.Add(15 * time.Minute)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// TestAPreviewHasTheDaysOfItsReader, which a channel may set.
func TestAPreviewHasTheDaysOfItsReader(t *testing.T) {
	t.Parallel()
	b := tellers(t)
	b.broken(t, "1", "jan@example.com", "no_next_step", "500 PLN", "2026-11-25T10:00:00Z")
	b.add(t, postgres.Channel{Address: "ewa@example.com", Kind: "email", Target: "ewa@example.com", Zone: "Pacific/Auckland"}, postgres.ChannelSecret{})
	b.at(t, "2026-11-27T08:30:00+13:00") // it is the 26th in Warsaw
	m, _, err := b.PreviewDigest(t.Context(), b.ws, "Ewa@example.com", "", b.clock)
	if err != nil {
		t.Fatal(err)
	}
	b.notify(t)
	if d := cmp.Diff(b.subjects("ewa@example.com"), []string{strings.ReplaceAll(m.Subject, "\u00a0", " ")}); d != "" {
		t.Errorf("(-sent +previewed):\n%s", d)
	}
}

func TestADigestThatWasMissed(t *testing.T) {
	t.Parallel()
	for at, want := range map[string]int{"2026-11-27T11:59:00+01:00": 1, "2026-11-27T12:00:00+01:00": 0} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			b := tellers(t)
			b.broken(t, "1", "jan@example.com", "no_next_step", "500 PLN", "2026-11-26T10:00:00Z")
			b.at(t, at)
			for range 2 {
				b.notify(t)
				b.clock = b.clock.Add(20 * time.Second)
			}
			if got := b.subjects("ewa@example.com"); len(got) != want {
				t.Errorf("told %q", got)
			}
		})
	}
}

// TestNobodyIsToldAtNight: what cannot wait waits for the morning all the same,
// and then comes in one message, without what was mended meanwhile.
func TestNobodyIsToldAtNight(t *testing.T) {
	t.Parallel()
	b := tellers(t)
	for i := range 4 {
		b.broken(t, fmt.Sprint(i), "jan@example.com", "no_next_step", "500 PLN", "2026-11-26T10:00:00Z")
	}
	b.at(t, "2026-11-27T20:00:00+01:00") // Friday
	for i := range 3 {
		for range 2 {
			b.tell(t, enforce.LargeDeal, fmt.Sprint(i), "no_next_step", "2026-11-26T10:00:00Z", "Ewa@example.com", "nobody@example.com")
		}
		b.notify(t)
	}
	for _, at := range []string{"2026-11-28T12:00:00+01:00", "2026-11-30T07:59:00+01:00"} {
		b.at(t, at)
		b.notify(t)
	}
	if got := b.subjects(""); len(got) != 0 {
		t.Fatalf("told in quiet hours: %q", got)
	}
	b.run(t, `UPDATE violations SET mended_at = now() WHERE external_id = '1'`)
	b.at(t, "2026-11-30T08:00:00+01:00")
	b.notify(t)
	b.notify(t)
	want := []string{"Sales book: 2 things that cannot wait"}
	if d := cmp.Diff(want, b.subjects("ewa@example.com")); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if d := cmp.Diff(want, b.subjects("nobody@example.com")); d != "" {
		t.Errorf("whom the book names (-want +got):\n%s", d)
	}
	// In the day it goes at once, and what was told is not told again.
	b.tell(t, enforce.LargeDeal, "2", "no_next_step", "2026-11-26T10:00:00Z", "ewa@example.com")
	b.tell(t, enforce.LargeDeal, "3", "no_next_step", "2026-11-26T10:00:00Z", "ewa@example.com")
	b.tell(t, enforce.PastLimit, "3", "no_next_step", "2026-11-26T10:00:00Z", "ewa@example.com") // of the same violation
	b.at(t, "2026-11-30T08:01:00+01:00")
	b.notify(t)
	if d := cmp.Diff(append(want, "A large deal hangs: Deal 3, PLN 500"), b.subjects("ewa@example.com")); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// TestOnlyWhatCannotWaitIsToldAtOnce: all else comes in the digest, of whoever has
// one, and once; a morning without a mail server leaves it to the next.
func TestOnlyWhatCannotWaitIsToldAtOnce(t *testing.T) {
	t.Parallel()
	b := tellers(t)
	b.broken(t, "1", "jan@example.com", "over_limit", "500 PLN", "2026-11-26T10:00:00Z")
	b.broken(t, "2", "jan@example.com", "loss_approval", "700 PLN", "2026-11-26T10:00:00Z")
	b.broken(t, "3", "jan@example.com", "over_limit", "1 PLN", "2026-11-26T10:00:00Z")
	b.at(t, "2026-11-27T08:30:00+01:00") // Friday
	b.notify(t)
	first := b.subjects("")
	b.at(t, "2026-11-27T12:30:00+01:00")
	b.tell(t, enforce.PastLimit, "1", "over_limit", "2026-11-26T10:00:00Z", "ewa@example.com", "boss@example.com")
	b.tell(t, enforce.PastLimit, "3", "over_limit", "2026-11-26T10:00:00Z", "boss@example.com")
	b.tell(t, enforce.Overwritten, "1", "", "2026-11-26T10:00:00Z", "ewa@example.com")
	b.tellOf(t, enforce.Decision, "2", "loss_approval", "dear", "2026-11-26T10:00:00Z", "ewa@example.com", "boss@example.com")
	for _, at := range []string{"2026-11-27T12:31:00+01:00", "2026-11-28T09:00:00+01:00", "2026-11-30T08:29:00+01:00"} {
		b.at(t, at)
		b.notify(t)
	}
	if d := cmp.Diff(first, b.subjects("")); d != "" {
		t.Fatalf("told before the morning (-want +got):\n%s", d)
	}
	b.run(t, `UPDATE violations SET mended_at = now() WHERE external_id = '3'`)
	b.mail.Answer(func(command string) string { return "421 4.3.2 not now" })
	for _, at := range []string{"2026-11-30T08:30:00+01:00", "2026-11-30T11:00:00+01:00"} {
		b.at(t, at)
		b.notify(t)
	}
	b.mail.Answer(nil)
	for _, at := range []string{"2026-12-01T08:00:00+01:00", "2026-12-01T08:30:00+01:00", "2026-12-01T11:00:00+01:00", "2026-12-02T08:30:00+01:00"} {
		b.at(t, at)
		b.notify(t)
	}
	got := map[string][]string{}
	for _, m := range b.mail.Mails()[len(first):] {
		text := strings.TrimPrefix(strings.ReplaceAll(m.Text, "\u00a0", " "), "What is new since the last digest, what weighs most, and what waits for you.\n\n")
		got[m.To] = append(got[m.To], m.Subject()+"\n"+text)
	}
	loss := "- %sDeal 2, PLN 700\n  “Offer”, jan@example.com\n%s  reason: “Too dear”\n\n"
	deal := "A DEAL STANDS IN ITS STAGE FOR TOO LONG\n\n- Deal 1, PLN 500\n  “Offer”, jan@example.com\n  stands in its stage for too long, since 26 November 2026 → Bring the deal to the next stage, or close it with a reason.\n\n"
	head := "Sales book: %s December 2026\nWAITS FOR A DECISION\n\n" + fmt.Sprintf(loss, "A loss waits for somebody to agree: ", "")
	want := map[string][]string{
		"ewa@example.com": {fmt.Sprintf(head, "1") +
			"SOMEBODY CHANGED THIS AT THE SAME MOMENT AS SALESBOOK\n\n- Deal 1, PLN 500\n  That change was written over. It is set back where the book allows it.\n\n" + deal +
			"You get this because you lead a team in the sales book.\n",
			fmt.Sprintf(head, "2") + "WHAT WEIGHS MOST\n\n- Deal 1, PLN 500\n  “Offer”, jan@example.com\n  stands in its stage for too long, since 26 November 2026\n\n" +
				"You get this because you lead a team in the sales book.\n"},
		"boss@example.com": {"Sales book: 1 December 2026\nA LOSS WAITS FOR YOU TO AGREE\n\n" +
			fmt.Sprintf(loss, "", "  nobody has agreed to the loss, since 26 November 2026 → salesbook approve deal 2 --by boss@example.com --reason-note TEXT\n") + deal +
			"You get this because the sales book names you.\n"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if got := one[int](t, b.bundle, `SELECT count(*) FROM notifications WHERE state = 'waiting'`); got != 0 {
		t.Errorf("%d notifications wait still", got)
	}
}

func TestTwoWorkersTellNothingTwice(t *testing.T) {
	t.Parallel()
	b := tellers(t)
	b.at(t, "2026-11-27T08:30:00+01:00")
	for i := range 20 {
		b.broken(t, fmt.Sprint(i), "jan@example.com", "no_next_step", "500 PLN", "2026-11-26T10:00:00Z")
		b.tell(t, enforce.LargeDeal, fmt.Sprint(i), "no_next_step", "2026-11-26T10:00:00Z", fmt.Sprintf("head%d@example.com", i))
	}
	other := pipelineAgain(t, b.bundle)
	other.Now = b.Now
	var all sync.WaitGroup
	for _, p := range []*jobs.Pipeline{b.Pipeline, other, b.Pipeline, other} {
		all.Go(func() {
			for range 3 {
				if _, err := p.Notify(t.Context(), b.ws); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	b.notify(t)
	seen := map[string]int{}
	for _, m := range b.mail.Mails() {
		seen[m.To]++
	}
	for to, n := range seen {
		if n != 1 {
			t.Errorf("%s is told %d times", to, n)
		}
	}
	if len(seen) != 21 { // and the head; the other one has nothing to be told
		t.Errorf("%d people are told: %v", len(seen), seen)
	}
}

// killed ends the job while the mail server has the mail and we have no answer.
func (b *telling) killed(t *testing.T) {
	t.Helper()
	ctx, kill := context.WithCancel(t.Context())
	defer kill()
	b.mail.Answer(func(command string) string {
		if command == "." {
			kill()
			return "LOST"
		}
		return ""
	})
	if _, err := b.Notify(ctx, b.ws); !errors.Is(err, context.Canceled) {
		t.Fatalf("it was not ended: %v", err)
	}
	b.mail.Answer(nil)
}

// TestKilledBetweenIntentAndReceipt: nobody knows whether a message arrived whose
// sender ended before he had an answer. It is sent once more under its old name,
// and not a third time.
func TestKilledBetweenIntentAndReceipt(t *testing.T) {
	t.Parallel()
	b := tellers(t)
	b.broken(t, "1", "jan@example.com", "no_next_step", "500 PLN", "2026-11-26T10:00:00Z")
	b.at(t, "2026-11-27T10:00:00+01:00")
	b.run(t, `INSERT INTO notifications (workspace_id, address, occasion, key, state) VALUES ($1, 'ewa@example.com', 'digest', 'digest/2026-11-27', 'sent'), ($1, 'olga@example.com', 'digest', 'digest/2026-11-27', 'sent')`, b.ws)
	b.tell(t, enforce.LargeDeal, "1", "no_next_step", "2026-11-26T10:00:00Z", "ewa@example.com")
	b.killed(t)
	b.notify(t)
	if n := len(b.mail.Mails()); n != 1 {
		t.Fatalf("sent %d times, while the first sender may still be at it", n)
	}
	b.clock = b.clock.Add(11 * time.Minute)
	b.killed(t)
	b.clock = b.clock.Add(11 * time.Minute)
	b.notify(t)
	mails := b.mail.Mails()
	if len(mails) != 2 || mails[0].Header.Get("Message-Id") != mails[1].Header.Get("Message-Id") {
		t.Fatalf("%d mails", len(mails))
	}
	if got := b.states(t); got != "failed 1, sent 2" {
		t.Errorf("notifications: %s", got)
	}
	if why := one[string](t, b.bundle, `SELECT reason FROM failures WHERE kind = 'notification' AND resolved_at IS NULL`); !strings.Contains(why, "it may have arrived") {
		t.Errorf("the failure says: %s", why)
	}
	// A person may have it sent again.
	b.retryAll(t)
	b.notify(t)
	if n := len(b.mail.Mails()); n != 3 {
		t.Errorf("%d mails after a retry", n)
	}
	if got := b.states(t); got != "sent 3" {
		t.Errorf("notifications: %s", got)
	}
}

// TestAMessageComesTwiceAtMost, however often whoever takes it ends before he says
// so: it is sent once more under its old name, and not a third time.
func TestAMessageComesTwiceAtMost(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		channel postgres.Channel
		secret  postgres.ChannelSecret
	}{
		"email":    {},
		"slack":    {postgres.Channel{Kind: "slack"}, postgres.ChannelSecret{}},
		"telegram": {postgres.Channel{Kind: "telegram", Target: "77"}, postgres.ChannelSecret{Token: "1:abcdefghijkl"}},
		"webhook":  {postgres.Channel{Kind: "webhook"}, postgres.ChannelSecret{Secret: "0123456789abcdef"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := tellers(t)
			b.broken(t, "1", "jan@example.com", "no_next_step", "500 PLN", "2026-11-26T10:00:00Z")
			b.at(t, "2026-11-27T13:00:00+01:00")
			b.mail.Answer(func(command string) string { return map[bool]string{true: "LOST"}[command == "."] })
			calls := func() int { return len(b.mail.Mails()) }
			if c.channel.Kind != "" {
				h := newHook(t)
				h.say(hangsUp, "", nil)
				c.channel.Address, c.secret.URL, c.secret.Server = "ewa@example.com", h.URL, h.URL
				b.add(t, c.channel, c.secret)
				calls = h.calls
			}
			b.tell(t, enforce.LargeDeal, "1", "no_next_step", "2026-11-26T10:00:00Z", "ewa@example.com")
			for range 12 {
				b.notify(t)
				b.clock = b.clock.Add(20 * time.Minute)
			}
			if n := calls(); n != 2 {
				t.Errorf("it was handed over %d times", n)
			}
			if why := one[string](t, b.bundle, `SELECT COALESCE(string_agg(reason, ' '), 'there is none') FROM failures WHERE kind = 'notification'`); !strings.Contains(why, "it may have arrived") {
				t.Errorf("the failure says: %s", why)
			}
		})
	}
}

// retryAll tries every failure again, which must be one at least.
func (b *telling) retryAll(t testing.TB) {
	t.Helper()
	var list []postgres.Failure
	b.in(t, func(tx pgx.Tx) (err error) {
		list, err = postgres.Failures(t.Context(), tx, b.ws, 0, false, 0, 100)
		return err
	})
	for _, f := range list {
		if r, err := b.Retry(t.Context(), b.ws, f); err != nil || !r.Resolved || !r.Queued {
			t.Errorf("retry: %+v: %v", r, err)
		}
	}
	if len(list) == 0 {
		t.Error("there is no failure to retry")
	}
}

// hook is somebody's receiver, which answers as it is told to.
type hook struct {
	*httptest.Server
	mu     sync.Mutex
	status int
	header map[string]string
	words  string
	got    []http.Header
	taken  []string // bodies that were answered with 200
}

// hangsUp is the status of a hook that takes what it is sent, and ends the
// connection instead of an answer.
const hangsUp = 0

func newHook(t testing.TB) *hook {
	t.Helper()
	h := &hook{status: 200, words: `{"ok":true,"result":{"message_id":1}}`}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.got = append(h.got, r.Header)
		body, _ := io.ReadAll(r.Body)
		switch h.status {
		case hangsUp:
			panic(http.ErrAbortHandler)
		case http.StatusOK:
			h.taken = append(h.taken, string(body))
		}
		for name, value := range h.header {
			w.Header().Set(name, value)
		}
		w.WriteHeader(h.status)
		_, _ = fmt.Fprint(w, h.words)
	}))
	t.Cleanup(h.Close)
	return h
}

func (h *hook) say(status int, words string, header map[string]string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.status, h.words, h.header = status, words, header
}

func (h *hook) calls() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.got)
}

// TestAChannelThatLeadsNowhereIsStopped, with what the other side said. The others
// of the person go on.
func TestAChannelThatLeadsNowhereIsStopped(t *testing.T) {
	t.Parallel()
	b := tellers(t)
	b.broken(t, "1", "jan@example.com", "no_next_step", "500 PLN", "2026-11-26T10:00:00Z")
	b.broken(t, "2", "jan@example.com", "no_next_step", "500 PLN", "2026-11-26T10:00:00Z")
	b.at(t, "2026-11-27T13:00:00+01:00")
	bot := newHook(t)
	bot.say(403, `{"ok":false,"error_code":403,"description":"Forbidden: bot was blocked by the user"}`, nil)
	b.add(t, postgres.Channel{Address: "Ewa@example.com", Kind: "email", Target: "ewa@example.com"}, postgres.ChannelSecret{})
	id := b.add(t, postgres.Channel{Address: "ewa@example.com", Kind: "telegram", Target: "77"}, postgres.ChannelSecret{Token: "1:abcdefghijkl", Server: bot.URL})
	b.tell(t, enforce.LargeDeal, "1", "no_next_step", "2026-11-26T10:00:00Z", "ewa@example.com", "olga@example.com")
	b.mail.Answer(func(command string) string {
		if strings.HasPrefix(command, "RCPT") && strings.Contains(command, "olga") {
			return "550 5.1.1 no such user"
		}
		return ""
	})
	b.notify(t)
	b.notify(t)
	if bot.calls() != 1 || len(b.subjects("ewa@example.com")) != 1 {
		t.Fatalf("%d calls of the bot, mails %q", bot.calls(), b.subjects(""))
	}
	stopped := one[string](t, b.bundle, `SELECT string_agg(kind || ' ' || address || ': ' || why, E'\n' ORDER BY kind) FROM channels WHERE state = 'stopped'`)
	for _, want := range []string{"telegram ewa@example.com: Telegram answered 403 (Forbidden: bot was blocked by the user)", "email olga@example.com: the mail server 127.0.0.1 says that the mailbox cannot be reached"} {
		if !strings.Contains(stopped, want) {
			t.Errorf("stopped:\n%s\nwant %s", stopped, want)
		}
	}
	if strings.Contains(stopped, "abcdefghijkl") {
		t.Error("the token stands in the reason")
	}
	if got := b.states(t); got != "failed 1, sent 1" {
		t.Errorf("notifications: %s", got)
	}
	b.tell(t, enforce.LargeDeal, "2", "no_next_step", "2026-11-26T10:00:00Z", "ewa@example.com", "olga@example.com")
	b.notify(t)
	if bot.calls() != 1 || len(b.subjects("ewa@example.com")) != 2 {
		t.Errorf("%d calls of the bot, mails %q", bot.calls(), b.subjects(""))
	}
	// It goes on once a test message arrives, and the failure can be retried.
	bot.say(200, `{"ok":true,"result":{"message_id":7}}`, nil)
	if _, vendor, err := b.TestChannel(t.Context(), b.ws, id, "sb-test"); err != nil || vendor != "7" {
		t.Fatal(vendor, err)
	}
	b.mail.Answer(nil)
	b.run(t, `UPDATE failures SET resolved_at = now() WHERE object = 'email'`)
	b.retryAll(t)
	b.notify(t)
	if bot.calls() != 3 {
		t.Errorf("%d calls of the bot", bot.calls())
	}
}

// TestWhoAsksForPatienceGetsIt: a 429 says when to come back.
func TestWhoAsksForPatienceGetsIt(t *testing.T) {
	t.Parallel()
	b := tellers(t)
	b.broken(t, "1", "jan@example.com", "no_next_step", "500 PLN", "2026-11-26T10:00:00Z")
	b.at(t, "2026-11-27T13:00:00+01:00")
	h := newHook(t)
	h.say(429, "", map[string]string{"Retry-After": "3600"})
	b.add(t, postgres.Channel{Address: "ewa@example.com", Kind: "webhook"}, postgres.ChannelSecret{URL: h.URL + "/x", Secret: "0123456789abcdef"})
	b.tell(t, enforce.LargeDeal, "1", "no_next_step", "2026-11-26T10:00:00Z", "ewa@example.com")
	b.notify(t)
	h.say(200, "", nil)
	b.clock = b.clock.Add(59 * time.Minute)
	b.notify(t)
	if h.calls() != 1 {
		t.Fatalf("%d calls, though an hour was asked for", h.calls())
	}
	b.clock = b.clock.Add(time.Minute)
	b.notify(t)
	b.notify(t)
	if h.calls() != 2 || h.got[0].Get("Idempotency-Key") != h.got[1].Get("Idempotency-Key") || h.got[0].Get("Idempotency-Key") == "" {
		t.Errorf("%d calls: %v", h.calls(), h.got)
	}
	if got := b.states(t); got != "sent 1" {
		t.Errorf("notifications: %s", got)
	}
}

// TestAReceiverThatIsDownForHours keeps nobody else waiting, and gets its message
// once it is back; one that never comes back is given up.
func TestAReceiverThatIsDownForHours(t *testing.T) {
	t.Parallel()
	b := tellers(t)
	b.broken(t, "1", "jan@example.com", "no_next_step", "500 PLN", "2026-11-26T10:00:00Z")
	b.at(t, "2026-11-27T12:00:00+01:00")
	down, back := newHook(t), newHook(t)
	down.say(503, "", nil)
	back.say(503, "", nil)
	secret := func(h *hook) postgres.ChannelSecret {
		return postgres.ChannelSecret{URL: h.URL, Secret: "0123456789abcdef"}
	}
	b.add(t, postgres.Channel{Address: "a@example.com", Kind: "webhook", QuietFrom: 1, QuietTo: 2}, secret(down))
	b.add(t, postgres.Channel{Address: "b@example.com", Kind: "webhook", QuietFrom: 1, QuietTo: 2}, secret(back))
	b.tell(t, enforce.LargeDeal, "1", "no_next_step", "2026-11-26T10:00:00Z", "a@example.com", "b@example.com", "ewa@example.com")
	b.notify(t)
	if len(b.subjects("ewa@example.com")) != 1 {
		t.Error("others wait for who is down")
	}
	began := b.clock
	for b.clock.Sub(began) < 4*24*time.Hour {
		if b.clock.Sub(began) > 5*time.Hour {
			back.say(200, "", nil)
		}
		b.notify(t)
		b.clock = b.clock.Add(30 * time.Minute)
	}
	if n := down.calls(); n != 10 {
		t.Errorf("who never answers was asked %d times", n)
	}
	if n := back.calls(); n < 4 || n > 7 {
		t.Errorf("who answered after five hours was asked %d times", n)
	}
	sent := one[string](t, b.bundle, `SELECT string_agg(address || ' ' || state, ', ' ORDER BY address) FROM notifications WHERE occasion <> 'digest'`)
	if d := cmp.Diff("a@example.com failed, b@example.com sent, ewa@example.com sent", sent); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if why := one[string](t, b.bundle, `SELECT string_agg(reason, ' ') FROM failures WHERE kind = 'notification'`); !strings.Contains(why, "answered 503") {
		t.Errorf("the failure says: %s", why)
	}
}

// TestWhatIsNewIsNewOnce: a digest that goes out late does not count what the next
// one counts.
func TestWhatIsNewIsNewOnce(t *testing.T) {
	t.Parallel()
	b := tellers(t)
	h := newHook(t)
	h.say(503, "", nil)
	b.add(t, postgres.Channel{Address: "ewa@example.com", Kind: "webhook"}, postgres.ChannelSecret{URL: h.URL, Secret: "0123456789abcdef"})
	b.broken(t, "1", "jan@example.com", "no_next_step", "500 PLN", "2026-11-26T10:00:00Z")
	b.at(t, "2026-11-27T08:30:00+01:00")
	b.notify(t)
	b.broken(t, "2", "jan@example.com", "no_next_step", "500 PLN", "2026-11-27T07:45:00Z")
	h.say(200, "ok", nil)
	for _, at := range []string{"2026-11-27T09:30:00+01:00", "2026-11-30T08:30:00+01:00"} {
		b.at(t, at)
		b.notify(t)
	}
	var got []string
	for _, text := range h.taken {
		got = append(got, strings.ReplaceAll(gjson.Get(text, "subject").String(), "\u00a0", " "))
	}
	want := []string{"Sales book: 27 November 2026 – 1 new violation", "Sales book: 30 November 2026 – 1 new violation"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// TestAMessageThatCannotBeMadeIsGivenUp, as one that cannot be sent.
func TestAMessageThatCannotBeMadeIsGivenUp(t *testing.T) {
	t.Parallel()
	b := tellers(t)
	b.broken(t, "1", "jan@example.com", "no_next_step", "500 PLN", "2026-11-26T10:00:00Z")
	b.at(t, "2026-11-27T13:00:00+01:00")
	id := b.add(t, postgres.Channel{Address: "nobody@example.com", Kind: "slack", QuietFrom: 1, QuietTo: 2}, postgres.ChannelSecret{URL: "http://127.0.0.1:1/x"})
	odd, err := b.Vault.Keys.Seal([]byte("no JSON"), fmt.Sprintf("channel/%d/%d", b.ws, id))
	if err != nil {
		t.Fatal(err)
	}
	b.run(t, `UPDATE channels SET sealed = $1`, odd)
	b.tell(t, enforce.LargeDeal, "1", "no_next_step", "2026-11-26T10:00:00Z", "nobody@example.com")
	faults := 0
	for range 4 * 24 {
		if _, err := b.Notify(t.Context(), b.ws); err != nil {
			faults++
		}
		b.clock = b.clock.Add(time.Hour)
	}
	if got := one[string](t, b.bundle, `SELECT state FROM notifications WHERE address = 'nobody@example.com'`); got != "failed" || faults != 9 {
		t.Errorf("the notification is %s, after %d faults", got, faults)
	}
}

// TestADigestIsNotSentOnAnotherDay: what could not be sent today is in tomorrow's.
func TestADigestIsNotSentOnAnotherDay(t *testing.T) {
	t.Parallel()
	b := tellers(t)
	b.broken(t, "1", "jan@example.com", "no_next_step", "500 PLN", "2026-11-25T10:00:00Z")
	b.mail.Answer(func(string) string { return "421 4.3.2 closed" })
	for _, at := range []string{"2026-11-26T08:30:00+01:00", "2026-11-26T15:00:00+01:00"} {
		b.at(t, at)
		b.notify(t)
	}
	b.mail.Answer(nil)
	for _, at := range []string{"2026-11-27T08:01:00+01:00", "2026-11-27T08:31:00+01:00", "2026-11-27T09:31:00+01:00"} {
		b.at(t, at)
		b.notify(t)
	}
	if d := cmp.Diff([]string{"Sales book: 27 November 2026 – 1 new violation"}, b.subjects("ewa@example.com")); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// TestATeamIsToldWhatItsHeadIs, once, however many heads it has.
func TestATeamIsToldWhatItsHeadIs(t *testing.T) {
	t.Parallel()
	b := tellers(t)
	b.broken(t, "1", "jan@example.com", "no_next_step", "500 PLN", "2026-11-26T10:00:00Z")
	h := newHook(t)
	b.add(t, postgres.Channel{Address: "team:doors", Kind: "slack"}, postgres.ChannelSecret{URL: h.URL + "/services/x"})
	b.at(t, "2026-11-27T08:30:00+01:00")
	b.tell(t, enforce.LargeDeal, "1", "no_next_step", "2026-11-26T10:00:00Z", "ewa@example.com", "olga@example.com")
	for range 3 {
		b.notify(t)
	}
	if n := h.calls(); n != 2 {
		t.Errorf("the team got %d messages, want the digest and what cannot wait", n)
	}
}

// TestSecretsOutliveARotation of the key, and stop what they belong to when it is
// lost.
func TestSecretsOutliveARotation(t *testing.T) {
	t.Parallel()
	b := tellers(t)
	h := newHook(t)
	id := b.add(t, postgres.Channel{Address: "ewa@example.com", Kind: "slack"}, postgres.ChannelSecret{URL: h.URL + "/services/sEcReT"})
	if stored := one[string](t, b.bundle, `SELECT to_jsonb(c)::text || encode(sealed, 'escape') FROM channels c`); strings.Contains(stored, "sEcReT") {
		t.Errorf("the secret can be read: %s", stored)
	}
	old := b.Vault.Keys.Primary()
	if err := b.Vault.Keys.Rotate(); err != nil {
		t.Fatal(err)
	}
	b.in(t, func(tx pgx.Tx) error { return b.Vault.ResealChannels(t.Context(), tx, b.ws) })
	if err := b.Vault.Keys.Drop(old); err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.TestChannel(t.Context(), b.ws, id, "sb-test"); err != nil || h.calls() != 1 {
		t.Error(h.calls(), err)
	}
	b.run(t, `UPDATE channels SET sealed = set_byte(sealed, 20, get_byte(sealed, 20) # 1), key_id = 0`)
	b.in(t, func(tx pgx.Tx) error { return b.Vault.ResealChannels(t.Context(), tx, b.ws) })
	if state := one[string](t, b.bundle, `SELECT state || ': ' || why FROM channels`); !strings.HasPrefix(state, "stopped: no key opens its secret") {
		t.Error(state)
	}
}

// TestWhatIsOldIsNotToldWhenTellingBegins.
func TestWhatIsOldIsNotToldWhenTellingBegins(t *testing.T) {
	t.Parallel()
	b := tellers(t)
	b.broken(t, "1", "jan@example.com", "no_next_step", "500 PLN", "2026-11-26T10:00:00Z")
	b.tell(t, enforce.LargeDeal, "1", "no_next_step", "2026-11-26T10:00:00Z", "ewa@example.com")
	b.run(t, `UPDATE notifications SET made_at = now() - interval '2 days'`)
	b.setMail(t, false)
	b.at(t, "2026-11-27T13:00:00+01:00")
	b.notify(t)
	if got := b.subjects(""); len(got) != 0 {
		t.Errorf("told %q", got)
	}
}

// TestWhatWaitsForTheMorningIsNotOld: who sets up a channel on a Sunday drops
// nothing that waits since Friday for the end of the quiet hours.
func TestWhatWaitsForTheMorningIsNotOld(t *testing.T) {
	t.Parallel()
	b := tellers(t)
	b.broken(t, "1", "jan@example.com", "no_next_step", "500 PLN", "2026-11-26T10:00:00Z")
	b.at(t, "2026-11-27T20:30:00+01:00") // Friday
	b.tell(t, enforce.LargeDeal, "1", "no_next_step", "2026-11-26T10:00:00Z", "ewa@example.com")
	b.notify(t)
	b.run(t, `UPDATE notifications SET made_at = now() - interval '2 days', not_before = now() + interval '12 hours'`)
	b.setMail(t, true)
	if got := b.states(t); got != "waiting 1" {
		t.Errorf("notifications: %s", got)
	}
}

// TestAMailServerThatWasStoppedStaysSo when it is only said who is written to.
func TestAMailServerThatWasStoppedStaysSo(t *testing.T) {
	t.Parallel()
	b := tellers(t)
	b.run(t, `UPDATE mail_servers SET state = 'stopped', why = 'restored from a dump'`)
	no, yes := false, true
	if err := b.SetMailReaders(t.Context(), b.ws, &no, nil, "test"); err != nil {
		t.Fatal(err)
	}
	if err := b.SetMailReaders(t.Context(), b.ws, nil, &yes, "test"); err != nil {
		t.Fatal(err)
	}
	if got := one[string](t, b.bundle, `SELECT concat_ws(' ', heads, reps, state, why) FROM mail_servers`); got != "f t stopped restored from a dump" {
		t.Error(got)
	}
	b.in(t, func(tx pgx.Tx) error { return postgres.RemoveMailServer(t.Context(), tx, b.ws) })
	if err := b.SetMailReaders(t.Context(), b.ws, &no, nil, "test"); fault.KindOf(err) != fault.NotFound {
		t.Errorf("without a mail server: %v", err)
	}
}

// TestAMailboxThatIsGoneIsStoppedOnce, however much was on its way to it.
func TestAMailboxThatIsGoneIsStoppedOnce(t *testing.T) {
	t.Parallel()
	b := tellers(t)
	b.broken(t, "1", "jan@example.com", "no_next_step", "500 PLN", "2026-11-26T10:00:00Z")
	b.at(t, "2026-11-27T08:30:00+01:00")
	b.mail.Answer(func(command string) string {
		return map[bool]string{true: "550 5.1.1 no such user"}[strings.HasPrefix(command, "RCPT")]
	})
	b.tell(t, enforce.LargeDeal, "1", "no_next_step", "2026-11-26T10:00:00Z", "ewa@example.com") // and the digest
	b.notify(t)
	b.clock = b.clock.Add(time.Minute)
	b.notify(t)
	if got := one[string](t, b.bundle, `SELECT string_agg(address || ' ' || state, ', ' ORDER BY id) FROM channels WHERE address = 'ewa@example.com'`); got != "ewa@example.com stopped" {
		t.Error(got)
	}
}

// TestJobNotifyRunsByItself from the moment on in which there is a way to tell
// anybody anything.
func TestJobNotifyRunsByItself(t *testing.T) {
	t.Parallel()
	b := tellers(t)
	every := one[time.Duration](t, b.bundle, `SELECT every FROM schedules WHERE kind = 'notify'`)
	if every != 15*time.Second {
		t.Errorf("it runs every %s", every)
	}
	if err := b.Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := one[int](t, b.bundle, `SELECT count(*) FROM river.river_job WHERE kind = 'notify'`); n != 1 {
		t.Errorf("the tick enqueues it %d times", n)
	}
}

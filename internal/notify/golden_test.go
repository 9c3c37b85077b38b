package notify_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"salesbook.dev/internal/language"
	"salesbook.dev/internal/notify"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestMessagesReadAsTheyShould holds every message to what people are sent, in
// every language and by every kind of channel.
func TestMessagesReadAsTheyShould(t *testing.T) {
	t.Parallel()
	for _, l := range language.All() {
		for name, m := range everyMessage(t, l) {
			t.Run(name+" "+string(l), func(t *testing.T) {
				t.Parallel()
				golden(t, name+"."+string(l)+".txt", notify.Plain(m))
				golden(t, name+"."+string(l)+".html", notify.HTML(m))
				golden(t, name+"."+string(l)+".telegram", notify.TelegramHTML(m)+"\n")
				golden(t, name+"."+string(l)+".slack.json", indented(t, notify.SlackJSON, m))
				golden(t, name+"."+string(l)+".webhook.json", indented(t, notify.WebhookJSON, m))
			})
		}
	}
}

func indented(t *testing.T, render func(notify.Message) ([]byte, error), m notify.Message) string {
	t.Helper()
	raw, err := render(m)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := json.Indent(&b, raw, "", "  "); err != nil {
		t.Fatal(err)
	}
	return b.String() + "\n"
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "messages", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", name, d)
	}
}

// everyMessage makes one of each message. What people wrote into the CRM tries to
// be markup.
func everyMessage(t testing.TB, l language.Language) map[string]notify.Message {
	t.Helper()
	warsaw, err := time.LoadLocation("Europe/Warsaw")
	if err != nil {
		t.Fatal(err)
	}
	at := func(month time.Month, day, hour int) time.Time {
		return time.Date(2026, month, day, hour, 30, 0, 0, warsaw)
	}
	money := func(s string) *decimal.Decimal { return new(decimal.RequireFromString(s)) }
	violation := func(rule string, since time.Time) notify.Broken {
		return notify.Broken{What: l.Broken(rule), Mends: l.Mends(rule), Since: since}
	}
	told := func(b notify.Broken) notify.Broken { b.Mends = ""; return b }
	doors := notify.Deal{About: notify.About{Connection: "crm", Kind: "deal", ID: "8"}, Title: "Двери для ООО «Ромашка» <b>&</b> *_~`", Amount: money("250000"), Currency: "RUB",
		Stage: l.Quote("Oferta"), Owner: "anna@example.com", Broken: []notify.Broken{violation("no_next_step", at(11, 20, 10)), violation("next_step_overdue", at(11, 24, 9))}}
	windows := notify.Deal{About: notify.About{Connection: "crm", Kind: "deal", ID: "7"}, Title: "Okna\n<!channel> <https://evil.example|here>", Amount: money("1801.5"), Currency: "PLN",
		Owner: "jan@example.com", Broken: []notify.Broken{violation("over_limit", at(10, 30, 8))}}
	unnamed := notify.Deal{About: notify.About{Connection: "crm", Kind: "lead", ID: "a-1"}, Broken: []notify.Broken{violation("first_response", at(11, 26, 16))}}
	loss := doors
	loss.Broken, loss.Note = nil, l.Say(language.WithReason, l.Quote("Za drogo"))

	head := notify.Digest{Day: at(11, 27, 8), Zone: warsaw, Head: true, New: 14, MoreReps: 2, More: 3, MoreLost: 1, Asked: 5, Failed: 2, Old: 131,
		News: []notify.RepNews{{Rep: "anna@example.com", Rules: []notify.Count{{Rule: l.Broken("no_next_step"), N: 9}, {Rule: l.Broken("no_touch"), N: 2}}},
			{Rules: []notify.Count{{Rule: l.Broken("no_owner"), N: 3}}}},
		Losses: []notify.Deal{loss}, Stopped: []notify.Stopped{{Connection: "crm", Why: "1,000 > 900"}}}
	rep := notify.Digest{Day: at(11, 27, 8), Zone: warsaw, New: 1, More: 21, Top: []notify.Deal{doors, windows, unnamed}}
	for _, d := range []notify.Deal{doors, windows, unnamed} {
		brief := d
		brief.Broken = nil
		for _, b := range d.Broken {
			brief.Broken = append(brief.Broken, told(b))
		}
		head.Top = append(head.Top, brief)
	}
	list := []notify.Told{{Occasion: "overdue_lead", Deal: unnamed}, {Occasion: "large_deal", Deal: doors}, {Occasion: "large_deal", Deal: windows}, {Occasion: "escalation", Deal: unnamed}}
	changed := windows
	changed.Broken, changed.Note = nil, l.Say(language.OverwrittenNote)
	head.Told = []notify.Told{{Occasion: "overwritten", Deal: changed}, {Occasion: "repeated", Deal: doors}, {Occasion: "past_limit", Deal: windows}}
	named := notify.Digest{Day: at(11, 27, 8), Zone: warsaw, Named: true, MoreTold: 4, Told: []notify.Told{{Occasion: "decision", Deal: loss}, {Occasion: "past_limit", Deal: windows}}}
	now := at(11, 27, 9)
	return map[string]notify.Message{
		"head":  head.Message(l, "sb-1", "ewa@example.com"),
		"rep":   rep.Message(l, "sb-2", "anna@example.com"),
		"named": named.Message(l, "sb-6", "prezes@example.com"),
		"told":  notify.AtOnce(l, "sb-3", "ewa@example.com", now, warsaw, list),
		"alone": notify.AtOnce(l, "sb-4", "ewa@example.com", now, warsaw, list[1:2]),
		"test":  notify.Test(l, "sb-5", "ewa@example.com", now),
	}
}

package enforce_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/enforce"
	"salesbook.dev/internal/language"
)

var update = flag.Bool("update", false, "write what cards, tasks and notes say now to testdata")

// details are which of several a violation is, by rule; of others it is nothing.
func details() map[book.Rule]string {
	return map[book.Rule]string{
		book.NoTouch: "main/need", book.OverLimit: "main/need", book.SkippedStage: "main/lead→offer", book.MovedBack: "main/offer→need",
		book.EntryCriteria: "main/offer/1", book.ExitCriteria: "main/need/1", book.TaskNotDone: "main/need/call", book.RequiredFields: "main/need",
		book.WrongRole: "main/offer", book.LossTooEarly: "price", book.LossCriteria: "no_contact/1", book.LossFacts: "price", book.LossApproval: "price",
		book.WonCriteria: "won/1", book.Qualification: "plants", "spoken": "main/need",
	}
}

// said is what is written about one violation: on the card, in the task, or in the
// note where the deal is brought back.
func said(t *testing.T, l language.Language, rule book.Rule) string {
	t.Helper()
	mode := "task"
	f := deal("12")
	v := book.Verdict{Rule: rule, Detail: details()[rule], Opened: at(3, 10, 0)}
	switch {
	case rule == book.DeletedOpen:
		f.Deleted, mode = v.Opened, "revert"
	case rule == book.ArchivedOpen:
		f.Archived, mode = v.Opened, "revert"
	case strings.HasPrefix(string(rule), "loss_"):
		f.Lost, v.Step = v.Opened, len(f.Moves)+1
	case strings.HasPrefix(string(rule), "won_"):
		f.Won, v.Step = v.Opened, len(f.Moves)+1
	}
	if rule == book.RequiredFields {
		v.Evidence = []book.Evidence{{What: "Who decides", Want: "filled"}}
	}
	p := policy(t, string(l), fmt.Sprintf("{rule: %s, mode: %s}", rule, mode))
	e := p.Effects(f, &book.Judgement{Verdicts: []book.Verdict{v}}, enforce.State{}, at(4, 10, 0))
	if mode == "revert" {
		return e.Reverts[0].Note
	}
	note, _, _ := strings.Cut(e.Task.Note, "</ul>")
	return e.Card + "\n  " + e.Task.Subject + "\n  " + note + "</ul>"
}

// TestEverythingIsSaidInEveryLanguage compares with what somebody who reads the
// language has read.
func TestEverythingIsSaidInEveryLanguage(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	for _, l := range language.All() {
		for _, rule := range append(book.Rules(), "polite", "spoken") {
			fmt.Fprintf(&out, "%s %s\n  %s\n", l, rule, said(t, l, rule))
		}
		fmt.Fprintf(&out, "%s a whole task\n  %s\n", l, wholeTask(t, l))
		for _, note := range takenBack(t, l) {
			fmt.Fprintf(&out, "%s a note\n  %s\n", l, note)
		}
	}
	const golden = "testdata/words.golden"
	got := strings.ReplaceAll(out.String(), "\u00a0", " ")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); d != "" {
		t.Errorf("what is said (-want +got):\n%s", d)
	}
}

// wholeTask is the text of a task about a deal that hangs in a stage with a script.
func wholeTask(t *testing.T, l language.Language) string {
	p := policy(t, string(l), "{rule: all, mode: task}")
	e := effects(p, deal("12"), enforce.State{}, at(12, 10, 0))
	return e.Card + "\n  " + e.Task.Subject + "\n  " + e.Task.Note
}

// takenBack are the notes on a move, a win and a loss.
func takenBack(t *testing.T, l language.Language) (notes []string) {
	p := policy(t, string(l), "{rule: skipped_stage, mode: revert}", "{rule: won_without_amount, mode: revert}", "{rule: loss_without_reason, mode: revert}")
	moved, won, lost := deal("11", "13"), deal("13"), deal("13")
	won.Won, lost.Lost = at(4, 10, 0), at(4, 10, 0)
	for _, f := range []*book.Facts{moved, won, lost} {
		notes = append(notes, effects(p, f, enforce.State{}, at(5, 10, 0)).Reverts[0].Note)
	}
	return notes
}

// TestTheCardHasRoomForAllLanguages: whatever is missing, its text is one line of
// 250 characters at most and says how much it leaves out.
func TestTheCardHasRoomForAllLanguages(t *testing.T) {
	t.Parallel()
	for _, l := range language.All() {
		p := policy(t, string(l), "{rule: all, mode: tell}")
		var verdicts []book.Verdict
		for _, rule := range append(book.Rules(), "polite", "spoken") {
			verdicts = append(verdicts, book.Verdict{Rule: rule, Detail: details()[rule], Opened: at(3, 10, 0)})
			card := p.Effects(deal("12"), &book.Judgement{Verdicts: verdicts}, enforce.State{}, at(4, 10, 0)).Card
			if n := len([]rune(card)); n == 0 || n > 250 || strings.ContainsAny(card, "\n\t") {
				t.Errorf("%s, %d violations: %d characters: %q", l, len(verdicts), n, card)
			}
		}
		card := strings.ReplaceAll(p.Effects(deal("12"), &book.Judgement{Verdicts: verdicts}, enforce.State{}, at(4, 10, 0)).Card, "\u00a0", " ")
		if left := fmt.Sprint(" ", len(verdicts)-strings.Count(card, ";")-1); !strings.HasSuffix(strings.TrimSuffix(card, " more"), left) {
			t.Errorf("%s: it does not say that there are%s more: %q", l, left, card)
		}
	}
}

// TestASentenceOfTheBookHasOneStop though the card adds its own.
func TestASentenceOfTheBookHasOneStop(t *testing.T) {
	t.Parallel()
	p := policy(t, "en", "{rule: exit_criteria, mode: tell}")
	p.Book.Book.Funnels[0].Stages[1].Exit[0].Say = "The budget is known."
	v := book.Verdict{Rule: book.ExitCriteria, Detail: "main/need/1", Opened: at(3, 10, 0)}
	want := "Not met on leaving the stage “Need”: The budget is known. Bring about the result that the former stage asks for, and record it."
	if card := p.Effects(deal("12"), &book.Judgement{Verdicts: []book.Verdict{v}}, enforce.State{}, at(4, 10, 0)).Card; card != want {
		t.Errorf("%q, want %q", card, want)
	}
}

// TestALongWordOfTheBookIsCut rather than refused by the CRM.
func TestALongWordOfTheBookIsCut(t *testing.T) {
	t.Parallel()
	p := policy(t, "en", "{rule: polite, mode: tell}")
	p.Book.Book.Standard[0].Text = strings.Repeat("Zażółć gęślą jaźń. ", 40)
	card := p.Effects(deal("12"), &book.Judgement{Verdicts: []book.Verdict{{Rule: "polite", Opened: at(3, 10, 0)}}}, enforce.State{}, at(4, 10, 0)).Card
	if n := len([]rune(card)); n > 250 || !strings.HasSuffix(card, "…") {
		t.Errorf("%d characters: %q", n, card)
	}
}

// TestNothingOfTheClientIsSaid: no value of any field, no name, no amount, and no
// text that a rep wrote as the reason.
func TestNothingOfTheClientIsSaid(t *testing.T) {
	t.Parallel()
	p := policy(t, "en", "{rule: all, mode: task}", "{rule: skipped_stage, mode: revert}", "{rule: loss_reason_unknown, mode: revert}")
	secret := []string{"Kowalski", "987654", "kowalski@"}
	open, lost := deal("11", "13"), deal("12", "13")
	lost.Lost, lost.Reason = at(4, 10, 0), "Kowalski died"
	for _, f := range []*book.Facts{open, lost} {
		f.Title, f.Fields["budget"], f.Fields["person"], f.Amount = "Kowalski", "987654", "kowalski@firma.pl", amount(987654)
		for day := 5; day < 30; day += 5 {
			text := fmt.Sprintf("%+v", everything(effects(p, f, enforce.State{}, at(day, 10, 0))))
			for _, s := range secret {
				if strings.Contains(text, s) {
					t.Errorf("%q is told: %s", s, text)
				}
			}
		}
	}
}

// everything is effects with what they point to.
func everything(e enforce.Effects) any {
	if e.Task == nil {
		e.Task = &enforce.Task{}
	}
	return struct {
		enforce.Effects
		Task enforce.Task
	}{e, *e.Task}
}

// TestCardsChangeOnlyWithViolations: a text that changed every day would be an
// edit every day.
func TestCardsChangeOnlyWithViolations(t *testing.T) {
	t.Parallel()
	p := policy(t, "en", "{rule: all, mode: task}")
	f, cards := deal("12"), map[string]bool{}
	for now := at(16, 10, 0); now.Before(at(30, 0, 0)); now = now.Add(7 * time.Hour) {
		e := effects(p, f, enforce.State{}, now)
		cards[e.Card+e.Task.Subject+e.Task.Note] = true
	}
	if len(cards) != 1 {
		t.Errorf("%d texts in a fortnight in which nothing happened", len(cards))
	}
}

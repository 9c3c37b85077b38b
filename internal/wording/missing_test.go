package wording_test

import (
	"testing"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/language"
	"salesbook.dev/internal/wording"
)

// TestMissingNamesWhatTheBookHas and says it of violations whose stage, reason or
// condition the book has no more, too: they outlive it.
func TestMissingNamesWhatTheBookHas(t *testing.T) {
	t.Parallel()
	b, err := book.Parse("b.yaml", []byte(`
book: 1
name: B
roles: [{id: closer, name: Closer, reps: [a@x.pl]}]
segments: [{id: plants, name: Plants, known: [Size]}]
standard: [{id: polite, text: Say hello., must: {note_written: {}}}]
funnels:
  - id: main
    name: Main
    crm: [{pipeline: A}]
    stages:
      - {id: need, name: Need, role: closer, required: [Budget, Date], tasks: [{id: call, name: Call, done: {note_written: {}}}], exit: [{required: Budget}, {id: spoken, say: Spoken with, note_written: {}}]}
      - {id: offer, name: Offer}
loss_reasons: [{id: price, name: Price, criteria: [{say: They said so, note_written: {}}], facts: [Their price]}]
`))
	if err != nil {
		t.Fatal(err)
	}
	w := wording.In(language.English, b)
	for _, tc := range []struct {
		rule     book.Rule
		detail   string
		evidence []book.Evidence
		want     string
	}{
		{book.RequiredFields, "main/need", []book.Evidence{{What: "Date", Want: "filled"}}, "to fill at the stage “Need”: “Date”"},
		{book.RequiredFields, "main/need", []book.Evidence{{What: "another", Want: "filled"}}, "to fill at the stage “Need”: “Budget”, “Date”"},
		{book.RequiredFields, "main/need", nil, "to fill at the stage “Need”: “Budget”, “Date”"},
		{book.RequiredFields, "main/gone", nil, "to fill at the stage “main/gone”: "},
		{book.ExitCriteria, "main/need/1", nil, "not met on leaving the stage “Need”: The field “Budget” is filled"},
		{book.ExitCriteria, "main/need/7", nil, "not met on leaving the stage “Need”: main/need/7"},
		{book.ExitCriteria, "main/gone/1", nil, "not met on leaving the stage “main/gone”: main/gone/1"},
		{book.TaskNotDone, "main/need/call", nil, "not done at the stage “Need”: “Call”"},
		{book.TaskNotDone, "main/need/gone", nil, "not done at the stage “Need”: “gone”"},
		{book.SkippedStage, "main/need→offer", nil, "a stage was skipped: “Need” → “Offer”"},
		{book.WrongRole, "main/need", nil, "the stage “Need” is the work of another role: “Closer”"},
		{book.LossCriteria, "price/1", nil, "not met for the loss reason “Price”: They said so"},
		{book.LossCriteria, "gone/1", nil, "not met for the loss reason “gone”: gone/1"},
		{book.LossFacts, "price", nil, "to fill for the loss reason “Price”: “Their price”"},
		{book.Qualification, "plants", nil, "to find out for the segment “Plants”: “Size”"},
		{"spoken", "main/need", nil, "not kept: Spoken with"},
		{"polite", "", nil, "not kept: Say hello"},
		{"gone", "", nil, "not kept: gone"},
	} {
		if got := w.Missing(&book.Verdict{Rule: tc.rule, Detail: tc.detail, Evidence: tc.evidence}); got != tc.want {
			t.Errorf("%s %s is said as %q, want %q", tc.rule, tc.detail, got, tc.want)
		}
	}
}

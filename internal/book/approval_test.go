package book

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
)

// TestALossIsApprovedOnce: a decision counts for one loss and one reason, from
// when it was made until it is taken back.
func TestALossIsApprovedOnce(t *testing.T) {
	t.Parallel()
	c := compiled(t, "testdata/verdicts.yaml")
	lost := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	at := func(hours int) time.Time { return lost.Add(time.Duration(hours) * time.Hour) }
	const reason = "Budget too low"
	for name, tc := range map[string]struct {
		list           []Approved
		opened, mended time.Time // zero: it is not broken, not mended
	}{
		"nobody agreed":                          {nil, lost, time.Time{}},
		"of this loss":                           {[]Approved{{At: at(2), Loss: lost, Reason: reason}}, lost, at(2)},
		"however it is written":                  {[]Approved{{At: at(2), Loss: lost, Reason: " BUDGET too  low"}}, lost, at(2)},
		"of an earlier loss":                     {[]Approved{{At: at(-50), Loss: at(-51), Reason: reason}}, lost, time.Time{}},
		"of this loss for another reason":        {[]Approved{{At: at(2), Loss: lost, Reason: "No contact"}}, lost, time.Time{}},
		"of one to come":                         {[]Approved{{At: at(-50), Reason: reason}}, time.Time{}, time.Time{}},
		"of one to come, for another reason":     {[]Approved{{At: at(-50), Reason: "No contact"}}, lost, time.Time{}},
		"of one to come, long ago":               {[]Approved{{At: at(-30 * 24), Reason: reason}}, lost, time.Time{}},
		"of one to come, a day after this one":   {[]Approved{{At: at(24), Reason: reason}}, lost, time.Time{}},
		"of one to come, and this one was news":  {[]Approved{{At: at(23), Reason: reason}}, lost, at(23)},
		"taken back":                             {[]Approved{{At: at(2), Loss: lost, Reason: reason, Withdrawn: at(3)}}, lost, time.Time{}},
		"taken back, and given again":            {[]Approved{{At: at(2), Loss: lost, Reason: reason, Withdrawn: at(3)}, {At: at(4), Loss: lost, Reason: reason}}, lost, at(4)},
		"of one to come, taken back before":      {[]Approved{{At: at(-50), Reason: reason, Withdrawn: at(-1)}}, lost, time.Time{}},
		"of one to come, taken back afterwards":  {[]Approved{{At: at(-50), Reason: reason, Withdrawn: at(5)}}, at(5), time.Time{}},
		"taken back, while another agrees":       {[]Approved{{At: at(-50), Reason: reason, Withdrawn: at(5)}, {At: at(1), Loss: lost, Reason: reason}}, time.Time{}, time.Time{}},
		"taken back, and agreed to by another":   {[]Approved{{At: at(-50), Reason: reason, Withdrawn: at(5)}, {At: at(6), Loss: lost, Reason: reason}}, at(5), at(6)},
		"to be taken back later than it is now":  {[]Approved{{At: at(2), Loss: lost, Reason: reason, Withdrawn: at(99)}}, lost, at(2)},
		"to be given later than it is now":       {[]Approved{{At: at(99), Loss: lost, Reason: reason}}, lost, time.Time{}},
		"in another order than that of the time": {[]Approved{{At: at(4), Loss: lost, Reason: reason}, {At: at(2), Loss: lost, Reason: reason}}, lost, at(2)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := lostFor(c, lost, reason, tc.list)
			var opened, mended time.Time
			for _, v := range c.Judge(f, at(50)).Verdicts {
				if v.Rule == LossApproval {
					opened, mended = v.Opened, v.Mended
				}
			}
			if d := cmp.Diff([2]time.Time{tc.opened, tc.mended}, [2]time.Time{opened, mended}); d != "" {
				t.Errorf("opened and mended (-want +got):\n%s", d)
			}
		})
	}
}

// lostFor is a deal that was lost for a reason, and decisions about it.
func lostFor(c *Compiled, lost time.Time, reason string, list []Approved) *Facts {
	fn := &c.Book.Funnels[0]
	amount := decimal.NewFromInt(20_000)
	added := lost.AddDate(0, 0, -3)
	return &Facts{ID: "1", Added: added, Owner: "closer@x.pl", Status: "lost", Lost: lost, Reason: reason, Amount: &amount, Currency: "PLN",
		Fields: map[string]string{"budget": "5"}, Moves: []Move{{At: added, Stage: fn.imaginedID("Demo")}}, Approvals: list}
}

// TestAnAmountInAnotherCurrencyCannotBeJudged, but somebody may agree all the same.
func TestAnAmountInAnotherCurrencyCannotBeJudged(t *testing.T) {
	t.Parallel()
	c := compiled(t, "testdata/verdicts.yaml")
	lost := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	judged := func(list ...Approved) (cannot string, mended bool) {
		f := lostFor(c, lost, "Budget too low", list)
		f.Currency = "EUR"
		for _, v := range c.Judge(f, lost.Add(10*time.Hour)).Verdicts {
			if v.Rule == LossApproval {
				return v.Cannot, !v.Mended.IsZero()
			}
		}
		return "no verdict", false
	}
	if cannot, mended := judged(); !strings.HasPrefix(cannot, "the amount is in EUR and the book in PLN") || mended {
		t.Errorf("not approved: %q, mended %v", cannot, mended)
	}
	if cannot, mended := judged(Approved{At: lost.Add(time.Hour), Loss: lost, Reason: "Budget too low"}); cannot != "" || !mended {
		t.Errorf("approved: %q, mended %v", cannot, mended)
	}
}

func TestTheBookSaysWhoAgrees(t *testing.T) {
	t.Parallel()
	b := &Book{Teams: []Team{
		{ID: "north", Heads: []string{"marina@x.pl"}, Reps: []string{"Olga@x.pl"}},
		{ID: "south", Heads: []string{"pawel@x.pl", "ewa@x.pl"}, Reps: []string{"ivan@x.pl"}},
		{ID: "alone", Reps: []string{"anna@x.pl"}},
	}}
	for _, tc := range []struct {
		by    []Who
		owner string
		want  []string
	}{
		{nil, "olga@x.pl", []string{"marina@x.pl"}},
		{[]Who{"head"}, "IVAN@x.pl", []string{"ewa@x.pl", "pawel@x.pl"}},
		{nil, "anna@x.pl", []string{"ewa@x.pl", "marina@x.pl", "pawel@x.pl"}},
		{nil, "", []string{"ewa@x.pl", "marina@x.pl", "pawel@x.pl"}},
		{[]Who{"boss@x.pl", "head"}, "olga@x.pl", []string{"boss@x.pl", "marina@x.pl"}},
		{[]Who{"owner"}, "olga@x.pl", []string{"olga@x.pl"}},
		{[]Who{"owner"}, "", nil},
	} {
		if d := cmp.Diff(tc.want, b.Approvers(&LossReason{Approval: &Approval{By: tc.by}}, tc.owner)); d != "" {
			t.Errorf("%v for %q (-want +got):\n%s", tc.by, tc.owner, d)
		}
	}
	if got := new(Book).Approvers(&LossReason{}, "olga@x.pl"); len(got) != 0 {
		t.Errorf("a book without teams names %v", got)
	}
}

// TestAnApprovalFromAFasterClockIsWaitedFor: whoever judges may have a clock that
// is behind that of whoever agreed.
func TestAnApprovalFromAFasterClockIsWaitedFor(t *testing.T) {
	t.Parallel()
	c := compiled(t, "testdata/verdicts.yaml")
	lost := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	given := lost.Add(time.Hour)
	f := lostFor(c, lost, "Budget too low", []Approved{{At: given, Loss: lost, Reason: "Budget too low"}})
	if due := c.Judge(f, given.Add(-time.Second)).NextDue; !due.Equal(given) {
		t.Errorf("due at %v, want %v", due, given)
	}
}

package book

import (
	"slices"
	"strings"
	"time"
)

const (
	// agreedAhead is how long an approval of a loss to come counts. Whoever was
	// asked agreed to what he knew of the deal then.
	agreedAhead = 30 * 24 * time.Hour
	// heardLate is how long before it the loss may have happened: somebody agreed
	// to it before we heard of it, or the CRM has another clock.
	heardLate = 24 * time.Hour
)

// about tells whether a decision is about a loss: the very one, or the next one
// for its reason.
func (a *Approved) about(lost time.Time, reason func(string) bool) bool {
	switch {
	case !reason(a.Reason):
		return false
	case !a.Loss.IsZero():
		return a.Loss.Equal(lost)
	}
	return lost.After(a.At.Add(-heardLate)) && lost.Before(a.At.Add(agreedAhead))
}

// standing returns the earliest of some decisions that stands at an instant.
func standing(list []Approved, at time.Time) *Approved {
	for i := range list {
		if a := &list[i]; !a.At.After(at) && (a.Withdrawn.IsZero() || at.Before(a.Withdrawn)) {
			return a
		}
	}
	return nil
}

// approval judges whether somebody agreed to a loss that has to be agreed to. It
// is broken from the first instant on at which nobody does.
func (j *judge) approval(r *LossReason, lost time.Time) {
	due, w := j.c.approvalDue(r, j.as(lost))
	if !due && w.cannot == "" {
		return
	}
	list := j.approvalsOf(r, lost)
	broken := lost
	for a := standing(list, broken); a != nil; a = standing(list, broken) {
		if broken = a.Withdrawn; broken.IsZero() {
			return
		}
	}
	v := Verdict{Rule: LossApproval, Detail: r.ID, Cannot: w.cannot, Assumed: !w.known, Evidence: []Evidence{{What: "approval", Want: strings.Join(j.c.Book.Approvers(r, j.f.Owner), ", ")}}}
	if a := standing(list, j.now); a != nil && !j.now.Before(broken) {
		v.Mended, v.Cannot, v.Evidence[0].Found = a.At, "", a.By+", "+instant(a.At)
	}
	for i := range list {
		if at := list[i].At; at.After(j.now) {
			j.next = sooner(j.next, at)
		}
	}
	j.missed(v, broken)
}

// approvalsOf lists the decisions about a loss for a reason, in the order of
// time.
func (j *judge) approvalsOf(r *LossReason, lost time.Time) (list []Approved) {
	same := func(written string) bool {
		return FoldReason(written) == FoldReason(j.f.Reason) || j.c.Meaning(written, nil, j.f.Spellings).Reason == r
	}
	for _, a := range j.f.Approvals {
		if a.about(lost, same) {
			list = append(list, a)
		}
	}
	slices.SortStableFunc(list, func(a, b Approved) int { return a.At.Compare(b.At) })
	return list
}

// ApprovalDue tells whether the book wants somebody to agree to the loss of a
// deal for a reason at an instant, or else why that cannot be told.
func (c *Compiled) ApprovalDue(r *LossReason, f *Facts, lost time.Time) (due bool, cannot string) {
	due, w := c.approvalDue(r, &subject{Facts: f, c: c, work: c.WorkTime(f.Owner), at: lost})
	return due, w.cannot
}

// approvalDue is ApprovalDue with what the deal is worth, if that matters.
func (c *Compiled) approvalDue(r *LossReason, s *subject) (due bool, w worth) {
	a := r.Approval
	if a == nil || a.Always {
		return a != nil, worth{known: true}
	}
	if w = s.worth(); w.none || w.cannot != "" {
		return false, w
	}
	return w.amount.GreaterThan(*a.Above), w
}

// Approvers lists the addresses of those who may agree that a deal of this owner
// is lost for a reason. It is empty if the book names nobody: then anybody may.
func (b *Book) Approvers(r *LossReason, owner string) []string {
	who := []Who{"head"}
	if r.Approval != nil && len(r.Approval.By) > 0 {
		who = r.Approval.By
	}
	return b.AddressesOf(who, owner)
}

// AddressesOf lists the addresses of those who are meant by owner, head or an
// address, where owner is who has the deal.
func (b *Book) AddressesOf(who []Who, owner string) (list []string) {
	for _, w := range who {
		switch w {
		case "head":
			list = append(list, b.headsOf(owner)...)
		case "owner":
			if owner != "" {
				list = append(list, owner)
			}
		default:
			list = append(list, string(w))
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// headsOf are the heads of a rep's team. Who has none in the book answers to all
// heads.
func (b *Book) headsOf(rep string) (all []string) {
	for _, t := range b.Teams {
		if len(t.Heads) > 0 && slices.ContainsFunc(t.Reps, func(r string) bool { return strings.EqualFold(r, rep) }) {
			return t.Heads
		}
		all = append(all, t.Heads...)
	}
	return all
}

// LossReasonCalled finds a reason as it is written in the CRM; nil if it is none
// of the book's.
func (b *Book) LossReasonCalled(written string) *LossReason {
	written = FoldReason(written)
	for i := range b.LossReasons {
		r := &b.LossReasons[i]
		if slices.ContainsFunc(r.written(), func(s string) bool { return FoldReason(s) == written }) {
			return r
		}
	}
	return nil
}

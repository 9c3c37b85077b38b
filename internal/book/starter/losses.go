package starter

import (
	"fmt"

	"salesbook.dev/internal/book"
)

// reasons writes what was found of loss reasons: texts that say nothing are
// refused at once, the others are proposed.
func (d *draft) reasons() {
	lost, without := 0, 0
	var options []string
	var found []Reason
	for _, a := range d.accounts {
		lost += a.Lost
		options = append(options, a.Options...)
		for _, r := range a.Reasons {
			if book.FoldReason(r.Text) == "" {
				without += r.Deals
				continue
			}
			found = append(found, r)
		}
	}
	d.Reasons = append(d.Reasons, group(options, found)...)
	d.remark(0, "Of %d lost deals %d have no reason at all.", lost, without)
	var refused, proposed []ReasonProposal
	for _, r := range d.Reasons {
		if r.Refuse {
			refused = append(refused, r)
		} else {
			proposed = append(proposed, r)
		}
	}
	d.refuse(refused)
	d.propose(proposed)
}

func (d *draft) refuse(reasons []ReasonProposal) {
	if len(reasons) == 0 {
		return
	}
	d.line(0, "refused_reasons:")
	for _, r := range reasons {
		text := fmt.Sprintf("- {text: %s%s, why: It does not say why the client did not buy.}", quote(r.Text), r.spelt())
		d.line(1, "%s", remarked(text, "%s", deals(r.Deals)))
	}
}

func (d *draft) propose(reasons []ReasonProposal) {
	if len(reasons) == 0 {
		return
	}
	d.remark(0, "Loss reasons: keep, merge or refuse each of these. A good list has seven to ten, and each says when it may be used.")
	d.proposed = true
	defer func() { d.proposed = false }()
	d.line(0, "loss_reasons:")
	taken := ids{}
	for i, r := range reasons {
		from := "written by reps"
		if r.Option {
			from = "an option of the CRM"
		}
		d.line(1, "- id: %s", quote(taken.of(r.Text, fmt.Sprintf("reason-%d", i+1))))
		d.line(1, "%s", remarked("  name: "+quote(r.Text), "%s, %s", from, deals(r.Deals)))
		if len(r.Spellings) > 0 {
			d.line(1, "  spellings: %s", list(r.Spellings))
		}
		d.line(1, "  any_time: true")
	}
}

// spelt writes the other spellings of a refused text.
func (r ReasonProposal) spelt() string {
	if len(r.Spellings) == 0 {
		return ""
	}
	return ", spellings: " + list(r.Spellings)
}

// deals is so many of them, in words.
func deals(n int) string {
	if n == 1 {
		return "1 deal"
	}
	return fmt.Sprintf("%d deals", n)
}

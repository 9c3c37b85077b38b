package book

import "slices"

// Makes tells whether the book has activities made in the CRM: when a deal enters
// a stage, or is lost.
func (b *Book) Makes() bool {
	for i := range b.Funnels {
		for j := range b.Funnels[i].Stages {
			if slices.ContainsFunc(b.Funnels[i].Stages[j].Tasks, func(t Task) bool { return t.Create != nil }) {
				return true
			}
		}
	}
	return slices.ContainsFunc(b.LossReasons, func(r LossReason) bool { return len(r.OnLost) > 0 })
}

package wording

import (
	"slices"
	"strings"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/language"
)

// Missing says in a few words what is missing where a rule is broken, to stand in
// a list. It names stages, fields, tasks and reasons of the book, and nothing that
// is known of the client.
func (w *Words) Missing(v *book.Verdict) string {
	if text := w.Language.Missing(string(v.Rule), w.names(v)...); text != "" {
		return text
	}
	return w.Say(language.NotKept, strings.TrimSuffix(strings.TrimSpace(w.Rule(string(v.Rule))), "."))
}

// names are what Missing fills in: by the rule, and by which of several it is.
func (w *Words) names(v *book.Verdict) []any {
	place, last := v.Detail, ""
	if n := strings.LastIndex(v.Detail, "/"); n >= 0 {
		place, last = v.Detail[:n], v.Detail[n+1:]
	}
	switch v.Rule {
	case book.NoTouch, book.OverLimit:
		return []any{w.stageAt(v.Detail)}
	case book.SkippedStage, book.MovedBack:
		from, to, _ := strings.Cut(v.Detail, "→")
		funnel, _, _ := strings.Cut(from, "/")
		return []any{w.stageAt(from) + " → " + w.stageAt(funnel+"/"+to)}
	case book.EntryCriteria, book.ExitCriteria:
		return []any{w.stageAt(place), w.conditionAt(v)}
	case book.TaskNotDone:
		return []any{w.stageAt(place), w.taskAt(place, last)}
	case book.RequiredFields:
		return []any{w.stageAt(v.Detail), w.fieldsAt(v)}
	case book.WrongRole:
		return []any{w.stageAt(v.Detail), w.roleAt(v.Detail)}
	case book.LossTooEarly, book.LossApproval:
		return []any{w.reason(v.Detail)}
	case book.LossCriteria:
		return []any{w.reason(place), w.conditionAt(v)}
	case book.LossFacts:
		return []any{w.reason(v.Detail), w.fieldsAt(v)}
	case book.WonCriteria:
		return []any{w.conditionAt(v)}
	case book.Qualification:
		return []any{w.segment(v.Detail), w.fieldsAt(v)}
	case book.EntryData, book.PrimaryDemand, book.ReasonForContact, book.Nuances:
		return []any{w.fieldsAt(v)}
	}
	return nil
}

// stageAt is the name of the stage of a place, without its funnel.
func (w *Words) stageAt(place string) string {
	if _, s := w.book.StageAt(place); s != nil {
		return w.Quote(s.Name)
	}
	return w.Quote(place)
}

func (w *Words) taskAt(place, id string) string {
	if _, s := w.book.StageAt(place); s != nil {
		for i := range s.Tasks {
			if s.Tasks[i].ID == id {
				return w.Quote(s.Tasks[i].Name)
			}
		}
	}
	return w.Quote(id)
}

func (w *Words) roleAt(place string) string {
	_, s := w.book.StageAt(place)
	for i := range w.book.Roles {
		if r := &w.book.Roles[i]; s != nil && r.ID == s.Role {
			return w.Quote(r.Name)
		}
	}
	return w.Quote(place)
}

func (w *Words) reason(id string) string {
	if r := w.book.LossReason(id); r != nil {
		return w.Quote(r.Name)
	}
	return w.Quote(id)
}

func (w *Words) segment(id string) string {
	for i := range w.book.Segments {
		if w.book.Segments[i].ID == id {
			return w.Quote(w.book.Segments[i].Name)
		}
	}
	return w.Quote(id)
}

func (w *Words) conditionAt(v *book.Verdict) string {
	if c := w.book.ConditionAt(v.Rule, v.Detail); c != nil {
		return w.Condition(c).String()
	}
	return v.Detail
}

// fieldsAt names the fields that were found to be empty, or else all that must
// be filled.
func (w *Words) fieldsAt(v *book.Verdict) string {
	all := w.book.FieldsAt(v.Rule, v.Detail)
	var empty []string
	for _, e := range v.Evidence {
		if slices.Contains(all, e.What) {
			empty = append(empty, e.What)
		}
	}
	if len(empty) == 0 {
		empty = all
	}
	return strings.Join(w.Fields(empty), ", ")
}

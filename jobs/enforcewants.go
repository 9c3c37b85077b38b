package jobs

import (
	"encoding/json"
	"fmt"
	"slices"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/enforce"
	"salesbook.dev/internal/postgres"
)

// agreedFirst is how many moves of a connection somebody has to agree to take
// back before salesbook takes others back by itself.
const agreedFirst = 20

// compare holds what is wanted against what stands. It tells whether something is
// left as it is since somebody changes it back each time.
func (x *enforcer) compare(s *matter, p *past, want *enforce.Effects) (fought bool) {
	var wanted []postgres.Edit
	if !want.Leave {
		wanted = append(wanted, x.cards(s, want)...)
	}
	if !want.Leave || p.moved { // it goes on in another one, which has its own task
		wanted = append(wanted, x.tasks(s, p, want.Task)...)
	}
	for i := range want.Activities {
		wanted = append(wanted, x.activity(s, &want.Activities[i]))
	}
	for i := range want.Reverts {
		wanted = append(wanted, x.revert(s, &want.Reverts[i]))
	}
	for _, e := range wanted {
		e.Subject = postgres.SubjectKey{Connection: x.group.Connection, Kind: x.group.Kind, ID: s.facts.ID}
		e.Cause.Book = x.book
		switch w := p.wrote[e.Key]; {
		case p.sent[e.Key]:
			continue // worked out anew once it has come to its end
		case w.fought(sameness(value(e.TargetID), e.Wanted)):
			x.fights, fought = append(x.fights, fight(&e)), true
			continue
		case x.dry:
			e.State = "dry"
		case e.State == "":
			e.State = "ready"
		}
		x.want = append(x.want, e)
	}
	for _, e := range p.open {
		if enforced(&e) && !slices.ContainsFunc(wanted, func(w postgres.Edit) bool { return w.Key == e.Key }) {
			x.unwant = append(x.unwant, e.ID)
		}
	}
	return fought
}

// enforced tells whether an edit is wanted by what is judged, anew each time, and not
// by something that has happened once.
func enforced(e *postgres.Edit) bool {
	return slices.Contains([]string{"card", "task", "activity", "revert"}, e.What)
}

// fight lists something that somebody changes back each time that we write it.
func fight(e *postgres.Edit) postgres.Failure {
	return postgres.Failure{ConnectionID: e.Subject.Connection, Kind: "fight", Object: e.Subject.Kind, ExternalID: e.Subject.ID, Place: e.Key,
		Reason: fmt.Sprintf("whatever salesbook writes to its %s of %s %s does not last, so it is left as it is for a day", e.What, e.Subject.Kind, e.Subject.ID),
		Hint:   "find out which person or automation of the CRM changes it, and have it leave this to salesbook; or set the rule to observe"}
}

// cards is what changes on the card; nothing if it shows already what it shall.
func (x *enforcer) cards(s *matter, want *enforce.Effects) []postgres.Edit {
	if x.card == "" || x.group.Kind != "deals" {
		return nil
	}
	shows := s.facts.Fields[book.FoldField(x.card)]
	if sameValue(textOrNull(shows), textOrNull(want.Card)) {
		return nil
	}
	field := "custom." + x.card
	return []postgres.Edit{{What: "card", Key: "card", TargetKind: "deals", TargetID: &s.facts.ID,
		Wanted: map[string]json.RawMessage{field: textOrNull(want.Card)}, Before: map[string]json.RawMessage{field: textOrNull(shows)}}}
}

// tasks is what changes about the one task.
func (x *enforcer) tasks(s *matter, p *past, want *enforce.Task) []postgres.Edit {
	e := postgres.Edit{What: "task", Key: "task", TargetKind: "activities", TargetID: &p.task, Wanted: map[string]json.RawMessage{}}
	open := p.state.Task != nil && p.state.Task.Open
	switch {
	case want == nil && !open:
		return nil
	case want == nil:
		e.Wanted["done"] = json.RawMessage("true")
		return []postgres.Edit{e}
	case !open:
		e = x.made(s, "task", "", want.Subject, want.Note, want.Due)
		e.What, e.Key = "task", "task"
	default:
		wanted := map[string]string{"subject": want.Subject, "note": want.Note}
		if owner := s.owner(); owner != "" { // the task goes with the deal
			wanted["owner_id"] = owner
		}
		for field, text := range wanted {
			if p.shows[field] != text {
				e.Wanted[field] = textOrNull(text)
			}
		}
		if len(e.Wanted) == 0 {
			return nil
		}
	}
	e.Cause.Causes = want.Causes
	return []postgres.Edit{e}
}

func (x *enforcer) activity(s *matter, a *enforce.Activity) postgres.Edit {
	return x.made(s, a.Key, a.Type, a.Subject, a.Note, a.Due)
}

// made is an edit that makes an activity of the owner's.
func (x *enforcer) made(s *matter, key, kind, title, note string, due book.Date) postgres.Edit {
	if kind == "" {
		kind = "task"
	}
	about := "deal_id"
	if x.group.Kind == "leads" {
		about = "lead_id"
	}
	e := postgres.Edit{What: "activity", Key: key, TargetKind: "activities", Wanted: map[string]json.RawMessage{
		"type": textOrNull(kind), "subject": textOrNull(title), "note": textOrNull(note), "due_on": textOrNull(due.String()),
		"done": json.RawMessage("false"), about: textOrNull(s.facts.ID)}}
	if owner := s.owner(); owner != "" {
		e.Wanted["owner_id"] = textOrNull(owner)
	}
	// Where an activity of its type needs more than a day, as a call that has an hour,
	// a task that says the same has its place.
	if _, _, err := x.source.Map.Write("activities", e.Wanted); err != nil {
		e.Wanted["type"] = textOrNull("task")
	}
	return e
}

// owner is the vendor's id of who works on it; empty if nobody does any more.
func (m *matter) owner() string {
	if m.facts.OwnerLeft {
		return ""
	}
	return value(m.row.Owner)
}

// revert is an edit that takes a move or an ending back. Until enough of them
// have been agreed to, somebody is asked. Beside what it replaces it notes when
// that came about: a move made anew, or a loss explained meanwhile, is another
// one, and is judged by itself.
func (x *enforcer) revert(s *matter, r *enforce.Revert) postgres.Edit {
	e := postgres.Edit{What: "revert", Key: r.Key, TargetKind: "deals", TargetID: &s.facts.ID, Note: r.Note,
		Wanted: map[string]json.RawMessage{}, Before: map[string]json.RawMessage{},
		Cause: postgres.EditCause{Rule: string(r.Rule), Detail: r.Detail, Opened: r.Opened, Undoes: r.Undoes}}
	set := func(field, to, from string) {
		e.Wanted[field], e.Before[field] = textOrNull(to), textOrNull(from)
	}
	if r.Stage != "" {
		set("stage_id", r.Stage, value(s.row.Stage))
		e.Before["stage_entered_at"] = asJSON(s.row.StageEntered)
	}
	if r.Reopen || r.Unhide && (s.facts.Status != "open" || !s.facts.Deleted.IsZero()) {
		set("status", "open", s.facts.Status)
		// Where the stage says whether a deal is open, it goes back to where it stood.
		if stage := textOrNull(value(s.row.Stage)); x.source.Map.WrittenWith("deals", s.facts.ID, "status") == "stage_id" {
			e.Wanted["stage_id"], e.Before["stage_id"] = stage, stage
		}
	}
	if r.Reopen {
		e.Before["won_at"], e.Before["lost_at"], e.Before["lost_reason"] = asJSON(s.row.Won), asJSON(s.row.Lost), textOrNull(s.facts.Reason)
		if s.facts.Reason != "" {
			e.Wanted["lost_reason"] = textOrNull("")
		}
	}
	if r.Unhide && s.row.Archived {
		e.Wanted["archived"], e.Before["archived"] = json.RawMessage("false"), json.RawMessage("true")
	}
	if r.NeedsYes || x.agreed < agreedFirst {
		e.State = "asked"
	}
	return e
}

// textOrNull is a text as JSON, null if it is empty.
func textOrNull(s string) json.RawMessage {
	if s == "" {
		return json.RawMessage("null")
	}
	b, err := json.Marshal(s)
	if err != nil {
		return json.RawMessage("null") // texts are valid UTF-8
	}
	return b
}

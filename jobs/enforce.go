package jobs

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/enforce"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/sales"
)

// agreedFirst is how many moves of a connection somebody has to agree to take
// back before salesbook takes others back by itself.
const agreedFirst = 20

// enforcement is what the book in force does about its verdicts.
type enforcement struct {
	acts   bool // it does, or did, more than show them
	since  enforce.Since
	active time.Time // when the book was put in force
}

// enforcementOf reads since when the book in force does what about its rules.
func enforcementOf(ctx context.Context, tx pgx.Tx, workspace int64, b *book.Book, stored postgres.StoredBook) (x enforcement, err error) {
	x.since, x.active = enforce.Since{}, stored.ActiveAt
	modes := enforce.Modes(b)
	for rule, list := range modes {
		x.since[rule] = map[book.Mode]time.Time{}
		for _, mode := range list {
			x.since[rule][mode] = stored.ActiveAt
		}
	}
	kept, err := postgres.RollOuts(ctx, tx, workspace)
	if err != nil {
		return x, err
	}
	for _, r := range kept {
		if of := x.since[book.Rule(r.Rule)]; of != nil {
			of[book.Mode(r.Mode)] = r.Since
		}
	}
	if x.acts = len(modes) > 0 || b.Makes(); !x.acts {
		x.acts, err = postgres.AnyEdits(ctx, tx, workspace)
	}
	return x, err
}

// keepRollOuts notes from when on a book that is put in force has its rules in
// which mode.
func keepRollOuts(ctx context.Context, tx pgx.Tx, workspace int64, b *book.Book) error {
	var rules, modes []string
	for rule, list := range enforce.Modes(b) {
		for _, mode := range list {
			rules, modes = append(rules, string(rule)), append(modes, string(mode))
		}
	}
	return postgres.KeepRollOuts(ctx, tx, workspace, rules, modes)
}

// enforcer works out what is to be done about the verdicts on deals or leads of
// one connection.
type enforcer struct {
	group  postgres.SubjectKey // without an id
	policy *enforce.Policy
	book   int
	card   string // the vendor's code of the card's field; empty: there is none
	dry    bool
	agreed int // moves that somebody agreed to take back

	want   []postgres.Edit
	unwant []int64
	fights []postgres.Failure
}

// act has done what follows from verdicts on some deals or leads: what is wanted
// of the CRM is stored, and whoever is to be told at once is told. Judgements
// come due when that may change.
func (e *evaluation) act(ctx context.Context, tx pgx.Tx, group postgres.SubjectKey, list []matter, judgements []book.Judgement, out []postgres.Judged, now time.Time) error {
	if !e.does.acts || len(list) == 0 {
		return nil
	}
	ids := make([]string, len(list))
	for i := range list {
		ids[i] = list[i].facts.ID
	}
	edits, err := postgres.EditsAbout(ctx, tx, e.workspace, group.Connection, group.Kind, ids)
	if err != nil {
		return err
	}
	noted, err := postgres.NotedOf(ctx, tx, e.workspace, group.Connection, group.Kind, ids)
	if err != nil {
		return err
	}
	x, err := e.enforcer(ctx, tx, group)
	if err != nil {
		return err
	}
	for i := range list {
		past := pastOf(edits, list[i].facts, now)
		if err := past.elsewhere(ctx, tx, e.workspace, group.Connection, list[i].facts); err != nil {
			return err
		}
		state := past.state
		state.Old, state.Excused = x.known(noted, list[i].facts.ID, &judgements[i])
		effects := x.policy.Effects(list[i].facts, &judgements[i], state, now)
		if out[i].Due = soonerOf(out[i].Due, effects.NextDue); len(effects.Tells) > 0 {
			if err := wantTells(ctx, tx, e.workspace, group.Connection, group.Kind, list[i].facts.ID, effects.Tells); err != nil {
				return err
			}
		}
		if x.compare(&list[i], past, &effects) {
			out[i].Due = soonerOf(out[i].Due, now.Add(foughtWithin))
		}
	}
	return x.store(ctx, tx, e)
}

func (e *evaluation) enforcer(ctx context.Context, tx pgx.Tx, group postgres.SubjectKey) (*enforcer, error) {
	s := e.sources[group.Connection]
	i := slices.IndexFunc(e.by.Connections, func(c postgres.JudgedConnection) bool { return c.ID == group.Connection })
	c := e.by.Connections[i]
	x := &enforcer{group: group, book: e.version, card: c.Card, dry: c.Writes == "dry",
		policy: &enforce.Policy{Book: e.compiled, Since: e.does.since, Read: *s.ReadAt, Active: e.does.active}}
	if !x.dry {
		x.policy.Live = c.Live
	}
	var err error
	x.agreed, err = postgres.AgreedReverts(ctx, tx, e.workspace, group.Connection)
	return x, err
}

// store keeps what is wanted, and has it done soon.
func (x *enforcer) store(ctx context.Context, tx pgx.Tx, e *evaluation) error {
	if err := postgres.UnwantEdits(ctx, tx, e.workspace, x.unwant, "no longer wanted: what it was about has changed"); err != nil {
		return err
	}
	if err := postgres.AddFailures(ctx, tx, e.workspace, x.fights); err != nil {
		return err
	}
	if err := postgres.WantEdits(ctx, tx, e.workspace, x.want); err != nil || x.dry || len(x.want) == 0 {
		return err
	}
	return e.p.askToPush(ctx, tx, e.workspace, x.group.Connection)
}

// past is what we have done, or are about to do, about one deal or lead.
type past struct {
	state enforce.State
	open  []postgres.Edit   // neither done nor on their way
	sent  map[string]bool   // keys of those on their way
	task  string            // the vendor's id of our task
	shows map[string]string // what our task shows, as we last wrote it
	wrote map[string]tries  // what was written lately, by key
	// overtaken is how often what is made once was overtaken by people, by key.
	overtaken map[string]int
}

// The same is written in a row only so often within a day: who changes it back each
// time wants it otherwise, or is another program. One that answers whatever we write
// so that we want the opposite is found by how often we write at all.
const (
	foughtOff    = 3
	foughtAtAll  = 24
	foughtWithin = 24 * time.Hour
)

// tries are how often something with one key was written lately.
type tries struct {
	last  string // what was, see sameness
	inRow int    // how often that
	all   int
}

// then is what they are once an edit has written, too.
func (w tries) then(same string) tries {
	if w.all++; w.last != same {
		w.last, w.inRow = same, 0
	}
	w.inRow++
	return w
}

// fought tells whether somebody changes it back whenever we write it.
func (w tries) fought(same string) bool {
	return w.last == same && w.inRow >= foughtOff || w.all >= foughtAtAll
}

// sameness tells edits of one key apart that write the same values to the same
// record, or make the same.
func sameness(target string, wanted map[string]json.RawMessage) string {
	b, err := json.Marshal(wanted)
	if err != nil {
		return target // they were read as JSON
	}
	return target + " " + string(b)
}

// pastOf sorts the edits about one deal or lead out of many, which are in the
// order in which they were made.
func pastOf(all []postgres.Edit, f *book.Facts, now time.Time) *past {
	p := &past{sent: map[string]bool{}, shows: map[string]string{}, wrote: map[string]tries{}, overtaken: map[string]int{}}
	p.state.Made, p.state.Refused = map[string]bool{}, map[string]bool{}
	for i := range all {
		if e := &all[i]; e.Subject.ID == f.ID {
			p.add(e, f)
			if ended(e) && now.Sub(*e.DoneAt) < foughtWithin {
				p.wrote[e.Key] = p.wrote[e.Key].then(sameness(targetOf(e), e.Wanted))
			}
		}
	}
	return p
}

// ended tells whether an edit was written, or would have been: its record was gone
// for the one who wrote, and may be there for the one who reads.
func ended(e *postgres.Edit) bool {
	return e.State == "done" || e.State == "cancelled" && e.Attempts > 0 && e.DeclinedBy == nil
}

// targetOf is the record that an edit writes; empty if it made it.
func targetOf(e *postgres.Edit) string {
	if e.Makes() {
		return ""
	}
	return value(e.TargetID)
}

func (p *past) add(e *postgres.Edit, f *book.Facts) {
	switch e.State {
	case "dry", "asked", "ready":
		p.open = append(p.open, *e)
		return
	case "sent":
		p.sent[e.Key] = true
	}
	once := e.What == "activity" || e.What == "revert"
	switch {
	case once && (e.State == "done" || e.State == "sent"):
		p.state.Made[e.Key] = true
		if e.What == "revert" && e.State == "done" {
			p.state.Takens = append(p.state.Takens, enforce.Taken{Key: e.Key, To: e.Cause.Undoes, At: *e.DoneAt})
		}
	case once && e.State == "overtaken":
		if p.overtaken[e.Key]++; p.overtaken[e.Key] >= foughtOff {
			p.state.Refused[e.Key] = true
		}
	case once && (e.State == "refused" || e.DeclinedBy != nil):
		p.state.Refused[e.Key] = true
	case e.What == "task" && e.State == "done" && e.TargetID != nil:
		p.tasked(e, f)
	case e.What == "task" && e.DeclinedBy != nil && e.Makes():
		p.task, p.state.Task = "", &enforce.Standing{Causes: e.Cause.Causes} // as if he had closed it
	}
}

// tasked notes what an edit did to our task.
func (p *past) tasked(e *postgres.Edit, f *book.Facts) {
	if *e.TargetID != p.task {
		p.task, p.shows = *e.TargetID, map[string]string{}
		open := slices.ContainsFunc(f.Activities, func(a book.Activity) bool { return a.ID == p.task && a.Done.IsZero() })
		p.state.Task = &enforce.Standing{Open: open}
	}
	for field, value := range e.Wanted {
		p.shows[field] = textOf(value)
	}
	p.state.Task.ByUs = string(e.Wanted["done"]) == "true"
	if len(e.Cause.Causes) > 0 {
		p.state.Task.Causes = e.Cause.Causes
	}
}

// elsewhere finds out whether our task is still open on a deal or lead that has gone
// on in another one: vendors take what is planned along.
func (p *past) elsewhere(ctx context.Context, tx pgx.Tx, workspace, connection int64, f *book.Facts) error {
	k, ok := sales.KindByName("activities")
	if !f.Gone || p.task == "" || !ok {
		return nil
	}
	held, err := postgres.HeldFields(ctx, tx, workspace, connection, k, p.task, []string{"done"})
	p.state.Task.Open = held.Known && !held.Gone && string(held.Fields["done"]) != "true"
	return err
}

// compare holds what is wanted against what stands. It tells whether something is
// left as it is since somebody changes it back each time.
func (x *enforcer) compare(s *matter, p *past, want *enforce.Effects) (fought bool) {
	var wanted []postgres.Edit
	if !want.Leave {
		wanted = append(wanted, x.cards(s, want)...)
	}
	if !want.Leave || s.facts.Gone { // it goes on in another one, which has its own task
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
		ours := slices.Contains([]string{"card", "task", "activity", "revert"}, e.What)
		if ours && !slices.ContainsFunc(wanted, func(w postgres.Edit) bool { return w.Key == e.Key }) {
			x.unwant = append(x.unwant, e.ID)
		}
	}
	return fought
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
// have been agreed to, somebody is asked.
func (x *enforcer) revert(s *matter, r *enforce.Revert) postgres.Edit {
	e := postgres.Edit{What: "revert", Key: r.Key, TargetKind: "deals", TargetID: &s.facts.ID, Note: r.Note,
		Wanted: map[string]json.RawMessage{}, Before: map[string]json.RawMessage{},
		Cause: postgres.EditCause{Rule: string(r.Rule), Detail: r.Detail, Opened: r.Opened, Undoes: r.Undoes}}
	set := func(field, to, from string) {
		e.Wanted[field], e.Before[field] = textOrNull(to), textOrNull(from)
	}
	if r.Stage != "" {
		set("stage_id", r.Stage, value(s.row.Stage))
	}
	if r.Reopen || r.Unhide && s.facts.Status != "open" {
		set("status", "open", s.facts.Status)
	}
	if r.Reopen && s.facts.Reason != "" {
		set("lost_reason", "", s.facts.Reason)
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

// known tells which violations of a deal or lead are the backlog, and which
// somebody lets pass until when, by their causes. One that is not stored yet is
// first said by the book in force.
func (x *enforcer) known(noted []postgres.Noted, id string, j *book.Judgement) (old map[string]bool, excused map[string]time.Time) {
	old, excused = map[string]bool{}, map[string]time.Time{}
	for i := range j.Verdicts {
		old[j.Verdicts[i].Cause()] = j.Verdicts[i].Opened.Before(x.policy.Active)
	}
	for i := range noted {
		if n := &noted[i]; n.ID == id {
			v := book.Verdict{Rule: book.Rule(n.Rule), Detail: n.Detail, Opened: n.Opened}
			if old[v.Cause()] = n.Backlog; n.Excused != nil {
				excused[v.Cause()] = *n.Excused
			}
		}
	}
	return old, excused
}

// soonerOf is the sooner of two instants; nil and zero are never.
func soonerOf(a *time.Time, b time.Time) *time.Time {
	if b.IsZero() || a != nil && !b.Before(*a) {
		return a
	}
	return &b
}

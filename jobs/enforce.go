package jobs

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/enforce"
	"salesbook.dev/internal/postgres"
)

// enforcer works out what is to be done about the verdicts on deals or leads of
// one connection.
type enforcer struct {
	source *Source
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
	done, known := by(edits, func(e *postgres.Edit) string { return e.Subject.ID }), by(noted, func(n *postgres.Noted) string { return n.ID })
	for i := range list {
		id := list[i].facts.ID
		past := pastOf(done[id], list[i].facts, now)
		if err := past.elsewhere(ctx, tx, e.workspace, group.Connection, list[i].facts); err != nil {
			return err
		}
		state := past.state
		state.Old, state.Excused = x.known(known[id], &judgements[i])
		effects := x.policy.Effects(list[i].facts, &judgements[i], state, now)
		if out[i].Due = soonerOf(out[i].Due, effects.NextDue); len(effects.Tells) > 0 {
			if err := wantTells(ctx, tx, e.workspace, group.Connection, group.Kind, id, effects.Tells); err != nil {
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
	x := &enforcer{source: s, group: group, book: e.version, card: c.Card, dry: c.Writes == "dry",
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

// known tells which violations of a deal or lead are the backlog, and which
// somebody lets pass until when, by their causes. One that is not stored yet is
// first said by the book in force.
func (x *enforcer) known(noted []postgres.Noted, j *book.Judgement) (old map[string]bool, excused map[string]time.Time) {
	old, excused = map[string]bool{}, map[string]time.Time{}
	for i := range j.Verdicts {
		old[j.Verdicts[i].Cause()] = j.Verdicts[i].Opened.Before(x.policy.Active)
	}
	for i := range noted {
		n := &noted[i]
		v := book.Verdict{Rule: book.Rule(n.Rule), Detail: n.Detail, Opened: n.Opened}
		if old[v.Cause()] = n.Backlog; n.Excused != nil {
			excused[v.Cause()] = *n.Excused
		}
	}
	return old, excused
}

// by sorts what is about several deals or leads by what it is about.
func by[T any](list []T, id func(*T) string) map[string][]T {
	out := map[string][]T{}
	for i := range list {
		out[id(&list[i])] = append(out[id(&list[i])], list[i])
	}
	return out
}

// soonerOf is the sooner of two instants; nil and zero are never.
func soonerOf(a *time.Time, b time.Time) *time.Time {
	if b.IsZero() || a != nil && !b.Before(*a) {
		return a
	}
	return &b
}

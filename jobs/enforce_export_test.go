package jobs

import (
	"context"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/enforce"
	"salesbook.dev/internal/postgres"
)

// EffectsOnDeals works out anew what is wanted of deals of a connection, by what is
// stored now, and calls each with it.
func (p *Pipeline) EffectsOnDeals(ctx context.Context, workspace, connection int64, ids []string, each func(*book.Facts, *enforce.Effects)) error {
	e, err := p.openBook(ctx, workspace)
	if err != nil {
		return err
	}
	now := p.Now()
	return p.DB.InByKey(ctx, workspace, func(tx pgx.Tx) error {
		list, err := e.facts(ctx, tx, e.sources[connection], false, ids)
		if err != nil {
			return err
		}
		x, err := e.enforcer(ctx, tx, postgres.SubjectKey{Connection: connection, Kind: "deals"})
		if err != nil {
			return err
		}
		edits, err := postgres.EditsAbout(ctx, tx, workspace, connection, "deals", ids)
		if err != nil {
			return err
		}
		noted, err := postgres.NotedOf(ctx, tx, workspace, connection, "deals", ids)
		if err != nil {
			return err
		}
		done, known := by(edits, func(e *postgres.Edit) string { return e.Subject.ID }), by(noted, func(n *postgres.Noted) string { return n.ID })
		for _, m := range list {
			said, err := judgeAll(ctx, e.compiled, []*book.Facts{m.facts}, now)
			if err != nil {
				return err
			}
			state := pastOf(done[m.facts.ID], m.facts, now).state
			state.Old, state.Excused = x.known(known[m.facts.ID], &said[0])
			effects := x.policy.Effects(m.facts, &said[0], state, now)
			each(m.facts, &effects)
		}
		return nil
	})
}

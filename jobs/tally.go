package jobs

import (
	"context"
	"sync"

	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/rest"
)

// tally lets through and counts the calls of a connection whose vendor account
// is not known yet: it takes calls to learn whose quota they are charged to.
type tally struct {
	mu   sync.Mutex
	cost int
	last rest.Usage
}

var _ rest.Governor = (*tally)(nil)

// Take counts a call.
func (t *tally) Take(_ context.Context, p rest.Price) (rest.Permit, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cost += p.Cost
	return 0, nil
}

// Done keeps what the latest answer told.
func (t *tally) Done(_ context.Context, _ rest.Permit, u rest.Usage) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = u
	return nil
}

// settle charges the account with what was counted and starts anew. An account
// that has no more room for it is corrected by what the vendor told.
func (t *tally) settle(ctx context.Context, account rest.Governor) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.cost == 0 {
		return nil
	}
	permit, err := account.Take(ctx, rest.Price{Cost: t.cost})
	if err != nil && fault.KindOf(err) != fault.Limited {
		return err
	}
	if err := account.Done(ctx, permit, t.last); err != nil {
		return err
	}
	t.cost, t.last = 0, rest.Usage{}
	return nil
}

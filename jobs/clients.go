package jobs

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/sales"
)

// clients adds what is known of the people and companies that deals or leads are
// about, if the book asks for it.
func (t *teller) clients(ctx context.Context, tx pgx.Tx, _ bool, _ []string, at map[string]*book.Facts) error {
	for _, kind := range []string{"people", "companies"} {
		if !t.c.Reads(prefixOf(kind)) {
			continue
		}
		if err := t.client(ctx, tx, kind, at); err != nil {
			return err
		}
	}
	for _, f := range at {
		slices.SortStableFunc(f.Past, func(a, b book.Change) int { return a.At.Compare(b.At) })
	}
	return nil
}

// client adds what is known of the people, or of the companies.
func (t *teller) client(ctx context.Context, tx pgx.Tx, kind string, at map[string]*book.Facts) error {
	k, _ := sales.KindByName(kind)
	about := map[string][]*book.Facts{}
	for _, f := range at {
		if id := f.Fields[k.One]; id != "" {
			about[id] = append(about[id], f)
		}
	}
	ids := make([]string, 0, len(about))
	for id := range about {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	cards, err := postgres.CardsByID(ctx, tx, t.s.Workspace, t.s.ID, k, ids)
	if err != nil {
		return err
	}
	for i := range cards {
		for _, f := range about[cards[i].ID] {
			if err := t.card(f, k, &cards[i]); err != nil {
				return err
			}
		}
	}
	past, err := postgres.PastOf(ctx, tx, t.s.Workspace, t.s.ID, kind, ids)
	for i := range past {
		for _, f := range about[past[i].ID] {
			t.earlier(f, kind, &past[i])
		}
	}
	return err
}

// card adds what a person's or company's record holds, and since when that is
// known of whom the deal is about: before it was about somebody else, nothing is.
func (t *teller) card(f *book.Facts, k *sales.Kind, c *postgres.Card) error {
	for field, value := range c.Fields {
		if text := t.text(field, value); text != "" {
			f.Fields[factOf(k.Name, field)] = text
		}
	}
	since := c.FirstSeenAt
	for _, p := range f.Past {
		if p.Field == k.One && p.At.After(since) {
			since = p.At
		}
	}
	if k.Name == "people" {
		f.PersonSince = since
	} else {
		f.CompanySince = since
	}
	return t.custom(f, k.Name, c.Custom)
}

package jobs

import (
	"context"
	"time"

	"salesbook.dev/internal/book"
)

// JudgeStored judges all deals and leads of a workspace as of an instant, and
// calls each with the facts and what the book says of them. Connections that
// cannot be judged are left out.
func (p *Pipeline) JudgeStored(ctx context.Context, workspace int64, b *book.Book, now time.Time, each func(*book.Facts, *book.Judgement)) error {
	j, err := p.judged(ctx, workspace)
	if err != nil {
		return err
	}
	compiled, err := j.compile(b)
	if err != nil {
		return err
	}
	r := &review{p, []reviewed{{compiled, nil}}, now, func(f *book.Facts, said []book.Judgement) { each(f, &said[0]) }}
	return r.all(ctx, j.sources)
}

package jobs

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/postgres"
)

// Fit is the book in force, and how its names fit what is connected now.
type Fit struct {
	Version  int
	Book     *book.Book
	ActiveAt time.Time
	ActiveBy string
	Renamed  []Renamed     // what its names meant is called otherwise now, and is followed, or is deleted
	Problems book.Problems // pipelines and stages that it names and no CRM ever had
	Fields   book.Problems // fields that it names and no CRM has
	Void     []string      // texts that somebody has decided to be a reason that the book does not have
}

// Renamed is something that the book names and a CRM has renamed or deleted since
// the book was put in force.
type Renamed struct {
	Connection string `json:"connection"`
	What       string `json:"what"`          // pipeline, stage or field
	Ref        string `json:"ref"`           // the funnel, funnel/stage, or the field
	Written    string `json:"written"`       // the name in the book
	Was        string `json:"was"`           // what it was called when the book was put in force
	Now        string `json:"now,omitempty"` // what it is called; empty: it was deleted
	Deleted    bool   `json:"deleted"`       // the CRM has it no longer
	ID         string `json:"id"`            // the vendor's
}

// Fit looks how the book in force fits what is connected.
func (p *Pipeline) Fit(ctx context.Context, workspace int64) (Fit, error) {
	var stored postgres.StoredBook
	e, err := p.inForce(ctx, workspace)
	if err != nil {
		return Fit{}, err
	}
	out := Fit{Version: e.version, Book: e.compiled.Book, Problems: e.problems}
	for _, d := range e.compiled.Drift() {
		what := map[string]string{book.BindsPipeline: "pipeline", book.BindsStage: "stage"}[d.Kind]
		out.Renamed = append(out.Renamed, Renamed{d.Connection, what, d.Ref, d.Written, d.Name, d.Now, d.Now == "", d.ID})
	}
	err = p.DB.In(ctx, workspace, func(tx pgx.Tx) (err error) {
		if stored, err = postgres.BookVersion(ctx, tx, workspace, e.version); err != nil {
			return err
		}
		return out.read(ctx, tx, e)
	})
	out.ActiveAt, out.ActiveBy = stored.ActiveAt.UTC(), stored.ActiveBy
	return out, err
}

// read looks at fields and decisions.
func (f *Fit) read(ctx context.Context, tx pgx.Tx, e *evaluation) error {
	accounts, err := accountsOf(ctx, tx, slices.Collect(maps.Values(e.sources)), e.compiled)
	if err != nil {
		return err
	}
	var bound []postgres.Binding
	for _, id := range slices.Sorted(maps.Keys(e.bound)) {
		bound = append(bound, e.bound[id]...)
		if s := e.sources[id]; s != nil {
			f.Renamed = append(f.Renamed, fieldDrift(s.Name, e.bound[id], accounts[id])...)
		}
	}
	slices.SortStableFunc(f.Renamed, func(a, b Renamed) int {
		return cmp.Or(cmp.Compare(a.Connection, b.Connection), cmp.Compare(a.What, b.What), cmp.Compare(a.Ref, b.Ref))
	})
	f.Fields = unknownFields(e.compiled, accounts, bound)
	decisions, err := postgres.SpellingsOf(ctx, tx, e.workspace)
	for _, s := range decisions {
		if s.Reason != nil && f.Book.LossReason(*s.Reason) == nil && !e.compiled.Says(s.Written) {
			f.Void = append(f.Void, s.Written)
		}
	}
	return err
}

package jobs

import (
	"context"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/rest"
	"salesbook.dev/internal/sales"
)

// ReplayReport says what a replay found.
type ReplayReport struct {
	Records     int64            `json:"records"`     // raw records mapped
	Differences map[string]int64 `json:"differences"` // canonical rows that came out different, by kind
	Made        int64            `json:"made"`        // canonical rows that were missing
	Quarantined int64            `json:"quarantined"`
	Complete    bool             `json:"complete"`
}

// replayPage is how many records one transaction maps.
const replayPage = 500

// Replay makes all canonical rows of a connection anew from its raw records,
// under the present map, without the vendor. With an unchanged map nothing
// differs. It is cut into small transactions and can be stopped anywhere; rows
// that were not reached keep their old map version and are found again.
func (p *Pipeline) Replay(ctx context.Context, workspace, connection int64) (ReplayReport, error) {
	report := ReplayReport{Differences: map[string]int64{}}
	mine, err := p.holding(ctx, workspace, "replay", connection, func(ctx context.Context, l postgres.Lease) error {
		s, err := p.Open(ctx, workspace, connection)
		if err != nil {
			return err
		}
		c, err := s.Connector(ctx, rest.Interactive)
		if err != nil {
			return err
		}
		return p.recorded(ctx, s, "replay", "", func(run int64) error {
			r := &replay{p: p, s: s, dec: c.(connectors.Decoder), lease: l, run: run, report: &report}
			for _, o := range s.Spec.Objects {
				if err := r.object(ctx, o.Name); err != nil {
					return err
				}
			}
			return nil
		})
	})
	report.Complete = mine && err == nil
	return report, err
}

type replay struct {
	p      *Pipeline
	s      *Source
	dec    connectors.Decoder
	lease  postgres.Lease
	run    int64
	report *ReplayReport
}

func (r *replay) object(ctx context.Context, object string) error {
	if _, ok := r.s.Map.Object(object); !ok {
		return nil
	}
	after := ""
	for {
		var last string
		var b *batch
		err := r.p.DB.In(ctx, r.s.Workspace, func(tx pgx.Tx) error {
			records, err := postgres.HoldRecords(ctx, tx, r.s.Workspace, r.s.ID, object, after, replayPage, r.p.Compressor)
			if err != nil || len(records) == 0 {
				last = ""
				return err
			}
			last = records[len(records)-1].ID
			b = replayBatch(r.s, r.dec, len(records))
			if err := b.rewrite(ctx, tx, records); err != nil {
				return err
			}
			if err := postgres.CountRun(ctx, tx, r.s.Workspace, r.run, b.counts); err != nil {
				return err
			}
			return r.lease.Hold(ctx, tx)
		})
		if err != nil || last == "" {
			return err
		}
		r.count(b)
		after = last
	}
}

// replayBatch is for records that come from the store and not from the vendor.
func replayBatch(s *Source, dec connectors.Decoder, records int) *batch {
	return &batch{s: s, dec: dec, origin: "replay", counts: postgres.Counts{Pages: 1, Seen: int64(records)}, mapped: map[string][]string{}}
}

func (r *replay) count(b *batch) {
	r.report.Records += b.counts.Seen
	r.report.Made += b.counts.Written
	r.report.Quarantined += b.counts.Quarantined
	for _, c := range b.changes {
		r.report.Differences[c.Kind]++
	}
}

// rewrite maps stored records again and writes their canonical rows over.
func (b *batch) rewrite(ctx context.Context, tx pgx.Tx, records []postgres.RawRecord) error {
	var kind *sales.Kind
	rows := make([]postgres.CanonicalRow, 0, len(records))
	for _, raw := range records {
		r := connectors.Record{Object: raw.Object, ID: raw.ID, Parent: raw.Parent, Shape: raw.Shape, Raw: raw.Raw}
		k, row, err := mapRecord(b.s.Map, b.dec, r)
		if err != nil {
			b.quarantine(r, err)
			continue
		}
		kind = k
		b.mapped[r.Object] = append(b.mapped[r.Object], r.ID)
		rows = append(rows, postgres.CanonicalRow{Row: row, At: raw.UpdatedAt, Deleted: raw.Deleted, Known: true})
	}
	if kind != nil {
		w, err := postgres.WriteRows(ctx, tx, b.s.Workspace, b.s.ID, kind, b.s.MapVersion, rows)
		if err != nil {
			return err
		}
		b.changes, b.counts.Written = w.Changes, int64(w.Made)
	}
	b.counts.Changed = int64(len(b.changes))
	if err := postgres.WriteChanges(ctx, tx, b.s.Workspace, b.s.ID, b.origin, b.changes); err != nil {
		return err
	}
	return b.settleFailures(ctx, tx)
}

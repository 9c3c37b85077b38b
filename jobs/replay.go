package jobs

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/postgres"
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
// under the present map, without the vendor and without credentials. With an unchanged map nothing
// differs. It is cut into small transactions and can be stopped anywhere: it is
// due until it has come to its end under one map. Complete is false when
// another worker is at it.
func (p *Pipeline) Replay(ctx context.Context, workspace, connection int64) (ReplayReport, error) {
	report := ReplayReport{Differences: map[string]int64{}}
	_, _, err := p.replay(ctx, ReplayArgs{Workspace: workspace, Connection: connection}, time.Time{}, &report)
	return report, err
}

// replayJob replays for one time slice and, if there is more, asks to go on
// from there.
func (p *Pipeline) replayJob(ctx context.Context, a ReplayArgs) error {
	report := ReplayReport{Differences: map[string]int64{}}
	next, mine, err := p.replay(ctx, a, p.Now().Add(p.slice()), &report)
	if err == nil && !mine && a.Object != "" {
		// Another job has begun from the start. This one is further and keeps its place.
		return river.JobSnooze(replayAgain)
	}
	if err != nil || report.Complete || next == a {
		return p.outcome(ctx, a.Kind(), a.Workspace, a.Connection, err)
	}
	return p.DB.In(ctx, a.Workspace, func(tx pgx.Tx) error {
		_, err := p.Queue.InsertTx(ctx, tx, next, nil)
		return err
	})
}

// replayAgain is when a job that is further than another looks again.
const replayAgain = 10 * time.Second

// replay goes on from where a says, to the end or (if not zero) until the
// instant, and returns where it got to. A place under another map is none. In
// slices, nothing is done again that has come to its end under the present map.
func (p *Pipeline) replay(ctx context.Context, a ReplayArgs, until time.Time, report *ReplayReport) (next ReplayArgs, mine bool, err error) {
	next = a
	mine, err = p.holding(ctx, a.Workspace, "replay", a.Connection, func(ctx context.Context, l postgres.Lease) error {
		s, err := p.openForWork(ctx, a.Workspace, a.Connection)
		if err != nil {
			return err
		}
		if !until.IsZero() {
			if report.Complete, err = p.replayed(ctx, s); err != nil || report.Complete {
				return err
			}
		}
		if a.Version != s.MapVersion {
			next.Version, next.Object, next.After = s.MapVersion, "", ""
		}
		return p.recorded(ctx, s, "replay", "", func(run int64) error {
			r := &replay{p: p, s: s, lease: l, run: run, report: report, at: &next, until: until}
			return r.objects(ctx)
		})
	})
	return next, mine, err
}

func (p *Pipeline) replayed(ctx context.Context, s *Source) (done bool, err error) {
	err = p.DB.In(ctx, s.Workspace, func(tx pgx.Tx) error {
		done, err = postgres.Replayed(ctx, tx, s.Workspace, s.ID, s.MapVersion)
		return err
	})
	return done, err
}

type replay struct {
	p      *Pipeline
	s      *Source
	lease  postgres.Lease
	run    int64
	report *ReplayReport
	at     *ReplayArgs
	until  time.Time
}

// objects replays object after object, from the place on.
func (r *replay) objects(ctx context.Context) error {
	begun := r.at.Object == ""
	for _, o := range r.s.Spec.Objects {
		begun = begun || o.Name == r.at.Object
		if _, ok := r.s.Map.Object(o.Name); !ok || !begun {
			continue
		}
		if r.at.Object != o.Name {
			r.at.Object, r.at.After = o.Name, ""
		}
		if done, err := r.object(ctx); err != nil || !done {
			return err
		}
	}
	r.report.Complete = true
	return r.p.DB.In(ctx, r.s.Workspace, func(tx pgx.Tx) error {
		if err := r.s.hold(ctx, tx, r.lease); err != nil {
			return err
		}
		return postgres.MarkReplayed(ctx, tx, r.s.Workspace, r.s.ID, r.s.MapVersion)
	})
}

// object replays the object of the place; done is false when the time is over.
func (r *replay) object(ctx context.Context) (done bool, err error) {
	for {
		if !r.until.IsZero() && r.p.Now().After(r.until) {
			return false, nil
		}
		last, err := r.page(ctx)
		if err != nil || last == "" {
			return err == nil, err
		}
		r.at.After = last
	}
}

// page replays the next records and returns the last one's id, empty if there
// are none.
func (r *replay) page(ctx context.Context) (last string, err error) {
	var b *batch
	err = r.p.DB.InByKey(ctx, r.s.Workspace, func(tx pgx.Tx) error {
		last, b = "", nil
		records, err := postgres.HoldRecords(ctx, tx, r.s.Workspace, r.s.ID, r.at.Object, r.at.After, replayPage, r.p.Compressor)
		if err != nil || len(records) == 0 {
			return err
		}
		last, b = records[len(records)-1].ID, replayBatch(r.s, len(records))
		if err := b.rewrite(ctx, tx, records); err != nil {
			return err
		}
		if err := postgres.CountRun(ctx, tx, r.s.Workspace, r.run, b.counts); err != nil {
			return err
		}
		return r.s.hold(ctx, tx, r.lease)
	})
	if err == nil && b != nil {
		r.count(b)
	}
	return last, err
}

// replayBatch is for records that come from the store and not from the vendor.
func replayBatch(s *Source, records int) *batch {
	return &batch{s: s, origin: "replay", counts: postgres.Counts{Pages: 1, Seen: int64(records)},
		made: map[string][]string{}, mapped: map[string][]string{}}
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
	var gone, buried []string // canonical ids and ids of records that are tombstones
	rows := make([]postgres.CanonicalRow, 0, len(records))
	for _, raw := range records {
		r := connectors.Record{Object: raw.Object, ID: raw.ID, Parent: raw.Parent, Shape: raw.Shape, Raw: raw.Raw}
		k, row, err := mapRecord(b.s.Map, b.s.Spec.Decoder, r)
		if err != nil {
			b.quarantine(r, err)
			continue
		}
		kind = k
		b.mapped[r.Object] = append(b.mapped[r.Object], r.ID)
		rows = append(rows, postgres.CanonicalRow{Row: row, At: raw.UpdatedAt, Deleted: raw.Deleted, Known: true})
		if raw.Deleted {
			gone, buried = append(gone, row.ID), append(buried, raw.ID)
		}
	}
	if kind != nil {
		if err := b.put(ctx, tx, kind, rows); err != nil {
			return err
		}
		if err := postgres.DateTombstones(ctx, tx, b.s.Workspace, b.s.ID, kind, records[0].Object, gone, buried); err != nil {
			return err
		}
		b.counts.Written = int64(len(b.made[kind.Name]))
	}
	return b.settle(ctx, tx)
}

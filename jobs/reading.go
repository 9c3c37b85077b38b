package jobs

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/rest"
)

// letterPatience is how long a delivery waits for a record at which the vendor
// fails. If it answers for others by then, the fault is that record's.
const letterPatience = 5 * time.Minute

// reading reads again what letters named.
type reading struct {
	p       *Pipeline
	s       *Source
	lease   postgres.Lease
	run     int64
	letters []postgres.Waiting

	connector connectors.Connector
	fetcher   connectors.Fetcher
	silent    int                       // chunks in a row of which the vendor showed nothing
	good      connectors.Ref            // something that the vendor answered for
	late      map[connectors.Ref]unread // what the vendor failed at
	failures  []postgres.Failure        // what it refuses
	defined   bool                      // definitions of fields were read
}

// all fetches every record the letters name, once, and marks letters read of
// which nothing is left to wait for. One record that the vendor refuses, or at
// which it fails for good, does not keep the others waiting.
func (r *reading) all(ctx context.Context) (err error) {
	if r.connector, err = r.s.Connector(ctx, rest.Webhook); err != nil {
		return err
	}
	fetcher, ok := r.connector.(connectors.Fetcher)
	if !ok {
		return fault.New(fault.Invalid, "the connector for %s cannot read records by id", r.s.Vendor)
	}
	r.fetcher = fetcher
	for _, object := range r.s.Spec.Objects {
		ids := idsOf(r.letters, object.Name)
		atOnce := object.FetchMax
		if atOnce == 0 {
			atOnce = max(1, len(ids)) // the whole list is read, once
		}
		for chunk := range slices.Chunk(ids, atOnce) {
			if err := r.chunk(ctx, object, chunk); err != nil {
				return err
			}
		}
	}
	if r.defined {
		if err := r.s.refreshMap(ctx); err != nil {
			return err
		}
	}
	return r.finish(ctx)
}

// chunk reads records of one object and commits them.
func (r *reading) chunk(ctx context.Context, object connectors.Object, ids []string) error {
	page, left, err := r.fetch(ctx, object, ids)
	switch {
	case err != nil && !ownFault(err):
		return err
	case err != nil:
		if fault.KindOf(err) == fault.Temporary {
			r.silent++
		}
		if r.silent >= tooManySilent {
			if r.answers(ctx, object.Name) != nil {
				return err // the vendor is down: all is read again later
			}
			r.silent = 0
		}
	default:
		r.silent = 0
		tellMerges(page.Records, r.letters)
		if err := r.p.commitPage(ctx, r.s, r.lease, r.run, "receive", page); err != nil {
			return err
		}
		r.defined = r.defined || object.Dictionary
		r.good = connectors.Ref{Object: object.Name, ID: readOf(ids, left)}
	}
	for _, u := range left {
		if hopeless(u.why) {
			r.failures = append(r.failures, deliveryFailure(r.s, connectors.Ref{Object: object.Name, ID: u.id}, u.why))
		} else {
			r.late[connectors.Ref{Object: object.Name, ID: u.id}] = u
		}
	}
	return nil
}

// fetch reads records by id, or the whole list of an object that has no way to
// read one.
func (r *reading) fetch(ctx context.Context, o connectors.Object, ids []string) (connectors.Page, []unread, error) {
	if o.FetchMax > 0 {
		return fetchEach(ctx, r.fetcher, o.Name, ids, ownFault)
	}
	puller, ok := r.connector.(connectors.Puller)
	if !ok || o.Mode != connectors.Listed {
		return connectors.Page{}, nil, fault.New(fault.Invalid, "%s cannot be read by id", o.Name)
	}
	for page, err := range puller.Pull(ctx, o.Name, "") {
		var left []unread
		for _, id := range ids {
			if err != nil {
				left = append(left, unread{id, err, true})
			}
		}
		return page, left, err
	}
	return connectors.Page{}, nil, nil
}

// finish marks letters as read and lists what could not be. Letters that name
// something late wait on.
func (r *reading) finish(ctx context.Context) error {
	r.giveUp(ctx)
	done := slices.DeleteFunc(slices.Clone(r.letters), func(l postgres.Waiting) bool {
		return slices.ContainsFunc(l.Reads, func(ref connectors.Ref) bool { return r.late[ref].why != nil })
	})
	err := r.p.DB.In(ctx, r.s.Workspace, func(tx pgx.Tx) error {
		if err := postgres.AddFailures(ctx, tx, r.s.Workspace, r.failures); err != nil {
			return err
		}
		if err := postgres.FinishLetters(ctx, tx, r.s.Workspace, done); err != nil {
			return err
		}
		if err := r.s.forget(ctx, tx, done); err != nil {
			return err
		}
		return r.lease.Hold(ctx, tx)
	})
	for _, u := range r.late {
		if err == nil {
			return fmt.Errorf("of %d deliveries %d wait on: %w", len(r.letters), len(r.letters)-len(done), u.why)
		}
	}
	return err
}

// giveUp lists what has been late for too long among the failures, if the
// vendor answers for something else of the kind at this moment.
func (r *reading) giveUp(ctx context.Context) {
	old := map[connectors.Ref]bool{}
	for _, l := range r.letters {
		for _, ref := range l.Reads {
			if r.late[ref].asked && r.p.Now().Sub(l.ReceivedAt) > letterPatience {
				old[ref] = true
			}
		}
	}
	refs := slices.SortedFunc(maps.Keys(old), byRef)
	if len(refs) == 0 || r.answers(ctx, refs[0].Object) != nil {
		return
	}
	for _, ref := range refs {
		r.failures = append(r.failures, deliveryFailure(r.s, ref, r.late[ref].why))
		delete(r.late, ref)
	}
}

// answers is nil if the vendor answers at this moment for what it has answered
// for before: in this reading, or else for another record of the object that is
// stored here.
func (r *reading) answers(ctx context.Context, object string) error {
	ref := r.good
	if ref.ID == "" {
		var err error
		if ref, err = r.another(ctx, object); err != nil {
			return err
		}
	}
	o, _ := r.s.Spec.Object(ref.Object)
	_, _, err := r.fetch(ctx, o, []string{ref.ID})
	return err
}

// another returns a record of an object that is here and that no letter waits
// for.
func (r *reading) another(ctx context.Context, object string) (connectors.Ref, error) {
	var awaited []string
	for ref := range r.late {
		if ref.Object == object {
			awaited = append(awaited, ref.ID)
		}
	}
	var id string
	err := r.p.DB.In(ctx, r.s.Workspace, func(tx pgx.Tx) (err error) {
		id, err = postgres.AnyRecord(ctx, tx, r.s.Workspace, r.s.ID, object, awaited)
		return err
	})
	return connectors.Ref{Object: object, ID: id}, err
}

// hopeless tells failures that waiting does not mend.
func hopeless(err error) bool {
	return err != nil && fault.KindOf(err).Outcome() == fault.Discard
}

// ownFault tells failures that one of several records may have brought about.
func ownFault(err error) bool { return hopeless(err) || fault.KindOf(err) == fault.Temporary }

// readOf is the first of ids that is not left.
func readOf(ids []string, left []unread) string {
	i := slices.IndexFunc(ids, func(id string) bool {
		return !slices.ContainsFunc(left, func(u unread) bool { return u.id == id })
	})
	if i < 0 {
		return ""
	}
	return ids[i]
}

func byRef(a, b connectors.Ref) int {
	return cmp.Or(cmp.Compare(a.Object, b.Object), cmp.Compare(a.ID, b.ID))
}

// deliveryFailure lists a record that a delivery named in vain.
func deliveryFailure(s *Source, ref connectors.Ref, why error) postgres.Failure {
	return postgres.Failure{ConnectionID: s.ID, Kind: "delivery", Object: ref.Object, ExternalID: ref.ID,
		Reason: fmt.Sprintf("named by a delivery, but could not be read: %v", why),
		Hint:   "check what the credentials may see with `salesbook connections show " + s.Name + "`; `salesbook failures retry` reads it again"}
}

// tellMerges tells records that are gone what took them in, as letters know.
func tellMerges(records []connectors.Record, letters []postgres.Waiting) {
	into := map[connectors.Ref]string{}
	for _, l := range letters {
		for _, m := range l.Merges {
			into[connectors.Ref{Object: m.Object, ID: m.ID}] = m.Into
		}
	}
	for i := range records {
		if r := &records[i]; r.Deleted && r.MergedInto == "" {
			r.MergedInto = into[connectors.Ref{Object: r.Object, ID: r.ID}]
		}
	}
}

// idsOf returns the ids of an object that the letters name, each once.
func idsOf(letters []postgres.Waiting, object string) []string {
	var ids []string
	for _, l := range letters {
		for _, r := range l.Reads {
			if r.Object == object {
				ids = append(ids, r.ID)
			}
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

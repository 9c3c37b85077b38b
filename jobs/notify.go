package jobs

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"salesbook.dev/internal/enforce"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
)

const (
	// notifyEvery bounds how late something is told that cannot wait.
	notifyEvery = 15 * time.Second
	// toldInOne bounds what one message tells; more goes in another.
	toldInOne       = 50
	waitingAtOnce   = 1000
	addressesAtOnce = 200
)

// Notify tells a workspace's people what they are to be told: it makes the
// digests that are due, puts what waits into messages, and sends them. It is
// complete when nothing is due any more. One process at a time does so.
func (p *Pipeline) Notify(ctx context.Context, workspace int64) (complete bool, err error) {
	complete = true
	_, err = p.holding(ctx, workspace, NotifyArgs{}.Kind(), 0, func(ctx context.Context, _ postgres.Lease) error {
		var d *desk
		err := p.DB.In(ctx, workspace, func(tx pgx.Tx) (err error) {
			if d, err = p.openDesk(ctx, tx, workspace, p.Now()); err != nil || d == nil {
				return err
			}
			named, err := postgres.MorningAddresses(ctx, tx, workspace, notOfTheMorning())
			if err != nil {
				return err
			}
			return postgres.WantNotifications(ctx, tx, workspace, d.dueDigests(named))
		})
		if err != nil || d == nil {
			return err
		}
		if err := d.makeMessages(ctx); err != nil {
			return err
		}
		complete, err = d.sendMessages(ctx)
		return err
	})
	return complete, err
}

// notifyJob tells for one time slice and, if there is more, goes on.
func (p *Pipeline) notifyJob(ctx context.Context, a NotifyArgs) error {
	complete, err := p.Notify(ctx, a.Workspace)
	if err == nil && !complete {
		return river.JobSnooze(0)
	}
	return err
}

// notOfTheMorning are the occasions that do not wait for a digest.
func notOfTheMorning() []string {
	out := []string{postgres.DigestOccasion}
	for _, o := range enforce.Instant() {
		out = append(out, string(o))
	}
	return out
}

// dueDigests are the digests that may be sent now: of all readers, and of those for
// whom something waits. One that was made before is left out as it is stored; one
// that has nothing to say is dropped later.
func (d *desk) dueDigests(named []string) (out []postgres.Notification) {
	all := append(d.readers(), named...)
	slices.Sort(all)
	for _, address := range slices.Compact(all) {
		day, due := d.habits(address).Digest(d.now)
		if !due {
			continue
		}
		if ways, _ := d.reach(address, true); len(ways) > 0 {
			out = append(out, postgres.Notification{Address: address, Occasion: postgres.DigestOccasion, Key: digestKey(day), MadeAt: d.now})
		}
	}
	return out
}

func digestKey(day string) string { return postgres.DigestOccasion + "/" + day }

// readers are all who may get a digest: heads, reps, and whoever has a channel.
func (d *desk) readers() []string {
	all := map[string]bool{}
	for address := range d.channels {
		all[address] = true
	}
	for i := range d.book.Teams {
		for _, head := range d.book.Teams[i].Heads {
			all[strings.ToLower(head)] = true
		}
	}
	if d.mail != nil && d.mail.Reps {
		for _, owner := range d.owners {
			all[strings.ToLower(owner)] = true
		}
	}
	return slices.DeleteFunc(slices.Sorted(maps.Keys(all)), func(address string) bool { return d.roleOf(address) == outsider })
}

// makeMessages puts what waits into messages, address by address.
func (d *desk) makeMessages(ctx context.Context) error {
	for after, more := "", true; more; {
		var waiting []string
		err := d.p.DB.In(ctx, d.workspace, func(tx pgx.Tx) (err error) {
			waiting, err = postgres.WaitingAddresses(ctx, tx, d.workspace, d.now, after, addressesAtOnce)
			return err
		})
		if err != nil {
			return err
		}
		for _, address := range waiting {
			after = address
			if err := d.p.DB.In(ctx, d.workspace, func(tx pgx.Tx) error { return d.messagesFor(ctx, tx, address) }); err != nil {
				return err
			}
		}
		more = len(waiting) == addressesAtOnce
	}
	return nil
}

// messagesFor puts what waits for an address and cannot wait into one message for
// each of its channels, and the digest, with all that could wait for it, into
// another. In quiet hours it goes on waiting, so that in the morning it comes as
// one.
func (d *desk) messagesFor(ctx context.Context, tx pgx.Tx, address string) error {
	list, err := postgres.TakeWaiting(ctx, tx, d.workspace, address, d.now, waitingAtOnce)
	if err != nil || len(list) == 0 {
		return err
	}
	if err := postgres.WantNotifications(ctx, tx, d.workspace, d.forTeams(address, list)); err != nil {
		return err
	}
	if at := d.habits(address).NotBefore(d.now); at.After(d.now) {
		return postgres.PostponeNotifications(ctx, tx, d.workspace, idsOfNotifications(list), at)
	}
	var digests, instant, morning []int64
	for _, n := range list {
		switch {
		case n.Occasion == postgres.DigestOccasion:
			digests = append(digests, n.ID)
		case enforce.Occasion(n.Occasion).Instant():
			instant = append(instant, n.ID)
		default:
			morning = append(morning, n.ID)
		}
	}
	for ids := range slices.Chunk(instant, toldInOne) {
		if err := d.addMessages(ctx, tx, address, ids, false); err != nil {
			return err
		}
	}
	if len(digests) > 0 {
		return d.addMessages(ctx, tx, address, append(digests, morning...), true)
	}
	return d.untilMorning(ctx, tx, address, morning)
}

// untilMorning lets notifications wait for the next digest of an address.
func (d *desk) untilMorning(ctx context.Context, tx pgx.Tx, address string, ids []int64) error {
	if ways, why := d.reach(address, true); len(ways) == 0 {
		return postgres.EndNotifications(ctx, tx, d.workspace, ids, "dropped", why.Error(), d.now)
	}
	return postgres.PostponeNotifications(ctx, tx, d.workspace, ids, d.habits(address).NextDigest(d.now))
}

func (d *desk) addMessages(ctx context.Context, tx pgx.Tx, address string, ids []int64, digest bool) error {
	ways, why := d.reach(address, digest)
	if len(ways) == 0 {
		return postgres.EndNotifications(ctx, tx, d.workspace, ids, "dropped", why.Error(), d.now)
	}
	for _, c := range ways {
		if err := postgres.AddMessage(ctx, tx, d.workspace, address, c.ID, c.Kind, ids, d.now); err != nil {
			return err
		}
	}
	return nil
}

// forTeams are what a head is told, once more for each of his teams that has a
// channel of its own.
func (d *desk) forTeams(address string, list []postgres.Notification) (out []postgres.Notification) {
	if strings.HasPrefix(address, postgres.TeamAddress) {
		return nil
	}
	for _, t := range d.teams(address) {
		to := postgres.TeamAddress + t.ID
		if len(d.channels[to]) == 0 {
			continue
		}
		for _, n := range list {
			if n.Occasion != postgres.DigestOccasion {
				n.Address = to
				out = append(out, n)
			}
		}
	}
	return out
}

func idsOfNotifications(list []postgres.Notification) []int64 {
	ids := make([]int64, len(list))
	for i := range list {
		ids[i] = list[i].ID
	}
	return ids
}

// sendMessages sends what is due, one after the other, for one time slice. A
// server that does not answer is left alone until the next time, and so are all
// messages by it; nobody else waits for it.
func (d *desk) sendMessages(ctx context.Context) (complete bool, err error) {
	s := &sending{desk: d, butKinds: []string{}, butChannels: []int64{}}
	for until := d.p.Now().Add(d.p.slice()); d.p.Now().Before(until); {
		more, err := s.next(ctx)
		if err != nil || !more {
			return err == nil, err
		}
	}
	return false, nil
}

// retryNotification has a message that was given up sent again.
func (p *Pipeline) retryNotification(ctx context.Context, workspace int64, f postgres.Failure) (Retried, error) {
	var out Retried
	err := p.DB.In(ctx, workspace, func(tx pgx.Tx) error {
		id, err := messageOf(f)
		if err != nil {
			return err
		}
		there, err := postgres.ReviveMessage(ctx, tx, workspace, id, p.Now())
		if err != nil {
			return err
		}
		out = Retried{Resolved: true, Queued: there} // one that is gone has nobody waiting for it
		if there {
			if _, err := p.Queue.InsertTx(ctx, tx, NotifyArgs{Workspace: workspace}, nil); err != nil {
				return err
			}
		}
		return postgres.ResolveFailure(ctx, tx, workspace, f.ID)
	})
	return out, err
}

// undeliverable is the dead letter of a message.
func undeliverable(m *postgres.OutMessage, err error) postgres.Failure {
	hint := "`salesbook notify list` shows whom it was for; `salesbook failures retry` sends it again"
	if fault.KindOf(err) == fault.Gone {
		hint = "the channel is stopped: set it anew with `salesbook notify add`, or let it go on with `salesbook notify test`; then `salesbook failures retry` sends this again"
	}
	return postgres.Failure{Kind: "notification", Object: m.Kind, ExternalID: messageKey(m.ID), Reason: err.Error(), Hint: hint}
}

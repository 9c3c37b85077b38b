package jobs_test

import (
	"testing"

	"salesbook.dev/internal/notify/notifytest"
)

// BenchmarkDigests makes the digests of a morning for a company with 1,000 reps
// and two heads, of whose deals 20,000 stand broken.
func BenchmarkDigests(b *testing.B) {
	v := tellersOn(b, notifytest.NewMailServer(b, notifytest.Options{}))
	v.run(b, `INSERT INTO reps (workspace_id, connection_id, external_id, name, email, active, map_version)
		SELECT $1, $2, 'r' || n, 'Rep ' || n, 'rep' || n || '@example.com', true, 1 FROM generate_series(1, 1000) n`, v.ws, v.conn)
	v.run(b, `INSERT INTO deals (workspace_id, connection_id, external_id, title, status, amount, currency, archived, map_version)
		SELECT $1, $2, 'd' || n, 'Deal ' || n, 'open', n, 'PLN', false, 1 FROM generate_series(1, 20000) n`, v.ws, v.conn)
	v.run(b, `INSERT INTO violations (workspace_id, connection_id, kind, external_id, rule, detail, opened_at, book, assumed, place, owner, noticed_at)
		SELECT $1, $2, 'deals', 'd' || n, 'no_next_step', '', '2026-11-25', 1, false, 'sales/offer', 'rep' || n % 1000 + 1 || '@example.com', '2026-11-25' FROM generate_series(1, 20000) n`, v.ws, v.conn)
	v.run(b, `UPDATE reps SET active = true`)
	v.setMail(b, true)
	v.at(b, "2026-11-27T08:30:00+01:00")
	for b.Loop() {
		b.StopTimer()
		v.run(b, `DELETE FROM messages`)
		v.run(b, `DELETE FROM notifications`)
		before := len(v.mail.Mails())
		b.StartTimer()
		v.notify(b)
		if n := len(v.mail.Mails()) - before; n != 1002 {
			b.Fatalf("%d mails", n)
		}
	}
}

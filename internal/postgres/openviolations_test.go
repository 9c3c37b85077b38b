package postgres_test

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/postgres/pgtest"
)

// books puts two versions of a book in force, and sets when: ten and five days
// ago. The connection is twenty days old.
func (b storeBundle) books(t *testing.T) (now time.Time) {
	t.Helper()
	b.in(t, func(tx pgx.Tx) error {
		for range 2 {
			if _, err := postgres.AddBook(t.Context(), tx, b.ws, "book", "text", "test", postgres.AfterAny); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(t.Context(), `UPDATE books SET active_at = now() - make_interval(days => 15 - 5 * version)`); err != nil {
			return err
		}
		_, err := tx.Exec(t.Context(), `UPDATE connections SET created_at = now() - interval '20 days'`)
		if err != nil {
			return err
		}
		return tx.QueryRow(t.Context(), `SELECT now()`).Scan(&now)
	})
	return now
}

// judged stores violations of deals that a version of the book spoke of.
func (b storeBundle) judged(t *testing.T, version int, list ...postgres.Violation) {
	t.Helper()
	by := map[postgres.SubjectKey]*postgres.Judged{}
	var all []postgres.Judged
	for _, v := range list {
		if by[v.Subject] == nil {
			all = append(all, postgres.Judged{Subject: v.Subject})
			by[v.Subject] = &postgres.Judged{}
		}
	}
	for i := range all {
		for _, v := range list {
			if v.Subject == all[i].Subject {
				all[i].Violations = append(all[i].Violations, v)
			}
		}
	}
	b.in(t, func(tx pgx.Tx) error {
		return postgres.WriteJudgements(t.Context(), tx, b.ws, version, time.Now(), all)
	})
}

// opened lists rules of open violations that a filter lets through.
func (b storeBundle) opened(t *testing.T, f postgres.ViolationFilter) (rules []string) {
	t.Helper()
	if f.Most == 0 {
		f.Most = 100
	}
	b.in(t, func(tx pgx.Tx) error {
		list, err := postgres.OpenViolations(t.Context(), tx, b.ws, f)
		rules = nil
		for _, v := range list {
			rules = append(rules, v.Rule)
		}
		return err
	})
	return rules
}

// TestNewsIsWhatOpenedSinceTheBookSaidSo, and since the connection was made.
func TestNewsIsWhatOpenedSinceTheBookSaidSo(t *testing.T) {
	t.Parallel()
	b := newStore(t)
	now := b.books(t)
	young := b
	b.in(t, func(tx pgx.Tx) (err error) {
		young.conn, err = postgres.AddConnection(t.Context(), tx, b.ws, postgres.Connection{Name: "young", Vendor: "pipedrive", Settings: map[string]string{}})
		if err == nil {
			_, err = tx.Exec(t.Context(), `UPDATE connections SET created_at = now() - interval '2 days' WHERE id = $1`, young.conn)
		}
		return err
	})
	daysAgo := func(connection int64, days int, rule string) postgres.Violation {
		return postgres.Violation{Subject: postgres.SubjectKey{Connection: connection, Kind: "deals", ID: "1"}, Rule: rule, Opened: now.AddDate(0, 0, -days)}
	}
	b.judged(t, 1, daysAgo(b.conn, 11, "before the first"), daysAgo(b.conn, 10, "with the first"), daysAgo(b.conn, 6, "between, first"))
	other := func(v postgres.Violation) postgres.Violation { v.Subject.ID = "2"; return v }
	b.judged(t, 2, other(daysAgo(b.conn, 6, "between, second")), other(daysAgo(b.conn, 1, "since the second")),
		daysAgo(young.conn, 3, "before the connection"), daysAgo(young.conn, 1, "since the connection"))
	news := []string{"with the first", "between, first", "since the connection", "since the second"}
	old := []string{"before the first", "between, second", "before the connection"}
	got := b.opened(t, postgres.ViolationFilter{Now: now, Backlog: new(false)})
	slices.Sort(got)
	slices.Sort(news)
	if d := cmp.Diff(news, got); d != "" {
		t.Errorf("news (-want +got):\n%s", d)
	}
	if d := cmp.Diff(old, b.opened(t, postgres.ViolationFilter{Now: now, Backlog: new(true)})); d != "" {
		t.Errorf("backlog (-want +got):\n%s", d)
	}
	b.in(t, func(tx pgx.Tx) error {
		n, err := postgres.CountViolations(t.Context(), tx, b.ws, postgres.ViolationFilter{Now: now, Backlog: new(true)})
		if n != int64(len(old)) {
			t.Errorf("%d are counted", n)
		}
		all, err2 := postgres.OpenViolations(t.Context(), tx, b.ws, postgres.ViolationFilter{Now: now, Most: 100})
		for _, v := range all {
			if v.Backlog != slices.Contains(old, v.Rule) {
				t.Errorf("%s: backlog is %v", v.Rule, v.Backlog)
			}
		}
		if len(all) != len(old)+len(news) || err2 != nil {
			t.Errorf("%d violations in all, %v", len(all), err2)
		}
		return err
	})
}

// TestAListGoesOnWhereItEnded, also after a violation that is mended meanwhile,
// and with several of one instant.
func TestAListGoesOnWhereItEnded(t *testing.T) {
	t.Parallel()
	b := newStore(t)
	now := b.books(t)
	var all []postgres.Violation
	for i := range 7 {
		all = append(all, postgres.Violation{Subject: postgres.SubjectKey{Connection: b.conn, Kind: "deals", ID: fmt.Sprint(i)}, Rule: fmt.Sprint("r", i), Opened: now.Add(time.Duration(i/3) * time.Hour)})
	}
	b.judged(t, 1, all...)
	var pages [][]string
	for after := int64(0); ; {
		var list []postgres.Violation
		b.in(t, func(tx pgx.Tx) (err error) {
			list, err = postgres.OpenViolations(t.Context(), tx, b.ws, postgres.ViolationFilter{Now: now, After: after, Most: 2})
			if err != nil || len(list) == 0 {
				return err
			}
			_, err = tx.Exec(t.Context(), `UPDATE violations SET mended_at = now() WHERE id = $1`, list[len(list)-1].ID)
			return err
		})
		if len(list) == 0 {
			break
		}
		var rules []string
		for _, v := range list {
			rules = append(rules, v.Rule)
		}
		pages, after = append(pages, rules), list[len(list)-1].ID
	}
	if d := cmp.Diff([][]string{{"r0", "r1"}, {"r2", "r3"}, {"r4", "r5"}, {"r6"}}, pages); d != "" {
		t.Errorf("pages (-want +got):\n%s", d)
	}
	err := b.In(t.Context(), b.ws, func(tx pgx.Tx) error {
		_, err := postgres.OpenViolations(t.Context(), tx, b.ws, postgres.ViolationFilter{Now: now, After: 999, Most: 2})
		return err
	})
	if fault.KindOf(err) != fault.NotFound {
		t.Errorf("after a violation that never was: %v", err)
	}
}

// TestWhatSomebodyDecidedOutlivesJudging: neither is lost when the same is found
// again, nor when it was mended meanwhile.
func TestWhatSomebodyDecidedOutlivesJudging(t *testing.T) {
	t.Parallel()
	b := newStore(t)
	now := b.books(t)
	key := postgres.SubjectKey{Connection: b.conn, Kind: "deals", ID: "1"}
	v := postgres.Violation{Subject: key, Rule: "no_owner", Opened: now}
	b.judged(t, 1, v)
	decide := func(by, note string) (err error) {
		return b.In(t.Context(), b.ws, func(tx pgx.Tx) error {
			whose, err := postgres.Acknowledge(t.Context(), tx, b.ws, 1, now, by, note)
			if err == nil && whose != key {
				t.Errorf("it is of %v", whose)
			}
			return err
		})
	}
	if err := decide("anna", "Jutro"); err != nil {
		t.Fatal(err)
	}
	b.in(t, func(tx pgx.Tx) error {
		return postgres.WriteJudgements(t.Context(), tx, b.ws, 2, now, []postgres.Judged{{Subject: key}}) // it is mended
	})
	if err := decide("olga", ""); fault.KindOf(err) != fault.NotFound {
		t.Errorf("a mended violation is taken on: %v", err)
	}
	b.judged(t, 2, v)
	if err := decide("olga", ""); err != nil {
		t.Fatal(err)
	}
	b.judged(t, 2, v)
	if got := b.opened(t, postgres.ViolationFilter{Now: now, Acknowledged: new(false)}); len(got) > 0 {
		t.Errorf("nobody has taken on %q", got)
	}
	b.in(t, func(tx pgx.Tx) error {
		list, err := postgres.OpenViolations(t.Context(), tx, b.ws, postgres.ViolationFilter{Now: now, Acknowledged: new(true), Most: 10})
		if len(list) != 1 || *list[0].AcknowledgedBy != "olga" || list[0].AcknowledgedNote != nil || list[0].Book != 1 {
			t.Errorf("taken on: %+v", list)
		}
		return err
	})
}

// TestListsOf100000ViolationsGoByTheIndex: the oldest are the backlog, and
// looking for news passes them by; what the backlog is worth is looked up by key.
func TestListsOf100000ViolationsGoByTheIndex(t *testing.T) {
	t.Parallel()
	d := pgtest.New(t)
	b := storeBundle{DB: d.DB, ws: d.Workspace(t, "acme")}
	b.in(t, func(tx pgx.Tx) (err error) {
		b.conn, err = postgres.AddConnection(t.Context(), tx, b.ws, postgres.Connection{Name: "crm", Vendor: "pipedrive", Settings: map[string]string{}})
		return err
	})
	now := b.books(t)
	b.in(t, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `
			INSERT INTO violations (workspace_id, connection_id, kind, external_id, rule, detail, opened_at, book, assumed, place, owner)
			SELECT $1, $2, 'deals', (i % 30000)::text, 'r' || i % 30, i::text, now() - make_interval(hours => i % 20000 - 1), 1 + i % 2, false, 'f/s' || i % 7, i % 20 || '@x.pl' FROM generate_series(1, 100000) i`, b.ws, b.conn)
		return err
	})
	admin := d.Connect(t, d.AdminURL)
	for _, table := range []string{"violations", "books", "connections"} {
		if _, err := admin.Exec(t.Context(), "ANALYZE salesbook."+table); err != nil {
			t.Fatal(err)
		}
	}
	for name, f := range map[string]postgres.ViolationFilter{
		"news": {Backlog: new(false)}, "all": {}, "of a rep": {Owners: []string{"3@x.pl"}}, "after another": {After: 50_000},
	} {
		t.Run(name, func(t *testing.T) {
			f.Now, f.Most = now, 50
			var plan []string
			b.in(t, func(tx pgx.Tx) error {
				traced := &explained{Tx: tx}
				_, err := postgres.OpenViolations(t.Context(), traced, b.ws, f)
				plan = traced.plan
				return err
			})
			text := strings.Join(plan, "\n")
			if !strings.Contains(text, "Index Scan using violations_since on violations") || strings.Contains(text, "Sort") {
				t.Errorf("the plan is\n%s", text)
			}
			if n := rowsRead(plan); n == 0 || n > 3000 {
				t.Errorf("%d violations are read for a page of 50:\n%s", n, text)
			}
		})
	}
	t.Run("the backlog", func(t *testing.T) {
		traced := &explained{}
		b.in(t, func(tx pgx.Tx) error {
			traced.Tx = tx
			_, err := postgres.Backlog(t.Context(), traced, b.ws, postgres.ViolationFilter{Now: now, Most: 20})
			return err
		})
		text := strings.Join(traced.plan, "\n")
		for _, table := range []string{"deals", "leads"} {
			if !regexp.MustCompile("Index Scan using " + table + `_pkey on ` + table + ` .*\n +Index Cond: \(\(workspace_id = .*\) AND \(connection_id = v.connection_id\) AND \(external_id = v.external_id\)\)`).MatchString(text) {
				t.Errorf("%s are not looked up by their key:\n%s", table, text)
			}
		}
	})
}

// rowsRead is how many violations a plan has read by the index.
func rowsRead(plan []string) (n int) {
	for _, line := range plan {
		for _, before := range []string{"violations_since on violations v (actual rows=", "Rows Removed by Filter: "} {
			if _, after, ok := strings.Cut(line, before); ok {
				rows := 0
				_, _ = fmt.Sscan(after, &rows) // the rest of the line is no number
				n += rows
			}
		}
	}
	return n
}

// explained keeps the plan of the last query, which it has carried out.
type explained struct {
	pgx.Tx
	plan []string
}

// Query implements pgx.Tx.
func (e *explained) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	rows, err := e.Tx.Query(ctx, "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) "+sql, args...)
	if err != nil {
		return nil, err
	}
	if e.plan, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
		return nil, err
	}
	return e.Tx.Query(ctx, sql, args...)
}

package postgres_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/postgres"
)

// TestJudgingSeesWhatItGoesBy changes, one after the other, what deals are judged
// by, and what they are not.
func TestJudgingSeesWhatItGoesBy(t *testing.T) {
	t.Parallel()
	b := newStore(t)
	run := func(sql string) {
		t.Helper()
		b.in(t, func(tx pgx.Tx) error { _, err := tx.Exec(t.Context(), sql); return err })
	}
	read := func() (j postgres.Judging) {
		t.Helper()
		b.in(t, func(tx pgx.Tx) (err error) { j, err = postgres.JudgingOf(t.Context(), tx, b.ws); return err })
		return j
	}
	for _, sql := range []string{
		`INSERT INTO maps (workspace_id, connection_id, base) SELECT workspace_id, id, 'a: b' FROM connections`,
		`INSERT INTO fields (workspace_id, connection_id, external_id, object, code, name, type, custom, options, map_version) SELECT workspace_id, id, n, 'deals', n, 'Поле', 'enum', true, '[{"id": "1", "label": "да"}]', 1 FROM connections, unnest('{a,b}'::text[]) n`,
		`INSERT INTO pipelines (workspace_id, connection_id, external_id, name, map_version) SELECT workspace_id, id, '1', 'Жильё', 1 FROM connections`,
		`INSERT INTO stages (workspace_id, connection_id, external_id, pipeline_id, name, map_version) SELECT workspace_id, id, n, '1', 'Показ', 1 FROM connections, unnest('{1,2}'::text[]) n`,
		`UPDATE connections SET read_at = now()`,
	} {
		run(sql)
	}
	if j := read(); !j.Moved() {
		t.Fatalf("nobody has judged by it yet, and it says %+v", j)
	}
	for _, tc := range []struct {
		sql   string
		same  bool
		moved bool // all deals must be judged anew
	}{
		{`UPDATE connections SET state = 'paused', version = version + 1`, true, false},
		{`UPDATE maps SET version = 7, replayed = 7`, true, false},
		{`UPDATE fields SET map_version = 7, updated_at = now(), changed_at = now()`, true, false},
		{`UPDATE stages SET rot_days = 7`, true, false},
		{`INSERT INTO books (workspace_id, version, name, text, active_by) SELECT workspace_id, 1, 'x', '', '' FROM connections`, false, false},
		{`UPDATE maps SET override = 'c: d'`, false, true},
		{`UPDATE maps SET override = 'a: b', base = 'c: d'`, false, true},
		{`UPDATE fields SET name = 'поле' WHERE external_id = 'a'`, false, true},
		{`UPDATE fields SET options = '[{"id": "1", "label": "нет"}]' WHERE external_id = 'a'`, false, true},
		{`UPDATE fields SET options = NULL WHERE external_id = 'a'`, false, true},
		{`UPDATE fields SET name = options::text, options = NULL WHERE external_id = 'b'`, false, true},
		{`DELETE FROM fields WHERE external_id = 'a'`, false, true},
		{`UPDATE pipelines SET name = 'Инвесторы'`, false, true},
		{`UPDATE pipelines SET position = 1`, false, true},
		{`UPDATE pipelines SET deleted_at = now()`, false, true},
		{`UPDATE stages SET name = 'Бронь' WHERE external_id = '1'`, false, true},
		{`UPDATE stages SET name = CASE name WHEN 'Бронь' THEN 'Показ' ELSE 'Бронь' END`, false, true}, // two swap their names
		{`UPDATE stages SET pipeline_id = '2' WHERE external_id = '1'`, false, true},
		{`UPDATE stages SET position = 3 WHERE external_id = '1'`, false, true},
		{`UPDATE stages SET deleted_at = now() WHERE external_id = '1'`, false, true},
		{`UPDATE connections SET state = 'removing'`, false, false},
		{`UPDATE connections SET state = 'active', read_at = NULL`, true, false}, // still not judged
		{`DELETE FROM maps`, false, false},
	} {
		b.in(t, func(tx pgx.Tx) error {
			j, err := postgres.JudgingOf(t.Context(), tx, b.ws)
			if err != nil {
				return err
			}
			return postgres.NoteJudged(t.Context(), tx, b.ws, j)
		})
		before := read()
		run(tc.sql)
		if after := read(); after.Same(before) != tc.same || after.Moved() != tc.moved {
			t.Errorf("%s: same %v, want %v; moved %v, want %v", tc.sql, after.Same(before), tc.same, after.Moved(), tc.moved)
		}
	}
}

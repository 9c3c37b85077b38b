package jobs_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/sandbox/pipedrive"
	"salesbook.dev/jobs"
	"salesbook.dev/mapping"
)

// draft compiles the connection's map with another override.
func (b *bundle) draft(t *testing.T, yaml string) (m *mapping.Map) {
	t.Helper()
	b.in(t, func(tx pgx.Tx) error {
		stored, err := postgres.MapOf(t.Context(), tx, b.ws, b.conn)
		if err != nil {
			return err
		}
		d, err := jobs.Dictionary(t.Context(), tx, b.ws, b.conn)
		if err != nil {
			return err
		}
		stored.Override = yaml
		m, err = jobs.CompileMap("draft", stored, d)
		return err
	})
	return m
}

func TestAPreviewCountsAndShowsWhatWouldChange(t *testing.T) {
	t.Parallel()
	b := setup(t, 60, pipedrive.Options{})
	b.pull(t)
	open := one[int](t, b, `SELECT count(*) FROM deals WHERE status = 'open'`)
	all := one[int](t, b, `SELECT count(*) FROM records WHERE object = 'deals'`)
	people := one[int](t, b, `SELECT count(*) FROM records WHERE object = 'persons'`)
	before := one[string](t, b, `SELECT md5(string_agg(d::text, '' ORDER BY external_id)) FROM deals d`)
	s, err := b.Open(t.Context(), b.ws, b.conn)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, yaml, object string
		want               jobs.PreviewedObject
		check              func(jobs.PreviewedRecord) bool // of the first record shown
	}{
		{"the same map", "", "deals", jobs.PreviewedObject{Object: "deals", Kind: "deals", Sampled: all},
			func(r jobs.PreviewedRecord) bool {
				return r.After["title"] == r.Before["title"] && r.Differences == nil
			}},
		{"a field from elsewhere", "objects: {persons: {fields: {job_title: name}}}", "persons",
			jobs.PreviewedObject{Object: "persons", Kind: "people", Sampled: people, Changed: people},
			func(r jobs.PreviewedRecord) bool {
				return r.Before["job_title"] == nil && r.After["job_title"] == r.After["name"]
			}},
		{"a rule that most do not meet", strictStatus, "deals",
			jobs.PreviewedObject{Object: "deals", Kind: "deals", Sampled: all, Broken: all - open},
			func(r jobs.PreviewedRecord) bool {
				return r.ProblemNow == "" && r.ProblemThen != "" && r.Before != nil && r.After == nil
			}},
		{"an object left out", "objects: {persons: null}", "persons",
			jobs.PreviewedObject{Object: "persons", Kind: "people", Sampled: people, Changed: people},
			func(r jobs.PreviewedRecord) bool { return r.Before["name"] != nil && r.After == nil }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v, err := b.PreviewMap(t.Context(), s, b.draft(t, tt.yaml), jobs.PreviewOptions{Object: tt.object, Show: 3})
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff([]jobs.PreviewedObject{tt.want}, v.Objects); d != "" {
				t.Errorf("counts (-want +got):\n%s", d)
			}
			if len(v.Records) != 3 || !tt.check(v.Records[0]) {
				t.Errorf("records shown: %+v", v.Records)
			}
		})
	}
	_, err = b.PreviewMap(t.Context(), s, s.Map, jobs.PreviewOptions{Object: "invoices"})
	if fault.KindOf(err) != fault.NotFound {
		t.Errorf("an object that there is not: %v, want fault.NotFound", err)
	}
	if after := one[string](t, b, `SELECT md5(string_agg(d::text, '' ORDER BY external_id)) FROM deals d`); after != before {
		t.Error("a preview wrote something")
	}
}

// TestAMendedRecordShowsInThePreview looks from a map that does not fit at one
// that does.
func TestAMendedRecordShowsInThePreview(t *testing.T) {
	t.Parallel()
	b := setup(t, 60, pipedrive.Options{})
	b.override(t, strictStatus)
	b.pull(t)
	s, err := b.Open(t.Context(), b.ws, b.conn)
	if err != nil {
		t.Fatal(err)
	}
	v, err := b.PreviewMap(t.Context(), s, b.draft(t, ""), jobs.PreviewOptions{Object: "deals"})
	if err != nil || len(v.Objects) != 1 {
		t.Fatal(v.Objects, err)
	}
	if want := len(b.failures(t)); v.Objects[0].Mended != want || want == 0 {
		t.Errorf("%d mended, want the %d that were put aside", v.Objects[0].Mended, want)
	}
}

package jobs_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/jobs"
)

func TestAConnectionIsAsProvenAsItsWorstObject(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	mark := func(age time.Duration, unrepaired int64) jobs.Mark {
		at := now.Add(-age)
		return jobs.Mark{AsOf: &at, Unrepaired: unrepaired}
	}
	const day = 24 * time.Hour
	cases := map[string]struct {
		marks []jobs.Mark
		every time.Duration
		want  string
		age   time.Duration // of the oldest; 0: none
	}{
		"nothing to prove":                      {nil, day, jobs.NotProvenYet, 0},
		"all young":                             {[]jobs.Mark{mark(time.Hour, 0), mark(47*time.Hour, 0)}, day, jobs.Proven, 47 * time.Hour},
		"one of twice the interval":             {[]jobs.Mark{mark(time.Hour, 0), mark(2*day, 0)}, day, jobs.ProofTooOld, 2 * day},
		"the interval counts, not a day":        {[]jobs.Mark{mark(3*day, 0)}, 2 * day, jobs.Proven, 3 * day},
		"no plan is the usual plan":             {[]jobs.Mark{mark(49*time.Hour, 0)}, 0, jobs.ProofTooOld, 49 * time.Hour},
		"one never":                             {[]jobs.Mark{mark(time.Hour, 3), {}}, day, jobs.NotProvenYet, 0},
		"one differs":                           {[]jobs.Mark{mark(time.Hour, 0), mark(2*time.Hour, 1)}, day, jobs.ProofDrift, 2 * time.Hour},
		"what differs is worse than an old one": {[]jobs.Mark{mark(9*day, 0), mark(time.Hour, 1)}, day, jobs.ProofDrift, 9 * day},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			state, asOf := jobs.ProofState(tc.marks, tc.every, now)
			if state != tc.want {
				t.Errorf("want %q, got %q", tc.want, state)
			}
			var age time.Duration
			if asOf != nil {
				age = now.Sub(*asOf)
			}
			if d := cmp.Diff(tc.age, age); d != "" {
				t.Errorf("age of the oldest (-want +got):\n%s", d)
			}
		})
	}
}

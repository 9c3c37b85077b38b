package sandbox

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// reopen opens the journal in dir and returns what it replays.
func reopen(t *testing.T, dir string) (*Journal, []string) {
	t.Helper()
	var got []string
	j, err := OpenJournal(dir, func(e []byte) error {
		got = append(got, string(e))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return j, got
}

func add(t *testing.T, j *Journal, entries ...string) {
	t.Helper()
	for _, e := range entries {
		if err := j.Append([]byte(e)); err != nil {
			t.Fatal(err)
		}
	}
}

func closeJournal(t *testing.T, j *Journal) {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

func newestFile(t *testing.T, dir, kind string) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, kind+".*"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no %s in %s: %v", kind, dir, err)
	}
	return names[len(names)-1]
}

func TestJournalReplaysWhatWasAppended(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j, _ := reopen(t, dir)
	add(t, j, "one", "zwei", "три")
	closeJournal(t, j)
	j, got := reopen(t, dir)
	defer closeJournal(t, j)
	if diff := cmp.Diff([]string{"one", "zwei", "три"}, got); diff != "" {
		t.Errorf("replay (-want +got):\n%s", diff)
	}
}

func TestJournalCutsOffATornEnd(t *testing.T) {
	t.Parallel()
	both := []string{"kept", "last"}
	for name, tc := range map[string]struct {
		damage func([]byte) []byte
		want   []string
	}{
		"half an entry":           {func(b []byte) []byte { return b[:len(b)-2] }, both[:1]},
		"half a header":           {func(b []byte) []byte { return append(b, 1, 2, 3) }, both},
		"zeros after a power cut": {func(b []byte) []byte { return append(b, make([]byte, 4096)...) }, both},
		"a flipped bit":           {func(b []byte) []byte { b[len(b)-1] ^= 1; return b }, both[:1]},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			j, _ := reopen(t, dir)
			add(t, j, both...)
			closeJournal(t, j)
			file := newestFile(t, dir, "tail")
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, tc.damage(data), 0o600); err != nil {
				t.Fatal(err)
			}
			j, got := reopen(t, dir)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("replay (-want +got):\n%s", diff)
			}
			if info, err := os.Stat(file); err != nil || info.Size() != int64(len(tc.want)*(frameHeader+4)) {
				t.Errorf("the file is %d bytes long, want the whole entries alone: %v", info.Size(), err)
			}
			add(t, j, "new")
			closeJournal(t, j)
			j, got = reopen(t, dir)
			defer closeJournal(t, j)
			if diff := cmp.Diff(append(slices.Clone(tc.want), "new"), got); diff != "" {
				t.Errorf("replay after an append behind the cut (-want +got):\n%s", diff)
			}
		})
	}
}

func TestJournalCompacts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j, _ := reopen(t, dir)
	add(t, j, "a", "b")
	compact := func(entries ...string) error {
		return j.Compact(func(add func([]byte) error) error {
			for _, e := range entries {
				if err := add([]byte(e)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := compact("state"); err != nil {
		t.Fatal(err)
	}
	add(t, j, "c")
	if err := compact("state with c"); err != nil {
		t.Fatal(err)
	}
	add(t, j, "d")
	closeJournal(t, j)
	j, got := reopen(t, dir)
	defer closeJournal(t, j)
	if diff := cmp.Diff([]string{"state with c", "d"}, got); diff != "" {
		t.Errorf("replay (-want +got):\n%s", diff)
	}
	if files, _ := os.ReadDir(dir); len(files) != 3 {
		t.Errorf("%d files are left, want the lock, one snapshot and one tail", len(files))
	}
}

func TestJournalSurvivesAFailedOrKilledCompaction(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j, _ := reopen(t, dir)
	add(t, j, "a")
	boom := errors.New("boom")
	if err := j.Compact(func(func([]byte) error) error { return boom }); !errors.Is(err, boom) {
		t.Fatalf("Compact returned %v, want the writer's error", err)
	}
	add(t, j, "b")
	closeJournal(t, j)
	// Killed before the rename: half a snapshot lies about.
	if err := os.WriteFile(filepath.Join(dir, "new"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	j, got := reopen(t, dir)
	defer closeJournal(t, j)
	if diff := cmp.Diff([]string{"a", "b"}, got); diff != "" {
		t.Errorf("replay (-want +got):\n%s", diff)
	}
}

func TestJournalKilledBetweenSnapshotAndTail(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j, _ := reopen(t, dir)
	add(t, j, "a")
	if err := j.Compact(func(add func([]byte) error) error { return add([]byte("snap")) }); err != nil {
		t.Fatal(err)
	}
	closeJournal(t, j)
	if err := os.Remove(newestFile(t, dir, "tail")); err != nil {
		t.Fatal(err)
	}
	j, got := reopen(t, dir)
	defer closeJournal(t, j)
	if diff := cmp.Diff([]string{"snap"}, got); diff != "" {
		t.Errorf("replay (-want +got):\n%s", diff)
	}
}

func TestJournalBelongsToOneProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j, _ := reopen(t, dir)
	defer closeJournal(t, j)
	_, err := OpenJournal(dir, func([]byte) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "in use by another process") {
		t.Errorf("second open: %v, want an error that says who holds it", err)
	}
}

func TestJournalGrowsUntilCompactionPays(t *testing.T) {
	t.Parallel()
	j, _ := reopen(t, t.TempDir())
	defer closeJournal(t, j)
	big := string(make([]byte, 1<<20))
	for i := range 17 {
		if i <= 15 && j.Grown() {
			t.Fatalf("asked to compact after %d MB", i)
		}
		add(t, j, big)
	}
	if !j.Grown() {
		t.Error("17 MB without a snapshot must pay to compact")
	}
}

package embedded

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// here is a host that runs as whoever runs the tests.
func here(t *testing.T) host {
	t.Helper()
	who := account{name: "tester", uid: os.Geteuid(), gid: os.Getegid()}
	return host{home: home(t.TempDir()), who: who, log: slog.New(slog.DiscardHandler)}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestAccountForRoot(t *testing.T) {
	t.Parallel()
	mine := t.TempDir()
	self, err := user.Current()
	if err != nil {
		t.Skip("the tests run as a user without a name: ", err)
	}
	known := func(string) (*user.User, error) {
		return &user.User{Username: "alice", Uid: "1234", Gid: "1235"}, nil
	}
	nobody := func(string) (*user.User, error) {
		return &user.User{Username: "nobody", Uid: "65534", Gid: "65534"}, nil
	}
	unknown := func(string) (*user.User, error) { return nil, errors.New("no such user") }
	postgres := func(name string) (*user.User, error) {
		return &user.User{Username: name, Uid: "101", Gid: "102"}, nil
	}
	owned := "/"
	if self.Uid != "0" {
		owned = mine
	}
	for _, c := range []struct {
		name         string
		path         string
		byName, byID func(string) (*user.User, error)
		want, err    string
	}{
		{"root's own directory goes to postgres", "/", postgres, known, "postgres", ""},
		{"a new directory goes to postgres", filepath.Join(mine, "absent"), postgres, known, "postgres", ""},
		{"without postgres it is an error", "/", unknown, known, "", "useradd"},
		{"an owner without a name is passed over", mine, postgres, unknown, "postgres", ""},
		{"nobody is passed over", owned, postgres, nobody, "postgres", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := accountForRoot([]string{c.path}, c.byName, c.byID)
			if got.name != c.want || !strings.Contains(fmt.Sprint(err), c.err) {
				t.Errorf("got %q, %v, want %q, %q", got.name, err, c.want, c.err)
			}
		})
	}
}

func TestOwnerOfTheClusterComesFirst(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if os.Geteuid() == 0 {
		if err := os.Chown(dir, 4321, 4321); err != nil {
			t.Fatal(err)
		}
	}
	got, err := accountForRoot([]string{filepath.Join(dir, "data"), dir}, user.Lookup,
		func(id string) (*user.User, error) { return &user.User{Username: "owner", Uid: id, Gid: id}, nil })
	if err != nil || got.name != "owner" || !got.other {
		t.Errorf("got %+v, %v, want the owner of the directory", got, err)
	}
}

func TestSocketDirectoryInASharedPlace(t *testing.T) {
	t.Parallel()
	h := here(t)
	deep := home(filepath.Join(string(h.home), strings.Repeat("x", 100)))
	if err := os.Mkdir(string(deep), 0o755); err != nil {
		t.Fatal(err)
	}
	dir, err := shortSocketDir(deep)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if again, err := shortSocketDir(deep); err != nil || again != dir {
		t.Errorf("got %s, %v the second time, want %s", again, err, dir)
	}
	// Someone else was there first.
	if err := os.Symlink(string(h.home), dir); err != nil {
		t.Fatal(err)
	}
	if _, err := socketDir(deep, h.who); err == nil || !strings.Contains(err.Error(), "not a directory of user") {
		t.Errorf("got %v, want a link in a shared place refused", err)
	}
	// A copy of the directory, link and all, gets a socket of its own.
	copied := home(filepath.Join(string(h.home), strings.Repeat("y", 100)))
	if err := os.Mkdir(string(copied), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(dir, copied.socketLink()); err != nil {
		t.Fatal(err)
	}
	if other, err := shortSocketDir(copied); err != nil || other == dir {
		t.Errorf("got %s, %v for a copy, want another place than %s", other, err, dir)
	}
}

// TestInterruptedUpgrade stops an upgrade at each step and starts again.
func TestInterruptedUpgrade(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name        string
		dirs        map[string]string // directory -> version in it
		want, keeps string
	}{
		{"before the new cluster was whole", map[string]string{"data": "15", "data.new": "18"}, "15", ""},
		{"before the old one was put aside", map[string]string{"data": "15", "data.upgraded": "18"}, "18", "15"},
		{"before the new one was put in place", map[string]string{"data.old-15": "15", "data.upgraded": "18"}, "18", "15"},
		{"when it was over", map[string]string{"data.old-15": "15", "data": "18"}, "18", "15"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := here(t)
			for dir, version := range c.dirs {
				write(t, filepath.Join(string(h.home), dir, "PG_VERSION"), version+"\n")
			}
			if err := h.finishUpgrade(); err != nil {
				t.Fatal(err)
			}
			got, _ := os.ReadFile(filepath.Join(h.home.data(), "PG_VERSION"))
			kept, _ := os.ReadFile(filepath.Join(h.home.kept(15), "PG_VERSION"))
			if diff := cmp.Diff([]string{c.want, c.keeps}, []string{strings.TrimSpace(string(got)), strings.TrimSpace(string(kept))}); diff != "" {
				t.Errorf("data and data.old-15 (-want +got):\n%s", diff)
			}
			if _, err := os.Stat(h.home.upgraded()); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("data.upgraded is still there (%v)", err)
			}
		})
	}
}

func TestOldLogsAreRemoved(t *testing.T) {
	t.Parallel()
	h := here(t)
	for n := range logsKept + 3 {
		write(t, filepath.Join(h.home.logs(), fmt.Sprintf("postgres-20260101-0000%02d.log", n)), "")
	}
	write(t, filepath.Join(h.home.logs(), "mine.txt"), "")
	if err := h.pruneLogs(); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(h.home.logs())
	if err != nil || len(left) != logsKept+1 {
		t.Fatalf("got %d files, %v, want %d", len(left), err, logsKept+1)
	}
	if got := left[1].Name(); got != "postgres-20260101-000003.log" {
		t.Errorf("the oldest left is %s, want number 3", got)
	}
}

func TestVerifyRefusesAnotherFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "package.tgz")
	write(t, path, "abc")
	// SHA-512 of "abc", FIPS 180-4, example.
	const right = "sha512-3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/uu9RU1EI2Q86A4qmslPpUyknw=="
	if err := verify(path, right); err != nil {
		t.Error(err)
	}
	write(t, path, "abd")
	if err := verify(path, right); err == nil || !strings.Contains(err.Error(), "checksum") {
		t.Errorf("got %v, want the checksum refused", err)
	}
}

func TestArchiveForEachPlatform(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, platform := range [][2]string{{"linux", "amd64"}, {"linux", "arm64"}, {"darwin", "amd64"}, {"darwin", "arm64"}} {
		a, err := archiveFor(platform[0], platform[1])
		if err != nil || seen[a.name] || seen[a.integrity] || len(a.integrity) != len("sha512-")+88 {
			t.Errorf("%v: got %+v, %v, want a package and a checksum of its own", platform, a, err)
		}
		seen[a.name], seen[a.integrity] = true, true
	}
	if _, err := archiveFor("plan9", "386"); err == nil || !strings.Contains(err.Error(), "plan9/386") {
		t.Errorf("got %v, want that there is nothing for plan9/386", err)
	}
}

func TestUnpackStaysInItsDirectory(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		files map[string]string
		err   string
	}{
		{"a tree", map[string]string{"package/native/bin/postgres": "p", "package/README": "r",
			"package/native/pg-symlinks.json": `[{"source":"native/bin/postgres","target":"native/bin/postmaster"}]`}, "<nil>"},
		{"a file above", map[string]string{"package/native/../../../evil": "x"}, "escapes"},
		{"a link to above", map[string]string{"package/native/bin/postgres": "p",
			"package/native/pg-symlinks.json": `[{"source":"native/../../etc/passwd","target":"native/bin/x"}]`}, "another directory"},
		{"no list of links", map[string]string{"package/native/bin/postgres": "p"}, "pg-symlinks.json"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			err := unpack(packed(t, c.files), filepath.Join(dir, "native"))
			if !strings.Contains(fmt.Sprint(err), c.err) {
				t.Fatalf("got %v, want %q", err, c.err)
			}
			if entries, _ := os.ReadDir(dir); len(entries) != 1 {
				t.Errorf("got %v beside the tree", entries)
			}
			if err == nil {
				if text, err := os.ReadFile(filepath.Join(dir, "native", "bin", "postmaster")); err != nil || string(text) != "p" {
					t.Errorf("the link gives %q, %v, want p", text, err)
				}
			}
		})
	}
}

// packed writes files as npm packs them.
func packed(t *testing.T, files map[string]string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "package.tgz")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	zipped := gzip.NewWriter(f)
	archive := tar.NewWriter(zipped)
	for name, text := range files {
		if err := archive.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(archive.Close(), zipped.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

package seal_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/internal/seal"
)

// create makes a key file in a directory of its own.
func create(t *testing.T) (*seal.Keyring, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys", "salesbook.key")
	k, err := seal.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	return k, path
}

func open(t *testing.T, path string) *seal.Keyring {
	t.Helper()
	k, err := seal.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func sealed(t *testing.T, k *seal.Keyring, plain string) []byte {
	t.Helper()
	b, err := k.Seal([]byte(plain), "connection/12")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestSealAndUnseal(t *testing.T) {
	t.Parallel()
	k, path := create(t)
	for _, plain := range []string{"", "токен żółty", strings.Repeat("x", 1<<20)} {
		b := sealed(t, k, plain)
		if plain != "" && bytes.Contains(b, []byte(plain)) {
			t.Error("the sealed value shows the plain one")
		}
		if seal.KeyOf(b) != k.Primary() || k.Primary() == 0 {
			t.Errorf("sealed with key %d, want the primary %d", seal.KeyOf(b), k.Primary())
		}
		got, err := open(t, path).Unseal(b, "connection/12")
		if err != nil || string(got) != plain {
			t.Errorf("unsealed %.20q, %v; want %.20q", got, err, plain)
		}
	}
	if bytes.Equal(sealed(t, k, "same"), sealed(t, k, "same")) {
		t.Error("the same value is sealed the same way twice, which tells that it is the same")
	}
	if _, err := k.Seal([]byte("x"), ""); err == nil {
		t.Error("a value was sealed for no place")
	}
}

func TestWhatDoesNotOpen(t *testing.T) {
	t.Parallel()
	k, _ := create(t)
	other, _ := create(t)
	good := sealed(t, k, "the secret")
	flipped := bytes.Clone(good)
	flipped[len(flipped)-1] ^= 1
	cases := map[string]struct {
		sealed []byte
		ad     string
		want   error
		text   string
	}{
		"moved to another row": {good, "connection/13", seal.ErrDamaged, "connection/13"},
		"a flipped bit":        {flipped, "connection/12", seal.ErrDamaged, "connection/12"},
		"cut off":              {good[:len(good)-3], "connection/12", seal.ErrDamaged, "damaged"},
		"empty":                {nil, "connection/12", seal.ErrDamaged, "damaged"},
		"never sealed":         {[]byte("plain text"), "connection/12", seal.ErrDamaged, "damaged"},
		"another key file":     {sealed(t, other, "x"), "connection/12", seal.ErrWrongKey, "SALESBOOK_KEY_FILE"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := k.Unseal(tc.sealed, tc.ad)
			if !errors.Is(err, tc.want) || got != nil || !strings.Contains(err.Error(), tc.text) {
				t.Errorf("unsealed %q, error %v; want %v that mentions %q", got, err, tc.want, tc.text)
			}
		})
	}
}

func TestRotateKeepsAndDropForgets(t *testing.T) {
	t.Parallel()
	k, path := create(t)
	before := sealed(t, k, "old")
	first := k.Primary()
	if err := k.Rotate(); err != nil {
		t.Fatal(err)
	}
	if k.Primary() == first || seal.KeyOf(sealed(t, k, "new")) != k.Primary() {
		t.Error("after a rotation the new key does not seal")
	}
	for _, ring := range []*seal.Keyring{k, open(t, path)} {
		if plain, err := ring.Unseal(before, "connection/12"); err != nil || string(plain) != "old" {
			t.Errorf("what the old key sealed: %q, %v", plain, err)
		}
	}
	if err := k.Drop(k.Primary()); err == nil || !strings.Contains(err.Error(), "rotate first") {
		t.Errorf("dropping the primary key: %v, want a refusal", err)
	}
	if err := k.Drop(first); err != nil {
		t.Fatal(err)
	}
	if err := k.Drop(first); err == nil || !strings.Contains(err.Error(), "there is no key") {
		t.Errorf("dropping it twice: %v, want a refusal", err)
	}
	if _, err := k.Unseal(before, "connection/12"); !errors.Is(err, seal.ErrWrongKey) {
		t.Errorf("what the dropped key sealed: %v, want ErrWrongKey", err)
	}
}

func TestARingFollowsOtherProcesses(t *testing.T) {
	t.Parallel()
	mine, path := create(t)
	theirs := open(t, path)
	first := mine.Primary()
	if err := theirs.Rotate(); err != nil {
		t.Fatal(err)
	}
	if plain, err := mine.Unseal(sealed(t, theirs, "by the new key"), "connection/12"); err != nil || string(plain) != "by the new key" {
		t.Errorf("a value sealed after their rotation: %q, %v", plain, err)
	}
	if err := theirs.Rotate(); err != nil {
		t.Fatal(err)
	}
	if err := theirs.Drop(first); err != nil {
		t.Fatal(err)
	}
	if got, want := seal.KeyOf(sealed(t, mine, "x")), theirs.Primary(); got != want {
		t.Errorf("sealed with key %d after their rotation, want %d: an old key may be dropped at any time", got, want)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := mine.Seal([]byte("x"), "connection/12"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("sealing without the file: %v, want fs.ErrNotExist", err)
	}
	if err := mine.Rotate(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("rotating without the file: %v, want fs.ErrNotExist", err)
	}
}

func TestCreateNeverReplaces(t *testing.T) {
	t.Parallel()
	k, path := create(t)
	if _, err := seal.Create(path); !errors.Is(err, fs.ErrExist) {
		t.Errorf("error = %v, want fs.ErrExist", err)
	}
	if open(t, path).Primary() != k.Primary() {
		t.Error("the key file was replaced")
	}
}

func TestKeyFilesThatAreRefused(t *testing.T) {
	t.Parallel()
	_, path := create(t)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		content string
		mode    fs.FileMode
		text    string
	}{
		"readable by the group":  {string(good), 0o640, "chmod 600"},
		"writable by all":        {string(good), 0o602, "chmod 600"},
		"empty":                  {"", 0o600, "damaged"},
		"cut off":                {string(good[:len(good)/2]), 0o600, "damaged"},
		"a key of another kind":  {strings.Replace(string(good), "AesGcmKey", "AesSivKey", 1), 0o600, "damaged"},
		"broken inside the keys": {strings.Replace(string(good), `"value":"`, `"value":"!`, 1), 0o600, "damaged"},
		"without a quote":        {strings.Replace(string(good), `"value":"`, `"value":`, 1), 0o600, "damaged"}, // the parser quotes the key
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "salesbook.key")
			if err := os.WriteFile(file, []byte(tc.content), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(file, tc.mode); err != nil { // past the umask
				t.Fatal(err)
			}
			_, err := seal.OpenOrCreate(file)
			if err == nil || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), tc.text) {
				t.Fatalf("error = %v, want one that names the file and says %q", err, tc.text)
			}
			if key := material(t, string(good)); strings.Contains(err.Error(), key[:8]) {
				t.Errorf("the error shows key material: %v", err)
			}
			if now, _ := os.ReadFile(file); string(now) != tc.content {
				t.Error("the refused file was changed")
			}
		})
	}
	if _, err := seal.Open(t.TempDir()); err == nil || !strings.Contains(err.Error(), "is not a file") {
		t.Errorf("a directory: %v", err)
	}
}

// material is the key in a key file, as written there.
func material(t *testing.T, file string) string {
	t.Helper()
	_, after, ok := strings.Cut(file, `"value":"`)
	if !ok {
		t.Fatal("the key file has no key where the test looks for it")
	}
	key, _, _ := strings.Cut(after, `"`)
	return key
}

func TestTheFileOnDisk(t *testing.T) {
	t.Parallel()
	k, path := create(t)
	link := filepath.Join(t.TempDir(), "link.key")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if err := open(t, link).Rotate(); err != nil {
		t.Fatal(err)
	}
	if sealed(t, k, "x"); k.Primary() != open(t, path).Primary() {
		t.Error("rotating through a link did not reach the file")
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("the link became %v, %v", info, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v, %v; want mode 0600", info, err)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if diff := cmp.Diff([]string{"salesbook.key", "salesbook.key.lock"}, names); diff != "" {
		t.Errorf("left in the directory (-want +got):\n%s", diff)
	}
}

func TestKeyOfWhatIsNotSealed(t *testing.T) {
	t.Parallel()
	for _, b := range [][]byte{nil, {1, 2, 3, 4}, {2, 0, 0, 0, 7, 9}} {
		if id := seal.KeyOf(b); id != 0 {
			t.Errorf("key of %v = %d, want 0", b, id)
		}
	}
}

package sandbox_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"salesbook.dev/internal/sandbox"
)

// FuzzParseFault: a fault is understood or refused in a line of bounded length
// that names it.
func FuzzParseFault(f *testing.F) {
	for _, spec := range []string{"ties", "429:p=0.5", "slow:ms=20,n=3", "status:status=502", "x", "429:p=NaN", "429:p=1e400", "ties:n=-1", "ties:n=99999999999999999999", ":", "=", "ties:p=0.1,p=0.2"} {
		f.Add(spec)
	}
	f.Fuzz(func(t *testing.T, spec string) {
		got, err := sandbox.ParseFault(spec)
		if err != nil {
			if text := err.Error(); text == "" || len(text) > 600+6*len(spec) || !utf8.ValidString(text) {
				t.Errorf("error %q", text)
			}
			return
		}
		if !(got.P >= 0 && got.P <= 1) || got.N < 0 {
			t.Errorf("%q is understood as %+v", spec, got)
		}
	})
}

// FuzzJournal opens a journal whose files hold anything: what is whole is kept,
// what is appended behind it is there after the next opening.
func FuzzJournal(f *testing.F) {
	f.Add([]byte{}, []byte{}, []byte("entry"))
	f.Add([]byte("\x01\x00\x00\x00\x43\xbe\xb7\xe8a"), []byte("\x01\x00\x00\x00\x43\xbe\xb7\xe8a\x05"), []byte("b"))
	f.Add([]byte("\xff\xff\xff\xff\x00\x00\x00\x00"), []byte("\x00\x00\x00\x40\x00\x00\x00\x00x"), []byte("\x00"))
	f.Fuzz(func(t *testing.T, snapshot, tail, entry []byte) {
		if len(entry) == 0 {
			return
		}
		dir := t.TempDir()
		for name, data := range map[string][]byte{"snapshot.00000001": snapshot, "tail.00000001": tail} {
			if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		before := reopen(t, dir, entry)
		after := reopen(t, dir, entry)
		if want := append(before, entry); !equalEntries(want, after) {
			t.Errorf("%q, then %q; want one entry %q more", before, after, entry)
		}
	})
}

// reopen returns what a journal holds and appends an entry.
func reopen(t *testing.T, dir string, entry []byte) (held [][]byte) {
	t.Helper()
	j, err := sandbox.OpenJournal(dir, func(e []byte) error { held = append(held, bytes.Clone(e)); return nil })
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Append(entry); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return held
}

func equalEntries(a, b [][]byte) bool {
	return strings.Join(quoted(a), ",") == strings.Join(quoted(b), ",")
}

func quoted(entries [][]byte) []string {
	out := make([]string, len(entries))
	for i, e := range entries {
		out[i] = string(e) + "\x00" + string(rune(len(e)))
	}
	return out
}

// Package clienttest installs vendors' official client libraries for tests, which
// read from a simulator by them as from the vendor.
package clienttest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Install installs the pinned library of a vendor, with the proof that uses it
// (test/clients), into a directory of the test. Where it cannot be had the test is
// skipped, and fails with SALESBOOK_REQUIRE_CLIENTS=1.
func Install(t *testing.T, vendor string) (dir string) {
	t.Helper()
	give := t.Skipf
	if os.Getenv("SALESBOOK_REQUIRE_CLIENTS") == "1" {
		give = t.Fatalf
	}
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			give("the proof with the official client needs %s: %v", tool, err)
		}
	}
	dir, source := t.TempDir(), filepath.Join("..", "..", "..", "test", "clients", vendor)
	for _, name := range []string{"package.json", "package-lock.json", "proof.mjs", ".npmrc"} {
		data, err := os.ReadFile(filepath.Join(source, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--prefer-offline")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		give("the official client could not be installed: %v\n%s", err, out)
	}
	return dir
}

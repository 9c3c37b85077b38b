package seal_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"salesbook.dev/internal/seal"
)

// processes run at once in the tests below.
const processes = 6

// TestMain lets the test binary be one of several processes that work on one
// key file.
func TestMain(m *testing.M) {
	if path := os.Getenv("SEAL_TEST_FILE"); path != "" {
		if err := other(path, os.Getenv("SEAL_TEST_DO")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// other is what the other processes do: it waits for the starting signal, the
// end of its input, so that all begin together.
func other(path, do string) error {
	if _, err := os.Stdin.Read(make([]byte, 1)); err == nil {
		return fmt.Errorf("unexpected input")
	}
	k, err := seal.OpenOrCreate(path)
	if err != nil {
		return err
	}
	if do == "rotate" {
		if err := k.Rotate(); err != nil {
			return err
		}
	}
	b, err := k.Seal([]byte("from another process"), "connection/12")
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(b)
	return err
}

// race starts the processes, lets them go at once and returns what each sealed.
func race(t *testing.T, path, do string) []string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	started := make([]*exec.Cmd, processes)
	outputs := make([]strings.Builder, processes)
	gate, open, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	for i := range started {
		c := exec.CommandContext(t.Context(), self)
		c.Env = append(os.Environ(), "SEAL_TEST_FILE="+path, "SEAL_TEST_DO="+do)
		c.Stdin, c.Stdout, c.Stderr = gate, &outputs[i], os.Stderr
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		started[i] = c
	}
	gate.Close()
	open.Close() // the starting signal
	all := make([]string, processes)
	for i, c := range started {
		if err := c.Wait(); err != nil {
			t.Errorf("process %d: %v", i, err)
		}
		all[i] = outputs[i].String()
	}
	return all
}

func TestProcessesAtOnce(t *testing.T) {
	t.Parallel()
	for do, keys := range map[string]int{"create": 1, "rotate": 1 + processes} {
		t.Run(do, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "salesbook.key")
			all := race(t, path, do)
			k := open(t, path)
			for i, b := range all {
				if plain, err := k.Unseal([]byte(b), "connection/12"); err != nil || string(plain) != "from another process" {
					t.Errorf("what process %d sealed: %q, %v", i, plain, err)
				}
			}
			if got := len(k.IDs()); got != keys {
				t.Errorf("%d keys in the file, want %d", got, keys)
			}
		})
	}
}

func TestRootKeepsTheOwnerOfTheFile(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root may give a file to somebody else")
	}
	k, path := create(t)
	const service = 12345
	if err := os.Chown(path, service, service); err != nil {
		t.Fatal(err)
	}
	if err := k.Rotate(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, path + ".lock"} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Sys().(*syscall.Stat_t).Uid; got != service {
			t.Errorf("after a rotation by root %s belongs to %d, want %d: the service could not read it", filepath.Base(name), got, service)
		}
	}
}

package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"syscall"
)

// host is where servers run: a directory, and the account they run as.
type host struct {
	home home
	who  account
	log  *slog.Logger
}

func newHost(cfg Config) (host, error) {
	h, err := openHome(cfg.Dir)
	if err != nil {
		return host{}, err
	}
	who, err := accountFor(h)
	if err != nil {
		return host{}, err
	}
	log := cfg.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return host{home: h, who: who, log: log.With("dir", string(h))}, nil
}

// credential is what a child needs to run as the account; nil: nothing.
func (a account) credential() *syscall.Credential {
	if !a.other {
		return nil
	}
	return &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}
}

// command prepares a program of PostgreSQL's to run as the account. inherit is
// the server's lock, nil where none is needed. onDeath is sent when we die.
func (h host) command(ctx context.Context, inherit *os.File, onDeath syscall.Signal, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = string(h.home)
	cmd.Env = environment()
	cmd.SysProcAttr = processAttributes(h.who, onDeath)
	if inherit != nil {
		cmd.ExtraFiles = []*os.File{inherit}
	}
	return cmd
}

// environment is what the programs see of ours: none of the PG* variables that
// would lead them to another server, and English messages, which we read.
func environment() []string {
	env := []string{"LC_ALL=C", "TZ=UTC"}
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// explain turns the failure to run one of PostgreSQL's programs, and what it
// printed, into an error that says what to do.
func (h host) explain(what, program string, err error, output string) error {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return h.explainClosed(what, program, err)
	case isDiskFull(err, output):
		return fmt.Errorf("%s: the disk of %s is full: free some space (a new database takes about 50 MB) and start again: %s", what, h.home, output)
	case output == "":
		return fmt.Errorf("%s: %w", what, err)
	default:
		return fmt.Errorf("%s: %w: %s", what, err, output)
	}
}

func (h host) explainClosed(what, program string, err error) error {
	for _, path := range []string{string(h.home), program} {
		if dir := h.who.closedTo(path); dir != "" {
			return fmt.Errorf("%s: user %s, who runs PostgreSQL, may not enter %s: choose another data directory with --data (for root: /var/lib/salesbook), or chmod a+x %s",
				what, h.who.name, dir, dir)
		}
	}
	return fmt.Errorf("%s: user %s, who runs PostgreSQL, may not run %s in %s: %w", what, h.who.name, program, h.home, err)
}

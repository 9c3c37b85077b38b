package embedded

import (
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// processAttributes puts a child into a process group of its own, so that the
// terminal's Ctrl-C reaches only us and we stop the server after our own work
// has ended, and has the kernel send it the signal when the thread that started
// it dies. The caller therefore has to stay on one thread.
func processAttributes(who account, onDeath syscall.Signal) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: onDeath, Credential: who.credential()}
}

// endLeftovers ends what is left of the last server. Its owner is dead, so the
// postmaster should be shutting down and is asked once more, which does no harm.
// After a postmaster that was killed hard, a backend deep in a computation may
// live on: it notices the death only when it next waits, and is killed here.
func endLeftovers(data string) error {
	pids := processesIn(data)
	if postmaster, err := postmasterPID(data); err == nil {
		if _, living := pids[postmaster]; living {
			return send(postmaster, syscall.SIGINT)
		}
	}
	for pid := range pids {
		if err := send(pid, syscall.SIGKILL); err != nil {
			return err
		}
	}
	return nil
}

// processesIn returns the processes whose working directory is dir, which all
// of a server's are.
func processesIn(dir string) map[int]struct{} {
	pids := make(map[int]struct{})
	links, _ := filepath.Glob("/proc/[0-9]*/cwd")
	for _, link := range links {
		if cwd, err := os.Readlink(link); err != nil || cwd != dir {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(link))); err == nil {
			pids[pid] = struct{}{}
		}
	}
	return pids
}

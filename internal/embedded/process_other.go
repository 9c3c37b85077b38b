//go:build unix && !linux

package embedded

import "syscall"

// processAttributes puts a child into a process group of its own, so that the
// terminal's Ctrl-C reaches only us and we stop the server after our own work
// has ended. There is no signal at the parent's death here: endLeftovers does
// what is needed when the next process starts.
func processAttributes(who account, _ syscall.Signal) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Credential: who.credential()}
}

// endLeftovers asks the postmaster of an owner that died to shut down.
func endLeftovers(data string) error {
	pid, err := postmasterPID(data)
	if err != nil {
		return nil // without its file the server has ended, or has yet to begin
	}
	return send(pid, syscall.SIGINT)
}

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// process is a child whose memory and processor time are watched.
type process struct {
	cmd    *exec.Cmd
	out    bytes.Buffer
	errs   bytes.Buffer
	exited chan struct{}
	err    error
	peak   atomic.Int64 // kB of resident memory
}

// start starts a program with more environment.
func start(ctx context.Context, env []string, name string, args ...string) (*process, error) {
	p := &process{cmd: exec.CommandContext(ctx, name, args...), exited: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.errs
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(syscall.SIGTERM) }
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go p.watch()
	go func() {
		p.err = p.cmd.Wait()
		close(p.exited)
	}()
	return p, nil
}

// watch notes the peak of resident memory as the kernel counts it for this
// process alone; what wait4 tells includes the parent's before exec.
func (p *process) watch() {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
		if _, rest, ok := strings.Cut(string(text), "VmHWM:"); ok {
			if kb, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64); err == nil {
				p.peak.Store(max(p.peak.Load(), kb))
			}
		}
		select {
		case <-p.exited:
			return
		case <-tick.C:
		}
	}
}

// wait waits for the end and returns what was printed.
func (p *process) wait() ([]byte, error) {
	<-p.exited
	if p.err != nil {
		return nil, fmt.Errorf("%s: %w\n%s%s", strings.Join(p.cmd.Args, " "), p.err, p.out.Bytes(), p.errs.Bytes())
	}
	return p.out.Bytes(), nil
}

// stop ends the process and waits for it.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	<-p.exited
}

// spent is the processor time of a process that has ended.
func (p *process) spent() time.Duration {
	return p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
}

// tick is the kernel's unit of times in /proc.
const tick = 10 * time.Millisecond

// stat reads what /proc tells of a process: its parent, its own processor time,
// and that of its children that have ended.
func stat(pid int) (parent int, own, children time.Duration, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0, 0, err
	}
	_, rest, _ := bytes.Cut(text[bytes.LastIndexByte(text, ')'):], []byte(" "))
	f := strings.Fields(string(rest))
	if len(f) < 15 {
		return 0, 0, 0, errors.New("unreadable /proc")
	}
	var n [15]int
	for i := range n {
		n[i], _ = strconv.Atoi(f[i])
	}
	return n[1], time.Duration(n[11]+n[12]) * tick, time.Duration(n[13]+n[14]) * tick, nil
}

// treeTime is the processor time of a server and all that it ever started.
func treeTime(server int) time.Duration {
	_, own, children, err := stat(server)
	if err != nil {
		return 0
	}
	sum := own + children
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		pid, _ := strconv.Atoi(filepath.Base(dir))
		if parent, own, _, err := stat(pid); err == nil && parent == server {
			sum += own
		}
	}
	return sum
}

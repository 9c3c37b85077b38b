package embedded

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
)

const (
	logPattern = "postgres-%Y%m%d-%H%M%S.log"
	logGlob    = "postgres-*.log"

	// logsKept of at most 10 MB each stay.
	logsKept = 20
)

// lastWords returns why the server gave up: the last severe lines of its log,
// or of what it wrote before its log began.
func (h host) lastWords() string {
	for _, path := range []string{h.newestLog(), h.home.startupLog()} {
		if text, err := tail(path, 8<<10); err == nil {
			if severe := complaint(text); severe != "" {
				return severe
			}
		}
	}
	return "see " + h.home.startupLog() + " and " + h.home.logs()
}

// newestLog is a log that is not older than the last start.
func (h host) newestLog() string {
	logs, _ := filepath.Glob(filepath.Join(h.home.logs(), logGlob))
	started, err := os.Stat(h.home.startupLog())
	if err != nil || len(logs) == 0 {
		return ""
	}
	newest := slices.Max(logs)
	if info, err := os.Stat(newest); err != nil || info.ModTime().Before(started.ModTime()) {
		return ""
	}
	return newest
}

func tail(path string, size int64) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(io.NewSectionReader(f, max(0, info.Size()-size), size))
	return string(text), err
}

// complaint picks the lines that say what went wrong out of a program's output.
func complaint(output string) string {
	severe := regexp.MustCompile(`(FATAL|PANIC|HINT|DETAIL|error):`)
	var lines []string
	for line := range strings.Lines(output) {
		if severe.MatchString(line) {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return strings.Join(lines[max(0, len(lines)-4):], "; ")
}

func isDiskFull(err error, output string) bool {
	return errors.Is(err, syscall.ENOSPC) || strings.Contains(output, "No space left on device")
}

// pruneLogs removes the oldest logs. os.Root: the log's directory belongs to
// the account, and root must not be led out of it.
func (h host) pruneLogs() (err error) {
	root, err := os.OpenRoot(h.home.logs())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	logs, err := filepath.Glob(filepath.Join(h.home.logs(), logGlob))
	if err != nil {
		return err
	}
	slices.Sort(logs)
	for _, path := range logs[:max(0, len(logs)-logsKept)] {
		if err := root.Remove(filepath.Base(path)); err != nil {
			return err
		}
	}
	return nil
}

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
// or else what it wrote before its log began.
func (h host) lastWords() string {
	logged, _ := tail(h.newestLog(), 8<<10)
	if severe := complaint(logged); severe != "" {
		return severe
	}
	early, _ := tail(h.home.startupLog(), 8<<10)
	if severe := complaint(early); severe != "" {
		return severe
	}
	if plain := join(early, func(line string) bool { return !strings.Contains(line, "LOG:") && !strings.Contains(line, "HINT:") }); plain != "" {
		return plain
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
	return join(output, regexp.MustCompile(`(FATAL|PANIC|DETAIL|error):`).MatchString)
}

// join puts the last few of the lines that are wanted into one.
func join(output string, wanted func(line string) bool) string {
	var lines []string
	for line := range strings.Lines(output) {
		if line = strings.TrimSpace(line); line != "" && wanted(line) {
			lines = append(lines, line)
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

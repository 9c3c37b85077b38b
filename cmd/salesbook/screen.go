package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/term"
)

// screen shows something that changes: on a terminal it draws over what it
// drew before, elsewhere it prints a summary now and then.
type screen struct {
	w     io.Writer
	width int // 0: no terminal
	most  int // lines that fit
	drawn int // lines of the last drawing
	next  time.Time
}

// How often a screen is worth drawing, and how often a log wants a line.
const (
	redrawEvery  = 250 * time.Millisecond
	summaryEvery = 5 * time.Second
)

func newScreen(w io.Writer) *screen {
	s := &screen{w: w}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		s.width, s.most = 80, 23
		if width, height, err := term.GetSize(int(f.Fd())); err == nil && width > 20 && height > 2 {
			s.width, s.most = width, height-1
		}
	}
	return s
}

// terminal tells whether anybody watches the drawing.
func (s *screen) terminal() bool { return s.width > 0 }

// fit puts lines that must be seen above others, of which as many are shown as
// there is room for.
func (s *screen) fit(others, must []string) []string {
	if len(must) == 0 {
		return others
	}
	if room := max(0, s.most-len(must)-1); s.terminal() && len(others) > room {
		others = others[:room]
	}
	return append(append(slices.Clone(must), ""), others...)
}

// draw shows lines on a terminal in place of the last ones; elsewhere it
// prints the summary, at most once in summaryEvery.
func (s *screen) draw(now time.Time, lines []string, summary string) {
	if !s.terminal() {
		if s.next.IsZero() {
			s.next = now.Add(summaryEvery) // short work needs no lines at all
		}
		if summary != "" && !now.Before(s.next) {
			fmt.Fprintln(s.w, summary)
			s.next = now.Add(summaryEvery)
		}
		return
	}
	lines = lines[max(0, len(lines)-s.most):] // the end tells most
	var b strings.Builder
	s.rewind(&b)
	for _, line := range lines {
		b.WriteString(cut(line, s.width-1) + "\x1b[K\n")
	}
	b.WriteString("\x1b[J")
	s.drawn = len(lines)
	_, _ = io.WriteString(s.w, b.String()) // nobody is left to tell
}

func (s *screen) rewind(b *strings.Builder) {
	if s.drawn > 0 {
		fmt.Fprintf(b, "\x1b[%dA\r", s.drawn)
	}
}

// clear removes the drawing, so that what follows stands in its place.
func (s *screen) clear() {
	if s.drawn == 0 {
		return
	}
	var b strings.Builder
	s.rewind(&b)
	b.WriteString("\x1b[J")
	s.drawn = 0
	_, _ = io.WriteString(s.w, b.String()) // nobody is left to tell
}

// cut keeps a line from wrapping, which would break the drawing.
func cut(line string, width int) string {
	r := []rune(line)
	if len(r) <= width {
		return line
	}
	return string(r[:width])
}

// telling says on standard error what is going on, if it goes on for more than
// a second. Call what it returns when it is over.
func (g *globals) telling(what string) (over func()) {
	t := time.AfterFunc(time.Second, func() { fmt.Fprintln(g.stderr, what+" ...") })
	return func() { t.Stop() }
}

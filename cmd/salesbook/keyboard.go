package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"
)

// keyboard reads lines that a person types, or that stand in a pipe.
type keyboard struct {
	in  *bufio.Reader
	out io.Writer
	fd  int // the terminal; negative: it is none
}

// keyboard is the one for standard input: what it has read ahead belongs to the
// next question.
func (g *globals) keyboard() *keyboard {
	if g.keys == nil {
		g.keys = &keyboard{in: bufio.NewReader(g.stdin), out: g.stderr, fd: -1}
		if g.interactive() {
			g.keys.fd = int(g.stdin.(*os.File).Fd())
		}
	}
	return g.keys
}

// line asks and returns the next line. The end of the input (Ctrl-D) is io.EOF, the
// end of ctx (Ctrl-C) its error, at once.
func (k *keyboard) line(ctx context.Context, question string) (string, error) {
	fmt.Fprint(k.out, question)
	text, err := k.wait(ctx)
	if err != nil && k.fd >= 0 {
		fmt.Fprintln(k.out) // neither Ctrl-C nor Ctrl-D ends the line
	}
	return text, err
}

// hidden is line without showing what is typed, from before the question on: somebody
// may be quick to paste.
func (k *keyboard) hidden(ctx context.Context, question string) (string, error) {
	if k.fd < 0 {
		return k.line(ctx, question)
	}
	shown, err := term.GetState(k.fd)
	if err != nil {
		return "", err
	}
	if err := silence(k.fd); err != nil {
		return "", fmt.Errorf("the terminal goes on showing what is typed: %w", err)
	}
	fmt.Fprint(k.out, question)
	text, err := k.wait(ctx)
	fmt.Fprintln(k.out) // the end of the line was not shown either
	return text, errors.Join(err, term.Restore(k.fd, shown))
}

// wait reads a line for as long as ctx lasts. A terminal cannot be read with an end,
// so what is left reading then ends with the process.
func (k *keyboard) wait(ctx context.Context) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	type read struct {
		text string
		err  error
	}
	done := make(chan read, 1)
	go func() {
		text, err := k.in.ReadString('\n')
		done <- read{text, err}
	}()
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case r := <-done:
		if errors.Is(r.err, io.EOF) && r.text != "" && k.fd < 0 {
			return r.text, nil // a file need not end its last line
		}
		return r.text, r.err
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// errDeclined ends a command that was not confirmed.
var errDeclined = errors.New("nothing was done")

// confirm asks a yes-or-no question on the terminal. Without one, somebody who
// cannot answer must have said yes beforehand.
func (g *globals) confirm(ctx context.Context, yes bool, question string) error {
	if yes {
		return nil
	}
	if !g.interactive() {
		return fmt.Errorf("%s There is no terminal to ask on: add --yes if you are sure", question)
	}
	line, err := g.keyboard().line(ctx, question+" [y/N] ")
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	switch strings.ToLower(strings.TrimSpace(line)) {
	case "y", "yes":
		return nil
	}
	return errDeclined
}

// interactive tells whether a person can answer a question.
func (g *globals) interactive() bool {
	f, ok := g.stdin.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// actor names who runs the command, for the audit.
func actor() string {
	for _, name := range []string{"SUDO_USER", "USER", "LOGNAME"} {
		if who := os.Getenv(name); who != "" {
			return who
		}
	}
	return fmt.Sprintf("uid %d", os.Getuid())
}

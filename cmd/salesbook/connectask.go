package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/oauth2"
	"golang.org/x/term"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
)

// errUnanswered ends the questions when there is nobody to answer.
var errUnanswered = errors.New("nothing was connected: the questions were not answered to the end")

// guide leads an admin through connecting an account.
type guide struct {
	in     *bufio.Reader
	out    io.Writer
	hidden func() (string, error) // reads a line without showing it
}

func (g *globals) guide() *guide {
	fd := int(g.stdin.(*os.File).Fd())
	return &guide{in: bufio.NewReader(g.stdin), out: g.stderr, hidden: func() (string, error) {
		text, err := term.ReadPassword(fd)
		fmt.Fprintln(g.stderr)
		return string(text), err
	}}
}

// led tells whether questions lead through connecting: at a terminal, to who has
// given nothing of what the vendor's ways ask for.
func (c *connectCmd) led(g *globals, spec connectors.Spec) bool {
	if !g.interactive() || g.JSON || len(c.Secret) > 0 {
		return false
	}
	for _, w := range spec.Ways {
		for _, name := range w.Asks {
			if _, given := c.Set[name]; given {
				return false
			}
		}
	}
	return len(spec.Ways) > 0
}

// choose asks for the way and for what it needs.
func (q *guide) choose(spec connectors.Spec, cfg connectors.Config, callback string) (connectors.Way, error) {
	var titles []connectors.Choice
	for i, w := range spec.Ways {
		titles = append(titles, connectors.Choice{Value: strconv.Itoa(i + 1), Help: w.Title})
	}
	picked, err := q.pick("How is salesbook to get access to "+spec.Title+"?", titles)
	if err != nil {
		return connectors.Way{}, err
	}
	n, err := strconv.Atoi(picked)
	if err != nil {
		return connectors.Way{}, err
	}
	way := spec.Ways[n-1]
	for _, name := range way.First {
		if _, given := cfg.Settings[name]; given {
			continue
		}
		if err := q.field(spec, cfg, name); err != nil {
			return way, err
		}
	}
	fmt.Fprintln(q.out)
	for i, step := range way.Steps(cfg.Settings, callback) {
		fmt.Fprintf(q.out, "%2d. %s\n", i+1, strings.ReplaceAll(step, "\n", "\n    "))
	}
	fmt.Fprintln(q.out)
	for _, name := range way.Asks {
		if err := q.field(spec, cfg, name); err != nil {
			return way, err
		}
	}
	return way, nil
}

// field asks for one setting or secret.
func (q *guide) field(spec connectors.Spec, cfg connectors.Config, name string) error {
	i := slices.IndexFunc(spec.Fields, func(f connectors.Field) bool { return f.Name == name })
	if i < 0 {
		return fmt.Errorf("%s declares no field %q to ask for", spec.Name, name)
	}
	switch f := spec.Fields[i]; {
	case len(f.Choices) > 0:
		value, err := q.pick(f.Help, f.Choices)
		cfg.Settings[name] = value
		return err
	case f.Secret:
		value, err := q.secret(name)
		cfg.Secrets[name] = value
		return err
	default:
		value, err := q.line(name + ": ")
		cfg.Settings[name] = value
		return err
	}
}

// pick asks for one of a few values, by its number or itself; the first is taken
// if nothing is said.
func (q *guide) pick(question string, all []connectors.Choice) (string, error) {
	fmt.Fprintln(q.out, question)
	names, width := make([]string, len(all)), 0
	for i, c := range all {
		if names[i] = strconv.Itoa(i + 1); names[i] != c.Value {
			names[i] += "  " + c.Value
		}
		width = max(width, len(names[i]))
	}
	for i, c := range all {
		fmt.Fprintf(q.out, "  %-*s  %s\n", width, names[i], c.Help)
	}
	for {
		fmt.Fprintf(q.out, "Which one? [%s] ", all[0].Value)
		said, err := q.said()
		if err != nil {
			return "", err
		}
		if said == "" {
			return all[0].Value, nil
		}
		for i, c := range all {
			if strings.EqualFold(said, c.Value) || said == strconv.Itoa(i+1) {
				return c.Value, nil
			}
		}
		fmt.Fprintln(q.out, "That is none of them.")
	}
}

// line asks until something is said.
func (q *guide) line(question string) (string, error) {
	for {
		fmt.Fprint(q.out, question)
		if said, err := q.said(); err != nil || said != "" {
			return said, err
		}
	}
}

// secret asks until something is said, and does not show it.
func (q *guide) secret(name string) (string, error) {
	for {
		fmt.Fprintf(q.out, "%s (is not shown): ", name)
		text, err := q.hidden()
		if err != nil {
			return "", unanswered(err)
		}
		if text = strings.TrimSpace(text); text != "" {
			return text, nil
		}
	}
}

func (q *guide) said() (string, error) {
	line, err := q.in.ReadString('\n')
	if err != nil {
		return "", unanswered(err)
	}
	return strings.TrimSpace(line), nil
}

// unanswered is the end of the input.
func unanswered(err error) error {
	if errors.Is(err, io.EOF) {
		return errUnanswered
	}
	return err
}

// codeTries is how many codes are asked for: they end within minutes, so that the
// first may have come too late.
const codeTries = 3

// trade asks for a grant code that was made by hand and trades it for tokens.
func (q *guide) trade(ctx context.Context, spec connectors.Spec, cfg connectors.Config) (*oauth2.Token, error) {
	for try := 1; ; try++ {
		code, err := q.secret("code")
		if err != nil {
			return nil, err
		}
		token, err := exchange(ctx, spec, spec.OAuth(cfg), code)
		if err == nil && token.RefreshToken == "" {
			err = fault.New(fault.Auth, "%s gave no refresh token for this code, so that the access would end within the hour; make another code", spec.Title)
		}
		if err == nil {
			return token, settle(spec, cfg, toldWith(token))
		}
		if fault.KindOf(err) != fault.Auth || try == codeTries {
			return nil, err
		}
		fmt.Fprintf(q.out, "\n%v\nIf the code had ended, make another one and paste it; Ctrl-D ends the questions.\n", err)
	}
}

// remote asks whether the browser can reach this machine.
func (q *guide) remote() (bool, error) {
	picked, err := q.pick("Where is the browser in which you will allow it?", []connectors.Choice{
		{Value: "here", Help: "on this machine"}, {Value: "elsewhere", Help: "on another one: you will copy the address at which it ends up"},
	})
	return picked == "elsewhere", err
}

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/oauth2"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
	"salesbook.dev/jobs"
)

// errUnanswered ends the questions when there is nobody to answer.
var errUnanswered = errors.New("nothing was connected: the questions were not answered to the end")

// guide leads an admin through connecting an account.
type guide struct {
	keys *keyboard
	out  io.Writer
}

func (g *globals) guide() *guide { return &guide{keys: g.keyboard(), out: g.stderr} }

// led tells whether questions lead through connecting: at a terminal, to who has
// given nothing of what the vendor's ways ask for. Who names what is to change of a
// connection that is there means just that.
func (c *connectCmd) led(g *globals, spec connectors.Spec, named jobs.Named) bool {
	if !g.interactive() || g.JSON || len(c.Secret) > 0 || c.Replace && !named.Empty() {
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

// choose asks for the way and for what it needs, but for what is named already.
// What cfg holds is offered as it is; what of it belongs to another way is forgotten.
func (q *guide) choose(ctx context.Context, spec connectors.Spec, cfg connectors.Config, named map[string]string, callback string) (connectors.Way, error) {
	var titles []connectors.Choice
	before := 0
	for i, w := range spec.Ways {
		titles = append(titles, connectors.Choice{Value: strconv.Itoa(i + 1), Help: w.Title})
		if before == 0 && !slices.ContainsFunc(w.Asks, func(name string) bool { return cfg.Settings[name] == "" && cfg.Secrets[name] == "" }) {
			before = i + 1
		}
	}
	picked, err := q.pick(ctx, "How is salesbook to get access to "+spec.Title+"?", titles, strconv.Itoa(max(1, before)))
	if err != nil {
		return connectors.Way{}, err
	}
	n, err := strconv.Atoi(picked)
	if err != nil {
		return connectors.Way{}, err
	}
	way := spec.Ways[n-1]
	jobs.KeepWay(spec, cfg, way)
	for _, name := range way.First {
		if named[name] != "" {
			continue
		}
		if err := q.field(ctx, spec, cfg, name); err != nil {
			return way, err
		}
	}
	fmt.Fprintln(q.out)
	for i, step := range way.Steps(cfg.Settings, callback) {
		fmt.Fprintf(q.out, "%2d. %s\n", i+1, strings.ReplaceAll(step, "\n", "\n    "))
	}
	fmt.Fprintln(q.out)
	for _, name := range way.Asks {
		if err := q.field(ctx, spec, cfg, name); err != nil {
			return way, err
		}
	}
	return way, nil
}

// field asks for one setting or secret, and offers what cfg holds of it. Where the
// setting becomes another, what an earlier consent told is true no longer.
func (q *guide) field(ctx context.Context, spec connectors.Spec, cfg connectors.Config, name string) error {
	i := slices.IndexFunc(spec.Fields, func(f connectors.Field) bool { return f.Name == name })
	if i < 0 {
		return fmt.Errorf("%s declares no field %q to ask for", spec.Name, name)
	}
	f := spec.Fields[i]
	if f.Secret {
		value, err := q.secret(ctx, name, cfg.Secrets[name])
		cfg.Secrets[name] = value
		return err
	}
	var value string
	var err error
	was := cfg.Settings[name]
	if len(f.Choices) > 0 {
		value, err = q.pick(ctx, cmp.Or(f.Question, f.Help), f.Choices, was)
	} else {
		value, err = q.line(ctx, name, was)
	}
	if was != "" && value != was {
		jobs.ForgetTold(spec, cfg, nil)
	}
	cfg.Settings[name] = value
	return err
}

// pick asks for one of a few values, by its number or itself; the usual one, or else
// the first, is taken if nothing is said.
func (q *guide) pick(ctx context.Context, question string, all []connectors.Choice, usual string) (string, error) {
	fmt.Fprintln(q.out, question)
	if !slices.ContainsFunc(all, func(c connectors.Choice) bool { return c.Value == usual }) {
		usual = all[0].Value
	}
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
		said, err := q.said(q.keys.line(ctx, "Which one? ["+usual+"] "))
		if err != nil {
			return "", err
		}
		if said == "" {
			return usual, nil
		}
		for i, c := range all {
			if strings.EqualFold(said, c.Value) || said == strconv.Itoa(i+1) {
				return c.Value, nil
			}
		}
		fmt.Fprintln(q.out, "That is none of them.")
	}
}

// line asks until something is said, unless there is a value to keep.
func (q *guide) line(ctx context.Context, name, kept string) (string, error) {
	question := name + ": "
	if kept != "" {
		question = name + " [" + harmless(kept) + "]: "
	}
	for {
		if said, err := q.said(q.keys.line(ctx, question)); err != nil || said != "" || kept != "" {
			return cmp.Or(said, kept), err
		}
	}
}

// secret is line, but does not show what is said.
func (q *guide) secret(ctx context.Context, name, kept string) (string, error) {
	question := name + " (is not shown): "
	if kept != "" {
		question = name + " (is not shown; Enter takes the one before): "
	}
	for {
		if said, err := q.said(q.keys.hidden(ctx, question)); err != nil || said != "" || kept != "" {
			return cmp.Or(said, kept), err
		}
	}
}

// said is a line without what is around it; the end of the input is its own error.
func (q *guide) said(line string, err error) (string, error) {
	if errors.Is(err, io.EOF) {
		return "", errUnanswered
	}
	return strings.TrimSpace(line), err
}

// codeTries is how often a code is traded: codes end within minutes, so that the
// first may have come too late, and what was entered before it may be wrong as well.
const codeTries = 5

// trade asks for a grant code that was made by hand and trades it for tokens. Where
// something else than the code is in doubt, that is asked for again, and the code,
// which was not used, is offered once more.
func (q *guide) trade(ctx context.Context, spec connectors.Spec, cfg connectors.Config) (*oauth2.Token, error) {
	code := ""
	for try := 1; ; try++ {
		var err error
		if code, err = q.secret(ctx, "code", code); err != nil {
			return nil, err
		}
		token, err := exchange(ctx, spec, spec.OAuth(cfg), code)
		if err == nil && token.RefreshToken == "" {
			err = fault.New(fault.Auth, "%s gave no refresh token for this code, so that the access would end within the hour; make another code", spec.Title)
		}
		if err == nil {
			return token, settle(spec, cfg, jobs.ToldWith(token))
		}
		if fault.KindOf(err) != fault.Auth || try == codeTries {
			return nil, err
		}
		refused, _ := errors.AsType[*refusedTrade](err)
		if refused == nil || len(refused.doubtful) == 0 {
			code = ""
			fmt.Fprintf(q.out, "\n%v\nIf the code had ended, make another one and paste it; Ctrl-D ends the questions.\n", err)
			continue
		}
		fmt.Fprintf(q.out, "\n%v\nEnter alone keeps what there is; Ctrl-D ends the questions.\n", err)
		for _, name := range refused.doubtful {
			if err := q.field(ctx, spec, cfg, name); err != nil {
				return nil, err
			}
		}
	}
}

// remote asks whether the browser can reach this machine.
func (q *guide) remote(ctx context.Context) (bool, error) {
	picked, err := q.pick(ctx, "Where is the browser in which you will allow it?", []connectors.Choice{
		{Value: "here", Help: "on this machine"}, {Value: "elsewhere", Help: "on another one: you will copy the address at which it ends up"},
	}, "")
	return picked == "elsewhere", err
}

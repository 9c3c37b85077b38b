package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/postgres"
)

type retentionCmd struct {
	Show retentionShowCmd `cmd:"" help:"How long this company keeps what."`
	Set  retentionSetCmd  `cmd:"" help:"Keep something for longer or shorter."`
}

type retentionShowCmd struct{}

// keptView is how long something is kept, as it is printed. Its JSON stays.
type keptView struct {
	What    string `json:"what"`
	Days    int    `json:"days"`
	Default int    `json:"default"`
	Least   int    `json:"least"`
	Note    string `json:"note"`
}

// Run lists how long what is kept.
func (c *retentionShowCmd) Run(ctx context.Context, g *globals) error {
	a, err := open(ctx, g, g.quiet(), need{})
	if err != nil {
		return err
	}
	defer a.shut()
	return a.showRetention(ctx)
}

func (a *app) showRetention(ctx context.Context) error {
	var list []postgres.Kept
	err := a.inside(ctx, func(ws int64, tx pgx.Tx) (err error) {
		list, err = postgres.Retentions(ctx, tx, ws)
		return err
	})
	if err != nil {
		return err
	}
	views := make([]keptView, len(list))
	for i, k := range list {
		views[i] = keptView{k.What, k.Days, k.Default, k.Least, k.Why}
	}
	if a.JSON {
		return a.printJSON(views)
	}
	t := newTable("WHAT", ">DAYS", ">DEFAULT", ">LEAST", "")
	for _, v := range views {
		t.add(v.What, strconv.Itoa(v.Days), strconv.Itoa(v.Default), strconv.Itoa(v.Least), v.Note)
	}
	fmt.Fprint(a.stdout, t.text(""))
	fmt.Fprintln(a.stdout, "\nRecords as the vendor has them, canonical rows, decisions of people and the audit stay for ever.")
	return nil
}

type retentionSetCmd struct {
	What string `arg:"" help:"changes, deliveries, failures, proofs, runs or violations."`
	Keep keep   `arg:"" help:"Days, such as 90d, or default."`
}

// keep is a number of days; 0 is the default.
type keep int

// mostDays is a hundred years.
const mostDays = 36_500

// UnmarshalText reads 90d, 90 or default.
func (k *keep) UnmarshalText(text []byte) error {
	if string(text) == "default" {
		*k = 0
		return nil
	}
	days, err := strconv.Atoi(strings.TrimSuffix(string(text), "d"))
	if err != nil || days < 1 || days > mostDays {
		return fmt.Errorf("%q is not a number of days from 1 to %d; write for example 90d, or default", text, mostDays)
	}
	*k = keep(days)
	return nil
}

// Run changes how long something is kept. What is too old then goes with the
// next run of the job that deletes.
func (c *retentionSetCmd) Run(ctx context.Context, g *globals) error {
	a, err := open(ctx, g, g.quiet(), need{})
	if err != nil {
		return err
	}
	defer a.shut()
	err = a.inside(ctx, func(ws int64, tx pgx.Tx) error {
		if err := postgres.SetRetention(ctx, tx, ws, c.What, int(c.Keep)); err != nil {
			return err
		}
		return postgres.Audit(ctx, tx, ws, actor(), "set retention", c.What, map[string]any{"days": int(c.Keep)})
	})
	if err != nil {
		return err
	}
	return a.showRetention(ctx)
}

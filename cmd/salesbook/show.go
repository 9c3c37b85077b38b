package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/sales"
	"salesbook.dev/jobs"
	"salesbook.dev/mapping"
)

type showCmd struct {
	Kind       string `arg:"" help:"Kind of record: deal, lead, person, company, product, activity, note, rep, stage, ..."`
	ID         string `arg:"" help:"The record's id at the vendor."`
	Connection string `placeholder:"NAME" help:"Connection it came through, if several have one of that id."`
	Raw        bool   `help:"Print the vendor's bytes instead."`
}

// Validate wants a kind that there is.
func (c *showCmd) Validate() error {
	_, err := kindNamed(c.Kind)
	return err
}

// kindNamed finds a kind by its singular or plural, with spaces as - or _.
func kindNamed(name string) (*sales.Kind, error) {
	plain := strings.NewReplacer("-", " ", "_", " ").Replace(name)
	var known []string
	for _, k := range sales.Kinds() {
		if k.Name == name || k.One == plain || strings.ReplaceAll(k.Name, "_", " ") == plain {
			return k, nil
		}
		known = append(known, strings.ReplaceAll(k.One, " ", "-"))
	}
	return nil, fmt.Errorf("there is no kind of record %q; there are: %s", name, strings.Join(known, ", "))
}

// recordView is a canonical record with what explains it. Its JSON stays.
type recordView struct {
	Kind        string                     `json:"kind"`
	ID          string                     `json:"id"`
	Connection  string                     `json:"connection"`
	Zone        string                     `json:"zone"`
	Fields      map[string]json.RawMessage `json:"fields"`
	Names       map[string]string          `json:"names"` // what referred records are called, by field
	Custom      []mapping.Named            `json:"custom,omitempty"`
	Items       []itemView                 `json:"items,omitempty"`
	Stages      []stageView                `json:"stages,omitempty"`
	Changes     []changeView               `json:"changes,omitempty"`
	Raw         *postgres.RawPlace         `json:"raw,omitempty"`
	FirstSeenAt time.Time                  `json:"first_seen_at"`
	ChangedAt   time.Time                  `json:"changed_at"`
	DeletedAt   *time.Time                 `json:"deleted_at,omitempty"`
	DeletedWhy  string                     `json:"deleted_why,omitempty"`
	MergedInto  string                     `json:"merged_into,omitempty"`
	Stale       bool                       `json:"stale"` // mapped by another map than the present one
}

type itemView struct {
	ID     string                     `json:"id"`
	Name   string                     `json:"name"`
	Fields map[string]json.RawMessage `json:"fields"`
}

type stageView struct {
	At      time.Time `json:"at"`
	Stage   string    `json:"stage"`
	StageID string    `json:"stage_id"`
	From    string    `json:"from,omitempty"`
	Actor   string    `json:"actor,omitempty"`
	Source  string    `json:"source"`
}

type changeView struct {
	At     time.Time                `json:"at"`
	SeenAt time.Time                `json:"seen_at"`
	Origin string                   `json:"origin"`
	Fields map[string]postgres.Diff `json:"fields"`
}

// Run shows one canonical record.
func (c *showCmd) Run(ctx context.Context, g *globals) error {
	kind, err := kindNamed(c.Kind)
	if err != nil {
		return err
	}
	a, err := open(ctx, g, g.quiet(), need{})
	if err != nil {
		return err
	}
	defer a.shut()
	card, source, err := c.find(ctx, a, kind)
	if err != nil {
		return err
	}
	l := &looker{app: a, source: source, kind: kind, card: card}
	if c.Raw {
		return l.printRaw(ctx)
	}
	v, err := l.view(ctx)
	if err != nil {
		return err
	}
	if g.JSON {
		return g.printJSON(v)
	}
	fmt.Fprint(g.stdout, v.text(kind))
	return nil
}

// find returns the record and its opened connection.
func (c *showCmd) find(ctx context.Context, a *app, kind *sales.Kind) (postgres.Card, *jobs.Source, error) {
	names, only, err := a.names(ctx, c.Connection)
	if err != nil {
		return postgres.Card{}, nil, err
	}
	ids := []int64{only}
	if only == 0 {
		ids = ids[:0]
		for id := range names {
			ids = append(ids, id)
		}
	}
	ws, err := a.workspace(ctx)
	if err != nil {
		return postgres.Card{}, nil, err
	}
	var cards []postgres.Card
	err = a.db.In(ctx, ws, func(tx pgx.Tx) error {
		cards, err = postgres.Cards(ctx, tx, ws, ids, kind, c.ID)
		return err
	})
	switch {
	case err != nil:
		return postgres.Card{}, nil, err
	case len(cards) == 0:
		return postgres.Card{}, nil, fault.New(fault.NotFound, "there is no %s %s here; if it exists at the vendor, `salesbook failures list` says whether it could not be mapped and `salesbook status` how far the connection is", kind.One, c.ID)
	case len(cards) > 1:
		var through []string
		for _, card := range cards {
			through = append(through, names[card.Connection])
		}
		return postgres.Card{}, nil, fmt.Errorf("several connections have a %s %s: choose one with --connection (%s)", kind.One, c.ID, strings.Join(through, ", "))
	}
	s, err := a.pipeline.Open(ctx, ws, cards[0].Connection)
	return cards[0], s, err
}

// looker gathers what explains a record.
type looker struct {
	*app
	source *jobs.Source
	kind   *sales.Kind
	card   postgres.Card
}

// lastChanges is how many changes are shown.
const lastChanges = 10

func (l *looker) view(ctx context.Context) (v recordView, err error) {
	v = recordView{Kind: l.kind.Name, ID: l.card.ID, Connection: l.source.Name, Zone: l.source.Zone, Fields: l.card.Fields, Names: map[string]string{},
		FirstSeenAt: l.card.FirstSeenAt, ChangedAt: l.card.ChangedAt, DeletedAt: l.card.DeletedAt, DeletedWhy: l.card.DeletedWhy, MergedInto: l.card.MergedInto}
	err = l.db.In(ctx, l.source.Workspace, func(tx pgx.Tx) error {
		for _, gather := range []func(context.Context, pgx.Tx, *recordView) error{l.stale, l.names, l.custom, l.items, l.stages, l.changes, l.raw} {
			if err := gather(ctx, tx, &v); err != nil {
				return err
			}
		}
		return nil
	})
	return v, err
}

// stale tells whether the record waits to be mapped again. Rows of an older map
// that came out the same under the present one do not.
func (l *looker) stale(ctx context.Context, tx pgx.Tx, v *recordView) error {
	due, _, err := postgres.ReplayDue(ctx, tx, l.source.Workspace, l.source.ID)
	v.Stale = due && l.card.MapVersion != l.source.MapVersion
	return err
}

// names resolves what the record refers to.
func (l *looker) names(ctx context.Context, tx pgx.Tx, v *recordView) error {
	for _, f := range l.kind.Fields {
		id := textOf(v.Fields[f.Name])
		to, ok := sales.KindByName(f.To)
		if f.Type != sales.Ref || id == "" || !ok {
			continue
		}
		names, err := l.called(ctx, tx, to, id)
		if err != nil {
			return err
		}
		if name, ok := names[id]; ok {
			v.Names[f.Name] = name
		}
	}
	return nil
}

// called returns the names of records of a kind.
func (l *looker) called(ctx context.Context, tx pgx.Tx, k *sales.Kind, ids ...string) (map[string]string, error) {
	return postgres.Names(ctx, tx, l.source.Workspace, l.source.ID, k, ids)
}

func (l *looker) custom(ctx context.Context, tx pgx.Tx, v *recordView) error {
	d, err := jobs.Dictionary(ctx, tx, l.source.Workspace, l.source.ID)
	if err != nil {
		return err
	}
	v.Custom, err = d.Describe(l.source.Map.DictionaryOf(l.kind.Name), l.card.Custom)
	return err
}

func (l *looker) items(ctx context.Context, tx pgx.Tx, v *recordView) error {
	if l.kind.Name != "deals" {
		return nil
	}
	cards, err := postgres.ItemsOf(ctx, tx, l.source.Workspace, l.source.ID, v.ID)
	if err != nil {
		return err
	}
	for _, c := range cards {
		v.Items = append(v.Items, itemView{c.ID, textOf(c.Fields["name"]), c.Fields})
	}
	return nil
}

func (l *looker) stages(ctx context.Context, tx pgx.Tx, v *recordView) error {
	if l.kind.Name != "deals" {
		return nil
	}
	entries, err := postgres.StagesOf(ctx, tx, l.source.Workspace, l.source.ID, v.ID)
	if err != nil {
		return err
	}
	var stageIDs, actorIDs []string
	for _, e := range entries {
		stageIDs = append(stageIDs, e.StageID, deref(e.FromStage))
		actorIDs = append(actorIDs, deref(e.ActorID))
	}
	stages, _ := sales.KindByName("stages")
	reps, _ := sales.KindByName("reps")
	stageNames, err := l.called(ctx, tx, stages, stageIDs...)
	if err != nil {
		return err
	}
	actorNames, err := l.called(ctx, tx, reps, actorIDs...)
	for _, e := range entries {
		v.Stages = append(v.Stages, stageView{At: e.At, StageID: e.StageID, Stage: nameOr(stageNames, e.StageID),
			From: nameOr(stageNames, deref(e.FromStage)), Actor: nameOr(actorNames, deref(e.ActorID)), Source: e.Source})
	}
	return err
}

func (l *looker) changes(ctx context.Context, tx pgx.Tx, v *recordView) error {
	list, err := postgres.ChangesOf(ctx, tx, l.source.Workspace, l.source.ID, l.kind.Name, v.ID, lastChanges)
	for _, c := range list {
		v.Changes = append(v.Changes, changeView{c.At, c.SeenAt, c.Origin, c.Fields})
	}
	return err
}

// raw finds the vendor's record behind the canonical one: the object that the
// map makes this kind of, with the prefix taken off the id.
func (l *looker) raw(ctx context.Context, tx pgx.Tx, v *recordView) error {
	for _, o := range l.source.Spec.Objects {
		om, ok := l.source.Map.Object(o.Name)
		if !ok || om.Kind() != l.kind {
			continue
		}
		id, ok := strings.CutPrefix(l.card.ID, om.ID(""))
		if !ok {
			continue
		}
		place, ok, err := postgres.RawPlaceOf(ctx, tx, l.source.Workspace, l.source.ID, o.Name, id)
		if err != nil {
			return err
		}
		if ok {
			v.Raw = &place
			return nil
		}
	}
	return nil
}

// printRaw prints the vendor's bytes as they came.
func (l *looker) printRaw(ctx context.Context) error {
	var v recordView
	var records []postgres.RawRecord
	err := l.db.In(ctx, l.source.Workspace, func(tx pgx.Tx) error {
		if err := l.raw(ctx, tx, &v); err != nil || v.Raw == nil {
			return err
		}
		var err error
		records, err = postgres.ReadRecordsByID(ctx, tx, l.source.Workspace, l.source.ID, v.Raw.Object, []string{v.Raw.ID}, l.pipeline.Compressor)
		return err
	})
	if err != nil {
		return err
	}
	if len(records) == 0 {
		return fault.New(fault.NotFound, "the vendor's bytes of %s %s are not stored: only its deletion is known", l.kind.One, l.card.ID)
	}
	if _, err := l.stdout.Write(records[0].Raw); err != nil {
		return err
	}
	_, err = fmt.Fprintln(l.stdout)
	return err
}

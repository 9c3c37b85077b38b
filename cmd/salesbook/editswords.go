package main

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/postgres"
	"salesbook.dev/jobs"
	"salesbook.dev/mapping"
)

// editWords are the names that a CRM has for what edits hold as ids and codes.
type editWords struct {
	stages map[string]string
	fields *mapping.Dictionary
}

func readEditWords(ctx context.Context, tx pgx.Tx, ws, connection int64) (w editWords, err error) {
	stages, err := postgres.Stages(ctx, tx, ws, connection)
	if err != nil {
		return w, err
	}
	w.stages = map[string]string{}
	for _, s := range stages {
		w.stages[s.ID] = s.Name
	}
	w.fields, err = jobs.Dictionary(ctx, tx, ws, connection)
	return w, err
}

// field is what a canonical field is called in lists.
func (w editWords) field(kind, name string) string {
	if code, ok := strings.CutPrefix(name, "custom."); ok {
		if f, known := w.fields.Field(kind, code); known {
			return f.Name
		}
		return code
	}
	return strings.TrimSuffix(name, "_id")
}

var tagsOf = regexp.MustCompile(`<[^>]*>`)

// value is what a canonical field holds, in words.
func (w editWords) value(name string, raw json.RawMessage) string {
	var v any
	if json.Unmarshal(raw, &v) != nil || v == nil || v == "" {
		return "nothing"
	}
	switch v := v.(type) {
	case bool:
		return map[bool]string{true: "yes", false: "no"}[v]
	case string:
		if label := w.stages[v]; name == "stage_id" && label != "" {
			return fmt.Sprintf("%s (%s)", label, v)
		}
		return strings.Join(strings.Fields(html.UnescapeString(tagsOf.ReplaceAllString(v, " "))), " ")
	}
	return string(raw)
}

// change says in one line what an edit is about to change, or has.
func (v *editView) change() string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(v.Wanted)) {
		to := v.words.value(name, v.Wanted[name])
		switch {
		case v.Before == nil && name != "subject" && name != "content":
			continue // of a new record its heading is enough
		case v.Before == nil:
			parts = append(parts, fmt.Sprintf("new %s: %s", v.Target, to))
		default:
			parts = append(parts, fmt.Sprintf("%s: %s -> %s", v.words.field(v.targetKinds, name), shorten(v.words.value(name, v.Before[name]), 24), to))
		}
	}
	return strings.Join(parts, ", ")
}

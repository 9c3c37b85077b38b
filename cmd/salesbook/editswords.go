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

var (
	lineEnds = regexp.MustCompile(`</?(p|li|ul|ol)>|<br ?/?>`)
	tagsOf   = regexp.MustCompile(`<[^>]*>`)
)

// lines is what a canonical field holds, in words, as it is shown whole.
func (w editWords) lines(name string, raw json.RawMessage) []string {
	var v any
	if json.Unmarshal(raw, &v) != nil || v == nil || v == "" {
		return []string{"nothing"}
	}
	switch v := v.(type) {
	case bool:
		return []string{map[bool]string{true: "yes", false: "no"}[v]}
	case string:
		if label := w.stages[v]; name == "stage_id" && label != "" {
			return []string{fmt.Sprintf("%s (%s)", label, v)}
		}
		var out []string
		for _, line := range strings.Split(lineEnds.ReplaceAllString(v, "\n"), "\n") {
			if line = strings.TrimSpace(html.UnescapeString(tagsOf.ReplaceAllString(line, ""))); line != "" {
				out = append(out, line)
			}
		}
		return out
	}
	return []string{string(raw)}
}

// value is the same in one line.
func (w editWords) value(name string, raw json.RawMessage) string {
	return strings.Join(w.lines(name, raw), " · ")
}

// about says which deal or lead an edit is about, or which part of the set-up of a
// CRM.
func (v *editView) about() string {
	if v.Kind != "" {
		return strings.TrimSpace(strings.Join([]string{v.Kind, v.Subject, v.Title}, " "))
	}
	return strings.TrimSpace(fmt.Sprintf("%s %q", v.Target, v.Title))
}

// rules are those for whose sake an edit is wanted.
func (v *editView) rules() string {
	if v.Rule != "" || len(v.Causes) == 0 {
		return v.Rule
	}
	var rules []string
	for _, cause := range v.Causes {
		if rule, _, _ := strings.Cut(cause, "|"); !slices.Contains(rules, rule) {
			rules = append(rules, rule)
		}
	}
	return strings.Join(rules, ", ")
}

// change says in one line what an edit is about to change, or has.
func (v *editView) change() string {
	if v.What == "setup" {
		return v.Detail // the step as the plan has it
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(v.Wanted)) {
		to := v.words.value(name, v.Wanted[name])
		switch {
		case v.Before == nil && name != "subject" && name != "content":
			continue // of a new record its heading is enough
		case v.Before == nil:
			parts = append(parts, fmt.Sprintf("new %s: %s", v.Target, to))
		case string(v.Before[name]) == string(v.Wanted[name]):
			continue
		case name == "note" && len(v.Wanted["subject"]) > 0:
			continue // a task's heading says the same in short
		case v.What == "card" && strings.HasPrefix(name, "custom."):
			parts = append(parts, fmt.Sprintf("%s -> %s", shorten(v.words.value(name, v.Before[name]), 24), to))
		default:
			parts = append(parts, fmt.Sprintf("%s: %s -> %s", v.words.field(v.targetKinds, name), shorten(v.words.value(name, v.Before[name]), 24), to))
		}
	}
	return strings.Join(parts, ", ")
}

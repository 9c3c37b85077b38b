package main

import (
	"context"
	"strings"

	"salesbook.dev/jobs"
)

// leave takes our webhooks away that deliver to an address which the connection no
// longer has. It returns why they could not be.
func leave(ctx context.Context, a *app, s *jobs.Source, before string) string {
	if strings.TrimSuffix(before, "/") == strings.TrimSuffix(s.HookURL, "/") {
		return ""
	}
	if err := a.pipeline.UnwatchAt(ctx, s, before); err != nil {
		return err.Error()
	}
	return ""
}

// namesOf lists what had one fate.
func namesOf(fates []jobs.Fate, what jobs.Became) []string {
	out := []string{}
	for _, f := range fates {
		if f.What == what {
			out = append(out, f.Name)
		}
	}
	return out
}

// textOfFates says what stayed, what is another, and what is there no longer.
func textOfFates(fates []jobs.Fate) string {
	var out strings.Builder
	for _, what := range []jobs.Became{jobs.Kept, jobs.Changed, jobs.Cleared} {
		var words []string
		for _, f := range fates {
			if f.What == what {
				words = append(words, wordsOf(f))
			}
		}
		if len(words) > 0 {
			out.WriteString(map[jobs.Became]string{jobs.Kept: "Kept", jobs.Changed: "Changed", jobs.Cleared: "Taken away"}[what] + ": " + strings.Join(words, "; ") + ".\n")
		}
	}
	return out.String()
}

func wordsOf(f jobs.Fate) string {
	name, ok := map[string]string{jobs.FateBase: "the base URL ", jobs.FateHook: "the address for deliveries ", jobs.FateConsent: "the consent"}[f.Name]
	if !ok {
		name = f.Name
	}
	if f.Was == "" && f.Is == "" {
		return name // a secret, or the consent
	}
	if !ok {
		name += "="
	}
	switch f.What {
	case jobs.Cleared:
		return name + harmless(f.Was)
	case jobs.Kept:
		return name + harmless(f.Is)
	}
	if f.Was == "" {
		return name + harmless(f.Is) + " (there was none)"
	}
	return name + harmless(f.Is) + " (before: " + harmless(f.Was) + ")"
}

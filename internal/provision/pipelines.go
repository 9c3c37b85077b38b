package provision

import (
	"fmt"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"salesbook.dev/internal/book"
)

// pipelines plans the pipelines of all funnels with their stages.
func (p *planner) pipelines() {
	named := map[string]bool{}
	for i := range p.c.Book.Funnels {
		f := &p.c.Book.Funnels[i]
		for _, from := range p.from(f) {
			found := slices.DeleteFunc(p.bound(book.BindsPipeline, f.ID, from.Pipeline), func(id string) bool { return p.pipeline(id) == nil })
			for _, id := range found {
				named[id] = true
			}
			switch {
			case len(found) > 1:
				p.hand("%d pipelines are called %q (%s): rename all but one, or name the one that is meant in the book: crm: [{pipeline: \"#%s\"}]",
					len(found), from.Pipeline, numbers(found), found[0])
			case len(found) == 1:
				p.present(f, from.Pipeline, p.pipeline(found[0]))
			case byNumber(from.Pipeline):
				p.hand("there is no pipeline %s: make it and name it in the book, under the funnel %q", from.Pipeline, f.Name)
			default:
				p.absent(f, from.Pipeline)
			}
		}
	}
	var others []string
	for i := range p.crm.Pipelines {
		if pl := &p.crm.Pipelines[i]; !named[pl.ID] {
			others = append(others, pl.Name)
		}
	}
	if len(others) > 0 {
		p.alone("%s %s", plural("pipeline", len(others)), quoted(others))
	}
}

func (p *planner) pipeline(id string) *Pipeline {
	i := slices.IndexFunc(p.crm.Pipelines, func(pl Pipeline) bool { return pl.ID == id })
	if i < 0 {
		return nil
	}
	return &p.crm.Pipelines[i]
}

// byNumber tells names that are those of something that is there already.
func byNumber(written string) bool { return strings.HasPrefix(written, "#") }

func numbers(ids []string) string { return "#" + strings.Join(ids, ", #") }

// absent plans a pipeline that is not there.
func (p *planner) absent(f *book.Funnel, name string) {
	set := map[string]any{"name": name}
	text := fmt.Sprintf("make pipeline %q", name)
	if reckons(f) {
		set["probability_enabled"] = true
		text += ", with probabilities"
	}
	p.step(Step{Key: "pipelines/" + book.FoldField(name), Kind: "pipelines", Set: set, Text: text})
	p.wins = append(p.wins, place{pipeline: name})
	p.fill(f, &Pipeline{Name: name})
}

// present plans what a pipeline lacks that is there.
func (p *planner) present(f *book.Funnel, written string, pl *Pipeline) {
	if !byNumber(written) && book.FoldField(written) != book.FoldField(pl.Name) {
		p.alone("pipeline %q, which the book calls %q: it was renamed, and the book follows it", pl.Name, written)
	}
	if reckons(f) && !pl.Probabilities {
		p.step(Step{Key: "pipelines/#" + pl.ID, Kind: "pipelines", ID: pl.ID, Set: map[string]any{"probability_enabled": true},
			Text: fmt.Sprintf("pipeline %q: deals carry a probability", pl.Name)})
	}
	p.wins = append(p.wins, place{pipeline: pl.Name, pipelineID: pl.ID})
	p.fill(f, pl)
}

// reckons tells whether the book says probabilities of a funnel's stages.
func reckons(f *book.Funnel) bool {
	return slices.ContainsFunc(f.Stages, func(s book.Stage) bool { return s.Probability != nil })
}

// filling is the work on the stages of one pipeline.
type filling struct {
	*planner
	f     *book.Funnel
	pl    *Pipeline // without an id and stages: yet to be made
	known map[string]bool
	// Of the funnel's stages that are there or will be: how they are called, and
	// where they stand in the end.
	called []string
	order  []int
	made   int
}

// fill plans the stages of a pipeline.
func (p *planner) fill(f *book.Funnel, pl *Pipeline) {
	w := &filling{planner: p, f: f, pl: pl, known: map[string]bool{}}
	for i := range f.Stages {
		w.stage(&f.Stages[i])
	}
	if f.Order != book.None && !slices.IsSorted(w.order) {
		p.hand("pipeline %q: put its stages in the order %s, in the settings of the CRM; salesbook cannot move them", pl.Name, quoted(w.called))
	}
	var others []string
	for _, s := range pl.Stages {
		if !w.known[s.ID] {
			others = append(others, s.Name)
		}
	}
	if len(others) > 0 {
		p.alone("%s %s of pipeline %q", plural("stage", len(others)), quoted(others), pl.Name)
	}
}

// stage plans one stage.
func (w *filling) stage(s *book.Stage) {
	found, doubtful, missing := w.look(s)
	for _, n := range slices.Concat(found, doubtful) {
		w.known[w.pl.Stages[n].ID] = true
	}
	switch {
	case len(found) > 0:
		w.has(s, found, missing)
	case len(doubtful) > 0: // that was told
	case byNumber(missing[0]):
		w.hand("pipeline %q has no stage %s: make it and name it in the book, under the stage %q", w.pl.Name, missing[0], s.Name)
	default:
		w.lacks(s, missing[0])
	}
}

// has plans what stages have otherwise than the book, and tells of names that are
// none's.
func (w *filling) has(s *book.Stage, found []int, missing []string) {
	first := &w.pl.Stages[found[0]]
	w.order, w.called = append(w.order, found[0]), append(w.called, first.Name)
	for _, n := range found {
		have := &w.pl.Stages[n]
		w.place(s, have.Name, have.ID)
		w.adjust(s, w.pl.Name, have)
	}
	for _, written := range missing {
		w.hand("stage %q of the book is %q in pipeline %q, which has no stage %q: make that, or take the name out of the book", s.Name, first.Name, w.pl.Name, written)
	}
}

// lacks plans a stage that is not there. The CRM puts it at the end.
func (w *filling) lacks(s *book.Stage, name string) {
	w.order, w.called = append(w.order, len(w.pl.Stages)+w.made), append(w.called, name)
	w.made++
	w.place(s, name, "")
	set := map[string]any{"pipeline_id": w.pl.ID, "name": name}
	text := fmt.Sprintf("make stage %q in pipeline %q", name, w.pl.Name)
	if s.Probability != nil {
		set["probability"] = *s.Probability
		text += fmt.Sprintf(", probability %d %%", *s.Probability)
	}
	if days, span := w.rot(s); days > 0 {
		set["rot_days"] = days
		text += fmt.Sprintf(", rotten after %s", inDays(days, span))
	}
	w.step(Step{Key: "stages/" + book.FoldField(w.pl.Name) + "/" + w.f.ID + "/" + s.ID, Kind: "stages", Set: set, Text: text, Waits: w.pl.ID == ""})
}

// place notes where a stage of the book is, or will be.
func (w *filling) place(s *book.Stage, name, id string) {
	ref := w.f.ID + "/" + s.ID
	w.stages[ref] = append(w.stages[ref], place{pipeline: w.pl.Name, pipelineID: w.pl.ID, stage: name, stageID: id})
}

// look finds a stage of the book among those of a pipeline: where they stand, and
// the names that no stage has. Stages that share a name are doubtful, and told.
func (w *filling) look(s *book.Stage) (found, doubtful []int, missing []string) {
	for _, written := range s.CRMNames() {
		ids := w.bound(book.BindsStage, w.f.ID+"/"+s.ID, written)
		var here, same []int
		for n := range w.pl.Stages {
			if slices.Contains(ids, w.pl.Stages[n].ID) {
				here = append(here, n)
			}
			if book.FoldField(w.pl.Stages[n].Name) == book.FoldField(written) {
				same = append(same, n)
			}
		}
		switch {
		case len(same) > 1:
			var list []string
			for _, n := range same {
				list = append(list, w.pl.Stages[n].ID)
			}
			w.hand("pipeline %q has %d stages that are called %q (%s): rename all but one, or name the one that is meant in the book: crm: [\"#%s\"]",
				w.pl.Name, len(same), written, numbers(list), list[0])
			doubtful = append(doubtful, same...)
		case len(here) > 0:
			if n := here[0]; !byNumber(written) && book.FoldField(w.pl.Stages[n].Name) != book.FoldField(written) {
				w.alone("stage %q of pipeline %q, which the book calls %q: it was renamed, and the book follows it", w.pl.Stages[n].Name, w.pl.Name, written)
			}
			found = append(found, here...)
		default:
			missing = append(missing, written)
		}
	}
	return found, doubtful, missing
}

// adjust plans what a stage has otherwise than the book.
func (p *planner) adjust(s *book.Stage, pipeline string, have *Stage) {
	set := map[string]any{}
	var parts []string
	if want := s.Probability; want != nil && (have.Probability == nil || !have.Probability.Equal(decimal.NewFromInt(int64(*want)))) {
		set["probability"] = *want
		was := "none"
		if have.Probability != nil {
			was = have.Probability.String() + " %"
		}
		parts = append(parts, fmt.Sprintf("probability %d %% instead of %s", *want, was))
	}
	if days, span := p.rot(s); days > 0 && (have.RotDays == nil || *have.RotDays != days) {
		set["rot_days"] = days
		was := "never"
		if have.RotDays != nil {
			was = fmt.Sprintf("after %d", *have.RotDays)
		}
		parts = append(parts, fmt.Sprintf("rotten after %s instead of %s", inDays(days, span), was))
	}
	if len(set) > 0 {
		p.step(Step{Key: "stages/#" + have.ID, Kind: "stages", ID: have.ID, Set: set,
			Text: fmt.Sprintf("stage %q of pipeline %q: %s", have.Name, pipeline, strings.Join(parts, ", "))})
	}
}

// rot is after how many days the CRM is to call a deal rotten: the limit of its
// stage; 0: the book has none.
func (p *planner) rot(s *book.Stage) (days int, limit book.Span) {
	span := p.c.Book.LimitOf(s)
	if span == nil {
		return 0, book.Span{}
	}
	return p.c.WholeDays(*span), *span
}

// inDays says days, and which span they are made of unless it is the same.
func inDays(days int, span book.Span) string {
	text := fmt.Sprintf("%d %s", days, plural("day", days))
	if span.Unit != book.Days {
		text += " (" + span.String() + ")"
	}
	return text
}

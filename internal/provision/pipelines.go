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
	p.fill(f, name, &Pipeline{Name: name})
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
	p.fill(f, pl.Name, pl)
}

// reckons tells whether the book says probabilities of a funnel's stages.
func reckons(f *book.Funnel) bool {
	return slices.ContainsFunc(f.Stages, func(s book.Stage) bool { return s.Probability != nil })
}

// fill plans the stages of a pipeline.
func (p *planner) fill(f *book.Funnel, name string, pl *Pipeline) {
	var order []int     // of the funnel's stages that are there or will be: where
	var called []string // and how
	known, made := map[string]bool{}, 0
	for i := range f.Stages {
		s := &f.Stages[i]
		at := place{pipeline: name, pipelineID: pl.ID}
		found, doubtful, missing := p.look(f, s, pl)
		for _, n := range slices.Concat(found, doubtful) {
			known[pl.Stages[n].ID] = true
		}
		switch {
		case len(found) > 0:
			order, called = append(order, found[0]), append(called, pl.Stages[found[0]].Name)
			for _, n := range found {
				at.stage, at.stageID = pl.Stages[n].Name, pl.Stages[n].ID
				p.stages[f.ID+"/"+s.ID] = append(p.stages[f.ID+"/"+s.ID], at)
				p.adjust(s, name, &pl.Stages[n])
			}
			for _, written := range missing {
				p.hand("stage %q of the book is %q in pipeline %q, which has no stage %q: make that, or take the name out of the book", s.Name, at.stage, name, written)
			}
		case len(doubtful) > 0: // that was told
		case byNumber(missing[0]):
			p.hand("pipeline %q has no stage %s: make it and name it in the book, under the stage %q", name, missing[0], s.Name)
		default:
			order, called = append(order, len(pl.Stages)+made), append(called, missing[0])
			made++
			at.stage = missing[0]
			p.stages[f.ID+"/"+s.ID] = append(p.stages[f.ID+"/"+s.ID], at)
			p.makeStage(f, s, missing[0], at)
		}
	}
	if f.Order != book.None && !slices.IsSorted(order) {
		p.hand("pipeline %q: put its stages in the order %s, in the settings of the CRM; salesbook cannot move them", name, quoted(called))
	}
	var others []string
	for _, s := range pl.Stages {
		if !known[s.ID] {
			others = append(others, s.Name)
		}
	}
	if len(others) > 0 {
		p.alone("%s %s of pipeline %q", plural("stage", len(others)), quoted(others), name)
	}
}

// look finds a stage of the book among those of a pipeline: where they stand, and
// the names that no stage has. Stages that share a name are doubtful, and told.
func (p *planner) look(f *book.Funnel, s *book.Stage, pl *Pipeline) (found, doubtful []int, missing []string) {
	for _, written := range s.CRMNames() {
		ids := p.bound(book.BindsStage, f.ID+"/"+s.ID, written)
		var here, same []int
		for n := range pl.Stages {
			if slices.Contains(ids, pl.Stages[n].ID) {
				here = append(here, n)
			}
			if book.FoldField(pl.Stages[n].Name) == book.FoldField(written) {
				same = append(same, n)
			}
		}
		switch {
		case len(same) > 1:
			var list []string
			for _, n := range same {
				list = append(list, pl.Stages[n].ID)
			}
			p.hand("pipeline %q has %d stages that are called %q (%s): rename all but one, or name the one that is meant in the book: crm: [\"#%s\"]",
				pl.Name, len(same), written, numbers(list), list[0])
			doubtful = append(doubtful, same...)
		case len(here) > 0:
			if n := here[0]; !byNumber(written) && book.FoldField(pl.Stages[n].Name) != book.FoldField(written) {
				p.alone("stage %q of pipeline %q, which the book calls %q: it was renamed, and the book follows it", pl.Stages[n].Name, pl.Name, written)
			}
			found = append(found, here...)
		default:
			missing = append(missing, written)
		}
	}
	return found, doubtful, missing
}

// makeStage plans a stage that is not there.
func (p *planner) makeStage(f *book.Funnel, s *book.Stage, name string, at place) {
	set := map[string]any{"pipeline_id": at.pipelineID, "name": name}
	text := fmt.Sprintf("make stage %q in pipeline %q", name, at.pipeline)
	if s.Probability != nil {
		set["probability"] = *s.Probability
		text += fmt.Sprintf(", probability %d %%", *s.Probability)
	}
	if days, span := p.rot(s); days > 0 {
		set["rot_days"] = days
		text += fmt.Sprintf(", rotten after %s", inDays(days, span))
	}
	p.step(Step{Key: "stages/" + book.FoldField(at.pipeline) + "/" + f.ID + "/" + s.ID, Kind: "stages", Set: set, Text: text, Waits: at.pipelineID == ""})
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

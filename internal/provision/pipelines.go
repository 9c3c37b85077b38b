package provision

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"salesbook.dev/internal/book"
)

// Fields that not every CRM has, or lets be set.
const (
	pipelineReckons  = "pipelines.probability_enabled" // one without has probabilities anyway
	stageProbability = "stages.probability"
	stageRot         = "stages.rot_days"
	stagePosition    = "stages.position"
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
	if reckons(f) && p.can(pipelineReckons) {
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
	if reckons(f) && !pl.Probabilities && p.can(pipelineReckons) {
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
	spots []*spot // of all stages of the pipeline, also those that will be made
	row   []*spot // of those that the funnel has, in the book's order
}

// spot is where a stage stands among those of its pipeline once the steps are done
// that are planned so far.
type spot struct {
	at            int // counted from one
	name, id, ref string
}

// fill plans the stages of a pipeline.
func (p *planner) fill(f *book.Funnel, pl *Pipeline) {
	w := &filling{planner: p, f: f, pl: pl, known: map[string]bool{}}
	for i := range pl.Stages {
		s := &spot{at: i + 1, name: pl.Stages[i].Name, id: pl.Stages[i].ID}
		if p.can(stagePosition) {
			s.at = pl.Stages[i].Position
		}
		w.spots = append(w.spots, s)
	}
	for i := range f.Stages {
		w.stage(&f.Stages[i])
	}
	if f.Order != book.None {
		w.arrange()
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

// arrange plans that the stages stand in the book's order: each that stands before
// the one that it is to follow moves behind it.
func (w *filling) arrange() {
	if !w.can(stagePosition) {
		var called []string
		for _, s := range w.row {
			called = append(called, s.name)
		}
		if where := w.crm.ByHand[stagePosition]; where != "" && !slices.IsSortedFunc(w.row, func(a, b *spot) int { return a.at - b.at }) {
			w.hand("pipeline %q: put its stages in the order %s, in %s; salesbook cannot move them", w.pl.Name, quoted(called), where)
		}
		return
	}
	for i := 1; i < len(w.row); i++ {
		first, s := w.row[i-1], w.row[i]
		if s.at >= first.at {
			continue
		}
		to := first.at
		for _, other := range w.spots {
			if other.at > s.at && other.at <= to {
				other.at--
			}
		}
		s.at = to
		w.step(Step{Key: w.keyOf(s.ref) + "/position", Kind: "stages", ID: s.id, Set: map[string]any{"position": to}, Waits: s.id == "",
			Text: fmt.Sprintf("stage %q of pipeline %q comes after %q", s.name, w.pl.Name, first.name)})
	}
}

// keyOf is the key of what is planned about a stage of the book in this pipeline.
func (w *filling) keyOf(stage string) string {
	return "stages/" + book.FoldField(w.pl.Name) + "/" + w.f.ID + "/" + stage
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
	w.spots[found[0]].ref = s.ID
	w.row = append(w.row, w.spots[found[0]])
	for _, n := range found {
		have := &w.pl.Stages[n]
		w.place(s, have.Name, have.ID)
		w.adjust(s, w.pl.Name, have)
	}
	for _, written := range missing {
		w.hand("stage %q of the book is %q in pipeline %q, which has no stage %q: make that, or take the name out of the book", s.Name, first.Name, w.pl.Name, written)
	}
}

// lacks plans a stage that is not there. It follows the one before it in the book,
// or where stages cannot be moved all others.
func (w *filling) lacks(s *book.Stage, name string) {
	name, ok := w.offered(s, name)
	if !ok {
		return
	}
	at := len(w.spots) + 1
	set := map[string]any{"pipeline_id": w.pl.ID, "name": name}
	if w.f.Order != book.None && w.can(stagePosition) {
		at = 1
		if len(w.row) > 0 {
			at = w.row[len(w.row)-1].at + 1
		}
		set["position"] = at
	}
	for _, other := range w.spots {
		if other.at >= at {
			other.at++
		}
	}
	made := &spot{at: at, name: name, ref: s.ID}
	w.spots, w.row = append(w.spots, made), append(w.row, made)
	w.place(s, name, "")
	text := fmt.Sprintf("make stage %q in pipeline %q", name, w.pl.Name)
	if s.Probability != nil && w.can(stageProbability) {
		set["probability"] = *s.Probability
		text += fmt.Sprintf(", probability %d %%", *s.Probability)
	}
	if days, span := w.rot(s); days > 0 {
		set["rot_days"] = days
		text += fmt.Sprintf(", rotten after %s", inDays(days, span))
	}
	w.step(Step{Key: w.keyOf(s.ID), Kind: "stages", Set: set, Text: text, Waits: w.pl.ID == ""})
	if have := w.elsewhere(name); have != nil {
		w.probability(s, have)
	}
}

// offered is how a new stage of a name is called, if the CRM can have one.
func (w *filling) offered(s *book.Stage, name string) (string, bool) {
	if w.crm.Offered == nil {
		return name, true
	}
	var same []Offered
	for _, o := range w.crm.Offered {
		if book.FoldField(o.Name) == book.FoldField(name) {
			same = append(same, o)
		}
	}
	where := cmp.Or(w.crm.ByHand["stages"], "the settings of the CRM")
	switch {
	case len(same) == 0:
		odds := ""
		if s.Probability != nil {
			odds = fmt.Sprintf(" with probability %d %%", *s.Probability)
		}
		w.hand("the CRM has no stage %q, and its API makes none: add it as one in which deals are open%s, in %s; planned again, it comes into pipeline %q", name, odds, where, w.pl.Name)
	case len(same) > 1:
		w.hand("%d stages of the CRM are called %q: rename all but one, in %s", len(same), name, where)
	case same[0].Ends != "":
		w.hand("in the CRM, a deal in stage %q is %s, and in the book it is open: call the book's stage otherwise under its crm, or change what the CRM's says in %s", name, same[0].Ends, where)
	default:
		return same[0].Name, true
	}
	return "", false
}

// elsewhere is a stage of that name of any pipeline, where all share them.
func (w *filling) elsewhere(name string) *Stage {
	for i := range w.crm.Pipelines {
		for j := range w.crm.Pipelines[i].Stages {
			if have := &w.crm.Pipelines[i].Stages[j]; w.crm.Offered != nil && have.Name == name {
				return have
			}
		}
	}
	return nil
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
	if was := otherwise(s, have); was != "" && p.can(stageProbability) {
		set["probability"] = *s.Probability
		parts = append(parts, fmt.Sprintf("probability %d %% instead of %s", *s.Probability, was))
	}
	p.probability(s, have)
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

// otherwise is the probability of a stage where it is not the book's; empty: it is, or
// the book says none.
func otherwise(s *book.Stage, have *Stage) string {
	switch want := s.Probability; {
	case want == nil:
		return ""
	case have.Probability == nil:
		return "none"
	case have.Probability.Equal(decimal.NewFromInt(int64(*want))):
		return ""
	}
	return have.Probability.String() + " %"
}

// probability tells of a probability that steps cannot set.
func (p *planner) probability(s *book.Stage, have *Stage) {
	was, where := otherwise(s, have), p.crm.ByHand[stageProbability]
	switch {
	case was == "" || p.can(stageProbability):
	case where == "":
		p.nothing("the probabilities of stages: the forecast goes by the book")
	case !slices.ContainsFunc(p.plan.ByHand, func(t string) bool {
		return strings.HasPrefix(t, fmt.Sprintf("stage %q: give it probability %d %%", have.Name, *s.Probability))
	}):
		p.hand("stage %q: give it probability %d %% instead of %s, in %s", have.Name, *s.Probability, was, where)
	}
}

// rot is after how many days the CRM is to call a deal rotten: the limit of its
// stage; 0: the book has none.
func (p *planner) rot(s *book.Stage) (days int, limit book.Span) {
	span := p.c.Book.LimitOf(s)
	switch {
	case span == nil:
		return 0, book.Span{}
	case !p.can(stageRot):
		p.nothing("days after which a deal is called rotten: salesbook alone tells what has stood too long")
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

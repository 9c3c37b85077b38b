package provision_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/provision"
	"salesbook.dev/internal/sales"
)

var update = flag.Bool("update", false, "write the golden files anew")

var now = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

// model is a CRM that does what a step asks for, and names its fields as jobs
// does.
type model struct {
	provision.CRM
	next int
}

// account is a CRM as its vendor gives it to a new customer.
func account() *model {
	m := &model{CRM: provision.CRM{Connection: "crm", Reasons: "lost_reason", ByHand: map[string]string{"stages.position": "the settings of the CRM"}}, next: 100}
	m.Pipelines = []provision.Pipeline{{ID: "1", Name: "Pipeline", Stages: []provision.Stage{{ID: "1", Name: "Qualified"}, {ID: "2", Name: "Proposal Made"}}}}
	m.Fields = []provision.Field{
		{Code: "title", Name: "Title", Holds: "text"}, {Code: "value", Name: "Value", Holds: "money"}, {Code: "expected_close_date", Name: "Expected close date", Holds: "date"},
		{Code: "lost_reason", Name: "Lost reason", Holds: "text", Options: []string{"Price", "Competitor"}}}
	return m
}

func (m *model) id() string { m.next++; return strconv.Itoa(m.next) }

// crm is the model with the names of its fields.
func (m *model) crm() provision.CRM {
	m.Named = map[string][]string{"amount": {"value"}, "expected_close": {"expected_close_date"}, "owner": {""}}
	for _, f := range m.Fields {
		key := book.FoldField(f.Name)
		m.Named[key] = append(m.Named[key], f.Code)
	}
	return m.CRM
}

// apply does what a step asks for.
func (m *model) apply(s provision.Step) {
	id := s.ID
	switch s.Kind {
	case "pipelines":
		m.setPipeline(s)
	case "stages":
		m.setStage(s)
	case "fields":
		id = m.setField(s)
	}
	if s.Card {
		m.Card = id
	}
}

func (m *model) setPipeline(s provision.Step) {
	if s.ID == "" {
		m.Pipelines = append(m.Pipelines, provision.Pipeline{ID: m.id(), Name: s.Set["name"].(string), Probabilities: s.Set["probability_enabled"] == true})
		return
	}
	i := slices.IndexFunc(m.Pipelines, func(p provision.Pipeline) bool { return p.ID == s.ID })
	m.Pipelines[i].Probabilities = true
}

func (m *model) setStage(s provision.Step) {
	for i := range m.Pipelines {
		p := &m.Pipelines[i]
		if s.ID == "" && p.ID == s.Set["pipeline_id"] {
			p.Stages = append(p.Stages, provision.Stage{ID: m.id(), Name: s.Set["name"].(string)})
			fillStage(&p.Stages[len(p.Stages)-1], s)
			stand(p, len(p.Stages)-1, s.Set["position"])
			return
		}
		if j := slices.IndexFunc(p.Stages, func(st provision.Stage) bool { return st.ID == s.ID }); j >= 0 && s.Set["position"] != nil {
			stand(p, j, s.Set["position"])
			return
		}
		for j := range p.Stages {
			if p.Stages[j].ID == s.ID {
				fillStage(&p.Stages[j], s)
			}
		}
	}
}

// stand gives a stage its place; nil is the last.
func stand(p *provision.Pipeline, i int, place any) {
	s := p.Stages[i]
	p.Stages = slices.Delete(p.Stages, i, i+1)
	at := len(p.Stages)
	if n, ok := place.(int); ok {
		at = min(n-1, at)
	}
	p.Stages = slices.Insert(p.Stages, at, s)
	for i := range p.Stages {
		p.Stages[i].Position = i + 1
	}
}

func fillStage(st *provision.Stage, s provision.Step) {
	if v, ok := s.Set["probability"].(int); ok {
		d := decimal.NewFromInt(int64(v))
		st.Probability = &d
	}
	if v, ok := s.Set["rot_days"].(int); ok {
		st.RotDays = &v
	}
}

func (m *model) setField(s provision.Step) string {
	if s.ID == "" {
		class := s.Set["type"].(string)
		code := "c" + m.id()
		m.Fields = append(m.Fields, provision.Field{Code: code, Name: s.Set["name"].(string), Holds: class, Custom: true})
		return code
	}
	i := slices.IndexFunc(m.Fields, func(f provision.Field) bool { return f.Code == s.ID })
	if r, ok := s.Set["required"].(sales.Demand); ok {
		m.Fields[i].Required = r
	}
	if list, ok := s.Set["options"].([]provision.Option); ok {
		for _, o := range list {
			m.Fields[i].Options = append(m.Fields[i].Options, o.Label)
		}
	}
	return s.ID
}

// run applies a plan step by step, each time planned anew, and returns what was
// done.
func (m *model) run(t testing.TB, c *book.Compiled) (keys []string) {
	t.Helper()
	for range 1000 {
		plan := provision.Make(c, nil, m.crm(), now)
		if len(plan.Steps) == 0 {
			return keys
		}
		s := plan.Steps[0]
		if s.Waits {
			t.Fatalf("%s comes first, and waits for something", s.Text)
		}
		keys = append(keys, s.Key)
		m.apply(s)
	}
	t.Fatal("the plan never ends")
	return nil
}

func compile(t testing.TB, text string) *book.Compiled {
	t.Helper()
	b, err := book.Parse("book", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	c, err := book.Compile(b, nil)
	if c == nil {
		t.Fatal(err)
	}
	return c
}

// enforced is an example whose rules all make tasks.
func enforced(t testing.TB, name string) string {
	t.Helper()
	text, err := book.Example(name)
	if err != nil {
		t.Fatal(err)
	}
	b := string(text)
	if head, tail, ok := strings.Cut(b, "\nenforcement:\n"); ok {
		_, tail, _ = strings.Cut(tail, "\ncases:")
		b = head + "\ncases:" + tail
	}
	return b + "\nenforcement: [{rule: all, mode: task}]\n"
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", path, d)
	}
}

// TestExamples plans the example books for a new account, as they are and with
// rules that make tasks; does what was planned, in that order; and has nothing
// left to do.
func TestExamples(t *testing.T) {
	t.Parallel()
	for _, name := range book.Examples() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := book.Example(name)
			if err != nil {
				t.Fatal(err)
			}
			observing := provision.Make(compile(t, string(text)), nil, account().crm(), now)
			golden(t, name+"-observed", observing.String())
			c := compile(t, enforced(t, name))
			m := account()
			plan := provision.Make(c, nil, m.crm(), now)
			golden(t, name+"-enforced", plan.String())
			var planned []string
			for _, s := range plan.Steps {
				planned = append(planned, s.Key)
			}
			if d := cmp.Diff(planned, m.run(t, c)); d != "" {
				t.Errorf("done otherwise than planned (-planned +done):\n%s", d)
			}
			after := provision.Make(c, nil, m.crm(), now)
			golden(t, name+"-after", after.String())
		})
	}
}

const small = `
book: 1
name: Small
calendars: [{id: office, zone: Europe/Warsaw}]
funnels:
  - id: new
    name: New clients
    crm: [{pipeline: Sales}]
    stages:
      - {id: call, name: Call, probability: 10, limit: 5wd}
      - {id: offer, name: Offer, probability: 40, limit: 36h, required: [Budget]}
      - {id: contract, name: Contract, entry: [{field: {name: Signed on, past: 3mo}}, {required: [amount]}]}
won:
  criteria: [{required: Invoice no.}]
loss_reasons:
  - {id: price, name: Too dear, any_time: true, spellings: [price]}
  - {id: later, name: Later, any_time: true, nurture: {field: Call on}}
refused_reasons:
  - {text: competitor, why: Which one?}
control: {limit: 1mo}
enforcement: [{rule: all, mode: task}]
`

func days(n int) *int { return &n }

func percent(n int64) *decimal.Decimal { d := decimal.NewFromInt(n); return &d }

// TestClashes tells of everything that could mean two things, or something else
// than the book says, and touches none of it.
func TestClashes(t *testing.T) {
	t.Parallel()
	pipeline := func(id string, stages ...provision.Stage) provision.Pipeline {
		return provision.Pipeline{ID: id, Name: "sales", Probabilities: true, Stages: stages}
	}
	for name, change := range map[string]func(m *model){
		"two pipelines of one name": func(m *model) { m.Pipelines = append(m.Pipelines, pipeline("3"), pipeline("7")) },
		"two stages of one name": func(m *model) {
			m.Pipelines = append(m.Pipelines, pipeline("3", provision.Stage{ID: "31", Name: "Call"}, provision.Stage{ID: "32", Name: "CALL"}, provision.Stage{ID: "33", Name: "Old"}))
		},
		"another order": func(m *model) {
			m.Pipelines = append(m.Pipelines, pipeline("3", provision.Stage{ID: "31", Name: "Contract", RotDays: days(31)},
				provision.Stage{ID: "32", Name: "Call", Probability: percent(10), RotDays: days(7)}))
		},
		"other numbers": func(m *model) {
			m.Pipelines = append(m.Pipelines, provision.Pipeline{ID: "3", Name: "Sales", Stages: []provision.Stage{
				{ID: "31", Name: "Call", Probability: percent(100)}, {ID: "32", Name: "Offer", Probability: percent(40), RotDays: days(3)}, {ID: "33", Name: "Contract", RotDays: days(31)}}})
		},
		"fields of other types and of one name": func(m *model) {
			m.Fields = append(m.Fields, provision.Field{Code: "c1", Name: "signed on", Holds: "text", Custom: true}, provision.Field{Code: "c2", Name: "Budget", Holds: "number", Custom: true},
				provision.Field{Code: "c3", Name: "BUDGET", Holds: "text", Custom: true}, provision.Field{Code: "c4", Name: "Sales book: what is missing", Holds: "date", Custom: true},
				provision.Field{Code: "c5", Name: "Shoe size", Holds: "number", Custom: true})
		},
		"a card that is there": func(m *model) {
			m.Fields = append(m.Fields, provision.Field{Code: "c4", Name: "Sales book: what is missing", Holds: "text", Custom: true})
		},
		"demanded already": func(m *model) {
			m.Pipelines = append(m.Pipelines, pipeline("3", provision.Stage{ID: "31", Name: "Offer", Probability: percent(40), RotDays: days(2)}))
			m.Fields = append(m.Fields, provision.Field{Code: "c1", Name: "Budget", Holds: "text", Custom: true, Required: sales.Demand{Enabled: true, Stages: nil}},
				provision.Field{Code: "c2", Name: "Invoice no.", Holds: "text", Custom: true, Required: sales.Demand{Enabled: true, Statuses: map[string][]string{"3": {"lost"}}}})
		},
		"no loss reasons": func(m *model) { m.Reasons = "" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := account()
			change(m)
			c := compile(t, small)
			plan := provision.Make(c, nil, m.crm(), now)
			golden(t, strings.ReplaceAll(name, " ", "-"), plan.String())
			m.run(t, c)
		})
	}
}

// listed is a CRM whose stages come from a list and can be moved, whose API sets
// neither their probabilities nor what is required, and that has no days.
func listed() *model {
	m := account()
	m.ByHand = map[string]string{"stages": "Setup > Stages", "stages.probability": "Setup > Stages", "fields.required": "Setup > Rules"}
	m.Without = []string{"pipelines.probability_enabled", "stages.rot_days"}
	m.Offered = []provision.Offered{{Name: "Qualified"}, {Name: "Proposal Made"}, {Name: "call"}, {Name: "Offer"}, {Name: "Contract"}, {Name: "Won", Ends: "won"}}
	for i := range m.Pipelines[0].Stages {
		m.Pipelines[0].Stages[i].Position, m.Pipelines[0].Stages[i].Probability = i+1, percent(50)
	}
	return m
}

// TestOfAList plans for such a CRM: what it can do is done, in the order of the book;
// what it cannot is told, with where to do it.
func TestOfAList(t *testing.T) {
	t.Parallel()
	stages := func(names ...string) (out []provision.Stage) {
		for i, name := range names {
			out = append(out, provision.Stage{ID: name, Name: name, Position: i + 1, Probability: percent(20)})
		}
		return out
	}
	sales := func(m *model, names ...string) {
		m.Pipelines = append(m.Pipelines, provision.Pipeline{ID: "3", Name: "Sales", Stages: stages(names...)})
	}
	for name, change := range map[string]func(m *model){
		"a new account": func(*model) {},
		"stages of another": func(m *model) {
			m.Pipelines = append(m.Pipelines, provision.Pipeline{ID: "9", Name: "Other", Stages: stages("call", "Offer")})
		},
		"another order":         func(m *model) { sales(m, "Contract", "Offer", "Proposal Made", "call") },
		"one is missing within": func(m *model) { sales(m, "Qualified", "Contract", "call") },
		"stages are not offered": func(m *model) {
			m.Offered = []provision.Offered{{Name: "Call", Ends: "lost"}, {Name: "Offer"}, {Name: "OFFER"}}
		},
		"nothing at all": func(m *model) {
			m.ByHand = nil
			m.Without = append(m.Without, "stages.probability", "stages.position", "fields.required")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := listed()
			change(m)
			c := compile(t, small)
			plan := provision.Make(c, nil, m.crm(), now)
			golden(t, "listed-"+strings.ReplaceAll(name, " ", "-"), plan.String())
			m.asPlanned(t, c, plan)
			after := provision.Make(c, nil, m.crm(), now)
			golden(t, "listed-"+strings.ReplaceAll(name, " ", "-")+"-after", after.String())
			for i := range m.Pipelines {
				p := &m.Pipelines[i]
				if place := func(name string) int {
					return slices.IndexFunc(p.Stages, func(s provision.Stage) bool { return strings.EqualFold(s.Name, name) })
				}; p.Name == "Sales" && len(p.Stages) > 2 &&
					(place("call") > place("Offer") || place("Offer") > place("Contract")) {
					t.Errorf("in the end the stages are %v", p.Stages)
				}
			}
		})
	}
}

// asPlanned does what is planned, which must be what was shown.
func (m *model) asPlanned(t *testing.T, c *book.Compiled, plan provision.Plan) {
	t.Helper()
	var planned []string
	for _, s := range plan.Steps {
		planned = append(planned, s.Key+": "+s.Text)
	}
	var done []string
	for range 1000 {
		plan := provision.Make(c, nil, m.crm(), now)
		if len(plan.Steps) == 0 {
			if d := cmp.Diff(planned, done); d != "" {
				t.Errorf("done otherwise than planned (-planned +done):\n%s", d)
			}
			return
		}
		done = append(done, plan.Steps[0].Key+": "+plan.Steps[0].Text)
		m.apply(plan.Steps[0])
	}
	t.Fatal("the plan never ends")
}

// TestNamesOfTheBook: what a book that is in force named is followed under its new
// name, and what is named by a number is not made.
func TestNamesOfTheBook(t *testing.T) {
	t.Parallel()
	m := account()
	m.Pipelines = append(m.Pipelines, provision.Pipeline{ID: "3", Name: "Sprzedaż", Probabilities: true, Stages: []provision.Stage{{ID: "31", Name: "Telefon", Probability: percent(10), RotDays: days(7)}}})
	before := []book.Binding{{Connection: "crm", Kind: book.BindsPipeline, Ref: "new", ID: "3", Written: "Sales", Name: "Sales"},
		{Connection: "crm", Kind: book.BindsStage, Ref: "new/call", ID: "31", Written: "Call", Name: "Call"}}
	plan := provision.Make(compile(t, small), before, m.crm(), now)
	golden(t, "renamed", plan.String())
	numbered := strings.NewReplacer("pipeline: Sales", `pipeline: "#3"`, "name: Call,", `name: Call, crm: ["#99", Telefon],`, "name: Contract,", `name: Contract, crm: "#5",`).Replace(small)
	plan = provision.Make(compile(t, numbered), nil, m.crm(), now)
	golden(t, "numbered", plan.String())
	plan = provision.Make(compile(t, strings.ReplaceAll(small, "{pipeline: Sales}", "{connection: other, pipeline: Sales}")), nil, m.crm(), now)
	golden(t, "another-connection", plan.String())
}

// TestFixedPoint: from whatever a CRM has, the plan comes to an end, does what it
// said, takes nothing away, and leaves nothing to do.
func TestFixedPoint(t *testing.T) {
	t.Parallel()
	c := compile(t, small)
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		m := random(r)
		if seed%2 == 1 {
			m.ofAList(r)
		}
		before := names(m)
		plan := provision.Make(c, nil, m.crm(), now)
		var planned []string
		for _, s := range plan.Steps {
			planned = append(planned, s.Key)
		}
		if d := cmp.Diff(planned, m.run(t, c)); d != "" {
			t.Fatalf("seed %d: done otherwise than planned (-planned +done):\n%s", seed, d)
		}
		if slices.Sort(planned); len(slices.Compact(planned)) < len(plan.Steps) {
			t.Fatalf("seed %d: two steps have one key: %q", seed, planned)
		}
		after := names(m)
		for n := range before {
			if !after[n] {
				t.Fatalf("seed %d: %s is gone", seed, n)
			}
		}
	}
}

// random is a CRM that has some of what the book asks for, and more.
func random(r *rand.Rand) *model {
	m := account()
	some := func(n int) bool { return r.IntN(n) == 0 }
	for range r.IntN(3) {
		p := provision.Pipeline{ID: m.id(), Name: []string{"Sales", "SALES ", "Other"}[r.IntN(3)], Probabilities: some(2)}
		for range r.IntN(5) {
			s := provision.Stage{ID: m.id(), Name: []string{"Call", "Offer", "Contract", "offer", "Else"}[r.IntN(5)]}
			if some(2) {
				s.RotDays = days(r.IntN(9))
			}
			if some(2) {
				s.Probability = percent(int64(10 * r.IntN(11)))
			}
			p.Stages = append(p.Stages, s)
		}
		m.Pipelines = append(m.Pipelines, p)
	}
	for range r.IntN(5) {
		f := provision.Field{Code: "c" + m.id(), Name: []string{"Budget", "budget", "Signed on", "Call on", "Invoice no.", "Sales Book: what is missing", "X"}[r.IntN(7)],
			Holds: []string{"text", "date", "number"}[r.IntN(3)], Custom: some(2)}
		f.Required = sales.Demand{Enabled: some(2), Stages: []string{"1"}, Statuses: map[string][]string{"1": {"won"}}}
		m.Fields = append(m.Fields, f)
	}
	for _, label := range []string{"Later", "too dear!", "PRICE"} {
		if some(2) {
			m.Fields[3].Options = append(m.Fields[3].Options, label)
		}
	}
	return m
}

// ofAList makes a random CRM one as listed is.
func (m *model) ofAList(r *rand.Rand) {
	l := listed()
	m.ByHand, m.Without, m.Offered = l.ByHand, l.Without, l.Offered[r.IntN(len(l.Offered)):]
	for i := range m.Pipelines {
		for j := range m.Pipelines[i].Stages {
			m.Pipelines[i].Stages[j].Position = j + 1
		}
	}
}

// names lists all that a CRM has.
func names(m *model) map[string]bool {
	out := map[string]bool{}
	for _, p := range m.Pipelines {
		out[fmt.Sprint("pipeline ", p.ID, p.Name)] = true
		for _, s := range p.Stages {
			out[fmt.Sprint("stage ", s.ID, s.Name)] = true
		}
	}
	for _, f := range m.Fields {
		out[fmt.Sprint("field ", f.Code, f.Name, f.Holds)] = true
		for _, o := range f.Options {
			out["option "+f.Code+o] = true
		}
		if !f.Required.Enabled {
			continue
		}
		for _, s := range f.Required.Stages {
			out["required "+f.Code+string(s)] = true
		}
		for p, list := range f.Required.Statuses {
			out[fmt.Sprint("required ", f.Code, p, list)] = true
		}
	}
	return out
}

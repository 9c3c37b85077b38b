package book

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const bindingBook = `
book: 1
name: Bindings
funnels:
  - id: flats
    name: Flats
    crm: [{pipeline: Квартиры}, {pipeline: Dom, connection: b}]
    stages:
      - {id: in, name: Заявка}
      - {id: offer, name: Offer, crm: [Offer, Oferta]}
      - {id: deal, name: Deal, crm: "#12"}
  - id: offices
    name: Offices
    crm: [{pipeline: Offices}]
    stages: [{id: in, name: In}]
`

// account is a pipeline with its stages, written as id name.
func account(connection, pipeline string, stages ...string) Pipeline {
	id, name, _ := strings.Cut(pipeline, " ")
	p := Pipeline{Connection: connection, ID: id, Name: name}
	for _, s := range stages {
		id, name, _ := strings.Cut(s, " ")
		p.Stages = append(p.Stages, CRMStage{id, name})
	}
	return p
}

// bound compiles the book for the pipelines of its activation, and then with what
// was bound for others. It returns where the book has each stage, by its id.
func bound(t *testing.T, before, now []Pipeline) (c *Compiled, stages map[string]string, problems []string) {
	t.Helper()
	b, err := Parse("b.yaml", []byte(bindingBook))
	if err != nil {
		t.Fatal(err)
	}
	bindings, _ := Rebind(b, before, nil)
	c, err = CompileBound(b, now, bindings)
	if err != nil {
		problems = strings.Split(err.Error(), "\n")
	}
	stages = map[string]string{}
	for key := range c.stages {
		f := &Facts{Connection: key.connection, Moves: []Move{{At: time.Unix(0, 0), Stage: key.id}}}
		stages[key.connection+key.id] = c.Place(f, time.Unix(0, 0))
	}
	return c, stages, problems
}

func TestRenamesAreFollowed(t *testing.T) {
	t.Parallel()
	before := []Pipeline{
		account("a", "1 Квартиры", "10 Заявка", "11 Offer", "12 Umowa"),
		account("a", "3 Offices", "30 In"),
		account("b", "1 Dom", "10 Заявка", "11 oferta", "12 x"),
	}
	want := map[string]string{"a10": "flats/in", "a11": "flats/offer", "a12": "flats/deal", "a30": "offices/in", "b10": "flats/in", "b11": "flats/offer", "b12": "flats/deal"}
	for name, test := range map[string]struct {
		now   []Pipeline
		want  map[string]string // beside want; empty: it is not there
		drift []string
	}{
		"nothing happened": {before, nil, nil},
		"a pipeline and stages are renamed": {[]Pipeline{
			account("a", "1 Mieszkania", "10 Lead", "11 Proposal", "12 Umowa podpisana"), account("a", "3 Offices", "30 In"), account("b", "1 Dom", "10 Заявка", "11 Oferta", "12 x")}, nil,
			[]string{"pipelines flats Квартиры: Mieszkania", "stages flats/deal #12: Umowa podpisana", "stages flats/in Заявка: Lead", "stages flats/offer Offer: Proposal"}},
		"another stage takes the name": {[]Pipeline{
			account("a", "1 Квартиры", "10 Заявка", "11 Proposal", "13 Offer", "12 Umowa"), before[1], before[2]}, map[string]string{"a13": ""},
			[]string{"stages flats/offer Offer: Proposal"}},
		"two pipelines exchange their names": {[]Pipeline{
			account("a", "1 Offices", "10 Заявка", "11 Offer", "12 Umowa"), account("a", "3 Квартиры", "30 In"), before[2]}, nil,
			[]string{"pipelines flats Квартиры: Offices", "pipelines offices Offices: Квартиры"}},
		"a stage is deleted, and what stood there stays known": {[]Pipeline{
			account("a", "1 Квартиры", "10 Заявка", "12 Umowa"), before[1], before[2]}, nil, []string{"stages flats/offer Offer: "}},
		"a stage is deleted and made again": {[]Pipeline{
			account("a", "1 Квартиры", "10 Заявка", "14 Offer", "12 Umowa"), before[1], before[2]}, map[string]string{"a14": "flats/offer"}, []string{"stages flats/offer Offer: "}},
		"a pipeline is deleted": {[]Pipeline{before[1], before[2]}, nil,
			[]string{"pipelines flats Квартиры: ", "stages flats/deal #12: ", "stages flats/in Заявка: ", "stages flats/offer Offer: "}},
		"a stage takes a name that the book has for another": {[]Pipeline{
			account("a", "1 Квартиры", "10 Oferta", "11 Offer", "12 Umowa"), before[1], before[2]}, nil, []string{"stages flats/in Заявка: Oferta"}},
		"a connection is made later": {append([]Pipeline{account("c", "7 Квартиры", "70 Заявка", "71 OFFER", "12 z")}, before...),
			map[string]string{"c70": "flats/in", "c71": "flats/offer", "c12": "flats/deal"}, nil},
		"a stage is made later under its second name": {[]Pipeline{
			account("a", "1 Квартиры", "10 Заявка", "11 Offer", "12 Umowa", "15 Oferta"), before[1], before[2]}, map[string]string{"a15": "flats/offer"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, got, _ := bound(t, before, test.now)
			all := map[string]string{}
			for k, v := range want {
				all[k] = v
			}
			for k, v := range test.want {
				all[k] = v
				if v == "" {
					delete(all, k)
				}
			}
			if d := cmp.Diff(all, got); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
			var drift []string
			for _, d := range c.Drift() {
				drift = append(drift, fmt.Sprintf("%s %s %s: %s", d.Kind, d.Ref, d.Written, d.Now))
			}
			if d := cmp.Diff(sorted(test.drift), sorted(drift)); d != "" {
				t.Errorf("drift (-want +got)\n%s", d)
			}
		})
	}
}

func sorted(list []string) string {
	return strings.Join(slices.Sorted(slices.Values(list)), "\n")
}

// TestProblemsAreThoseOfNamesThatNeverMeantAnything: what was bound and is gone is
// no problem of the book.
func TestProblemsAreThoseOfNamesThatNeverMeantAnything(t *testing.T) {
	t.Parallel()
	before := []Pipeline{account("a", "1 Квартиры", "10 Заявка", "11 Offer", "12 Umowa")}
	_, _, problems := bound(t, before, []Pipeline{account("a", "1 Mieszkania", "10 Lead", "12 Umowa")})
	want := []string{
		`b.yaml:10:9: funnels › flats › stages › offer: pipeline Mieszkania of a has no such stage (found "Oferta")`,
		`b.yaml:7:33: funnels › flats: the CRM has no such pipeline (found "Dom")`,
		`b.yaml:14:11: funnels › offices: the CRM has no such pipeline (found "Offices"); known: Mieszkania`,
	}
	if len(problems) != len(want) {
		t.Fatalf("%q", problems)
	}
	for i := range want {
		if !strings.HasPrefix(problems[i], want[i]) {
			t.Errorf("%s, want %s", problems[i], want[i])
		}
	}
}

// TestWhatWasBoundStaysBound from version to version of a book, as long as its
// names stay.
func TestWhatWasBoundStaysBound(t *testing.T) {
	t.Parallel()
	before := []Pipeline{account("a", "1 Квартиры", "10 Заявка", "11 Offer", "12 Umowa")}
	now := []Pipeline{account("a", "1 Mieszkania", "10 Заявка", "11 Proposal")}
	c, _, _ := bound(t, before, now)
	kept := func(bindings []Binding) map[string]string {
		out := map[string]string{}
		for _, b := range bindings {
			out[b.Kind+" "+b.ID] = b.Written + ", then " + b.Name
		}
		if len(out) != len(bindings) {
			t.Errorf("something is bound twice: %+v", bindings)
		}
		return out
	}
	first, _ := Rebind(c.Book, before, nil)
	want := map[string]string{"pipelines 1": "Квартиры, then Квартиры", "stages 10": "Заявка, then Заявка", "stages 11": "Offer, then Offer", "stages 12": "#12, then Umowa"}
	if d := cmp.Diff(want, kept(first)); d != "" {
		t.Errorf("activated (-want +got)\n%s", d)
	}
	second, _ := Rebind(c.Book, now, first)
	if d := cmp.Diff(want, kept(second)); d != "" {
		t.Errorf("activated again (-want +got)\n%s", d)
	}
	// What has the name now is meant, even if something else once had it.
	now[0].Stages = append(now[0].Stages, CRMStage{"13", "Offer"})
	third, _ := Rebind(c.Book, now, second)
	delete(want, "stages 11")
	want["stages 13"] = "Offer, then Offer"
	if d := cmp.Diff(want, kept(third)); d != "" {
		t.Errorf("activated with another stage of the name (-want +got)\n%s", d)
	}
}

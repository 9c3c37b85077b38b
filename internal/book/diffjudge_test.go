package book

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// verdictsByRule are the causes of a judgement, by rule.
func verdictsByRule(j Judgement) map[Rule][]string {
	out := map[Rule][]string{}
	for i := range j.Verdicts {
		v := &j.Verdicts[i]
		out[v.Rule] = append(out[v.Rule], v.Cause()+"|"+v.Mended.UTC().Format(time.RFC3339)+"|"+v.Cannot)
	}
	for _, causes := range out {
		slices.Sort(causes)
	}
	return out
}

// TestABookDiffersFromNoOtherThatSaysTheSame: written elsewhere, and with every
// list in another order whose order means nothing, it says the same and judges the
// same.
func TestABookDiffersFromNoOtherThatSaysTheSame(t *testing.T) {
	t.Parallel()
	files := []string{"testdata/verdicts.yaml", "testdata/known.yaml", "testdata/rollout.yaml"}
	for _, name := range Examples() {
		files = append(files, "examples/"+name+".yaml")
	}
	for _, file := range files {
		text := read(t, file)
		a, b := parsed(t, text), parsed(t, "# moved\n\n"+text)
		for _, s := range slices.Backward(sites(reflect.ValueOf(b).Elem(), "")) { // what lies within first
			if s.how == "another order" && !strings.Contains(tagOf(s), ",ordered") {
				s.change()
			}
		}
		d := Compare(a, b)
		if len(d.Differences)+len(d.Effects) > 0 {
			t.Errorf("%s differs from itself: %v, %v", file, d.Differences, d.Effects)
		}
		if otherwise := judgedOtherwise(lookAtMany(compiledFor(t, a, a), 500, 3), compiledFor(t, b, a), a.RuleNames()); len(otherwise) > 0 {
			t.Errorf("%s is judged otherwise in another order: %v", file, otherwise)
		}
	}
}

// compiledFor compiles a book for the pipelines that fit another.
func compiledFor(t testing.TB, b, other *Book) *Compiled {
	t.Helper()
	c, err := Compile(b, other.imagined())
	if _, unfit := err.(Problems); err != nil && !unfit {
		t.Fatal(err)
	}
	return c
}

// looked is a random history, looked at at a random instant.
type looked struct {
	facts    *Facts
	now      time.Time
	verdicts map[Rule][]string
}

func lookAtMany(c *Compiled, n, seed uint64) (all []looked) {
	for i := range n {
		rng := rand.New(rand.NewPCG(i, seed))
		f := history(rng, c)
		now := f.Added.Add(time.Duration(rng.IntN(70*24*60)) * time.Minute)
		all = append(all, looked{f, now, verdictsByRule(c.Judge(f, now))})
	}
	return all
}

// judgedOtherwise are the rules that another book judges otherwise, with how.
func judgedOtherwise(all []looked, c *Compiled, rules []string) map[Rule]string {
	out := map[Rule]string{}
	for _, l := range all {
		is := verdictsByRule(c.Judge(l.facts, l.now))
		for _, name := range rules {
			if rule := Rule(name); !slices.Equal(l.verdicts[rule], is[rule]) {
				out[rule] = cmp.Diff(l.verdicts[rule], is[rule])
			}
		}
	}
	return out
}

// TestLargeOnlyRulesThatADiffNamesAreJudgedOtherwise changes every part of some books,
// one at a time, and judges random histories by both: of whatever is judged
// otherwise the difference said so.
func TestLargeOnlyRulesThatADiffNamesAreJudgedOtherwise(t *testing.T) {
	t.Parallel()
	changed := map[Rule]bool{}
	for _, file := range []string{"testdata/verdicts.yaml", "testdata/known.yaml", "testdata/rollout.yaml"} {
		a, b := parsed(t, read(t, file)), parsed(t, read(t, file))
		a.Cases, b.Cases = nil, nil // they judge nothing
		all := lookAtMany(compiledFor(t, a, a), 500, 6)
		for _, s := range sites(reflect.ValueOf(b).Elem(), "") {
			undo := s.change()
			if choosesOnce(reflect.ValueOf(b).Elem()) && len(check(b)) == 0 { // else nobody can have such a book
				d := Compare(a, b)
				for rule, how := range judgedOtherwise(all, compiledFor(t, b, a), slices.Concat(a.RuleNames(), b.RuleNames())) {
					changed[rule] = true
					if !slices.ContainsFunc(d.Effects, func(e Effect) bool { return e.Rule == rule && e.Judging != JudgedAlike }) {
						t.Fatalf("%s, %s, %s: %s is judged otherwise, and the difference does not say so: %v\n%s", file, s.where, s.how, rule, d.Effects, how)
					}
				}
			}
			undo()
		}
	}
	for _, rule := range Rules() {
		if !changed[rule] && !slices.Contains([]Rule{NoOwner, OwnerLeft, NoNextStep, LossWithoutReason, WonWithoutAmount, DeletedOpen, ArchivedOpen}, rule) {
			t.Errorf("no change of a book changes how %s is judged, so nothing is proven of it", rule)
		}
	}
}

// TestRulesThatNoBookAsksForAreNotBroken holds what is said of which rules are
// judged at all to what is judged.
func TestRulesThatNoBookAsksForAreNotBroken(t *testing.T) {
	t.Parallel()
	bare := "book: 1\nname: x\ncalendars: [{id: o, zone: Europe/Warsaw}]\nfunnels: [{id: main, name: M, crm: [{pipeline: Sales}], stages: [{id: in, name: In}, {id: out, name: Out}]}]\n"
	for _, text := range []string{bare, read(t, "testdata/verdicts.yaml"), read(t, "testdata/known.yaml"), read(t, "examples/developer.yaml")} {
		b := parsed(t, text)
		c, judged := compiledFor(t, b, b), b.judged()
		seen := map[Rule]bool{}
		for seed := range uint64(1000) {
			rng := rand.New(rand.NewPCG(seed, 11))
			f := history(rng, c)
			for _, v := range c.Judge(f, f.Added.Add(time.Duration(rng.IntN(70*24*60))*time.Minute)).Verdicts {
				seen[v.Rule] = true
				if !judged[v.Rule] {
					t.Fatalf("%s is broken, and the book does not ask for it", v.Rule)
				}
			}
		}
		if text != bare {
			continue
		}
		for rule := range judged {
			if !seen[rule] {
				t.Errorf("the bare book asks for %s, and nothing breaks it", rule)
			}
		}
	}
}

package book

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/agnivade/levenshtein"
	"golang.org/x/text/unicode/norm"

	"salesbook.dev/internal/strictyaml"
)

// Suggestion is what a text may mean that the book does not have.
type Suggestion struct {
	Reason string `json:"reason,omitempty"` // id of a loss reason; empty: it is like one that is refused
	Like   string `json:"like"`             // what the book has, and the text resembles
}

const (
	// likeEnough is from which likeness on something is suggested: half of the
	// letters, or half of the words.
	likeEnough = 0.5
	// suggestedAtOnce bounds the suggestions for one text.
	suggestedAtOnce = 2
	// lookedAt is how many bytes of a text are looked at: what is longer is a
	// story.
	lookedAt = 400
)

// SuggestReasons says what a text may mean that stands as a loss reason, the most
// likely first.
func (b *Book) SuggestReasons(text string) []Suggestion {
	type scored struct {
		Suggestion
		score float64
	}
	var all []scored
	folded := plain(text[:min(len(text), lookedAt)])
	consider := func(reason string, spellings []string) {
		best := scored{}
		for _, s := range spellings {
			if l := likeness(folded, plain(s)); l > best.score {
				best = scored{Suggestion{reason, s}, l}
			}
		}
		if best.score >= likeEnough {
			all = append(all, best)
		}
	}
	for i := range b.LossReasons {
		consider(b.LossReasons[i].ID, b.LossReasons[i].written())
	}
	for i := range b.Refused {
		consider("", b.Refused[i].written())
	}
	slices.SortStableFunc(all, func(a, b scored) int { return cmp.Compare(b.score, a.score) })
	out := []Suggestion{}
	for _, s := range all[:min(len(all), suggestedAtOnce)] {
		out = append(out, s.Suggestion)
	}
	return out
}

// HintReason helps who has written an id that no reason has.
func (b *Book) HintReason(id string) string {
	return strictyaml.Suggest(id, idsOf(b.LossReasons, func(r *LossReason) string { return r.ID }))
}

// written are the ways in which a reason is written.
func (r *LossReason) written() []string { return append([]string{r.Name}, r.Spellings...) }

// written are the ways in which what is no reason is written.
func (r *Refused) written() []string { return append([]string{r.Text}, r.Spellings...) }

// plain is a folded text without the marks on its letters: brak srodkow is brak
// środków.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsMark(r):
			return -1
		case r == 'ł':
			return 'l'
		}
		return r
	}, norm.NFKD.String(FoldReason(text)))
}

// likeness of two plain texts is 1 if they are the same and 0 if they have
// nothing in common: the share of letters that stand in order, or that of words
// that are of one stem, whichever is more.
func likeness(a, b string) float64 {
	longer := max(utf8.RuneCountInString(a), utf8.RuneCountInString(b))
	if longer == 0 {
		return 0
	}
	letters := 1 - float64(levenshtein.ComputeDistance(a, b))/float64(longer)
	return max(letters, sharedWords(strings.Fields(a), strings.Fields(b)))
}

// sharedWords is how much of two lists of words is in both, longer words counting
// for more. A short text within a long one counts as well as two that are alike.
func sharedWords(a, b []string) float64 {
	a, b = weighty(a), weighty(b)
	inA, inB := 0, 0
	left := slices.Clone(b)
	for _, w := range a {
		if i := slices.IndexFunc(left, func(o string) bool { return kin(w, o) }); i >= 0 {
			inA += utf8.RuneCountInString(w)
			inB += utf8.RuneCountInString(left[i])
			left = slices.Delete(left, i, i+1)
		}
	}
	allA, allB := letters(a), letters(b)
	if inA == 0 {
		return 0
	}
	within := max(float64(inA)/float64(allA), float64(inB)/float64(allB))
	both := float64(inA+inB) / float64(allA+allB)
	return (within + both) / 2
}

// weighty leaves out words of one and two letters, unless there are no others.
func weighty(words []string) []string {
	long := slices.DeleteFunc(slices.Clone(words), func(w string) bool { return utf8.RuneCountInString(w) < 3 })
	if len(long) == 0 {
		return words
	}
	return long
}

func letters(words []string) (n int) {
	for _, w := range words {
		n += utf8.RuneCountInString(w)
	}
	return n
}

// kin tells whether two words are forms of one, as конкурент and конкуренту, or
// one is a slip of the other: they begin alike for more than half of the longer
// one and at least three letters, or differ in one letter of six.
func kin(a, b string) bool {
	if a == b {
		return true
	}
	ra, rb := []rune(a), []rune(b)
	longer := max(len(ra), len(rb))
	alike := 0
	for alike < min(len(ra), len(rb)) && ra[alike] == rb[alike] {
		alike++
	}
	return alike >= 3 && alike*5 >= longer*3 || longer >= 5 && levenshtein.ComputeDistance(a, b) <= (longer+1)/6
}

package starter

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/agnivade/levenshtein"

	"salesbook.dev/internal/book"
)

// ReasonProposal is a group of texts that say the same.
type ReasonProposal struct {
	Text      string   `json:"text"`                // the CRM's option, or else the most frequent spelling
	Option    bool     `json:"option"`              // the CRM offers it
	Deals     int      `json:"deals"`               // in all spellings
	Spellings []string `json:"spellings,omitempty"` // the others
	Refuse    bool     `json:"refuse"`              // it says nothing
}

// rare is how few deals a text that the CRM does not offer must have at least,
// unless it says nothing.
const rare = 3

// mostWritten bounds the texts that the CRM does not offer: nobody reads more.
const mostWritten = 30

// long is how many letters a text may have: longer ones are stories.
const long = 100

// group gathers what reps wrote: spellings of one text, and texts that are near
// one of the CRM's options. Of what is neither offered nor frequent nothing is
// said.
func group(options []string, reasons []Reason) []ReasonProposal {
	var out []ReasonProposal
	at := map[string]int{} // by folded text
	for _, o := range options {
		if _, known := at[letters(o)]; !known {
			at[letters(o)] = len(out)
			out = append(out, ReasonProposal{Text: o, Option: true, Refuse: empty(o)})
		}
	}
	for _, r := range reasons {
		if book.FoldReason(r.Text) == "" || utf8.RuneCountInString(r.Text) > long {
			continue
		}
		key := letters(r.Text)
		i, known := at[key]
		if !known {
			if i = nearest(out, key, empty(r.Text)); i < 0 {
				i = len(out)
				out = append(out, ReasonProposal{Text: r.Text, Refuse: empty(r.Text)})
			}
			at[key] = i
		}
		p := &out[i]
		p.Deals += r.Deals
		if !slices.ContainsFunc(append([]string{p.Text}, p.Spellings...), func(s string) bool { return book.FoldReason(s) == book.FoldReason(r.Text) }) {
			p.Spellings = append(p.Spellings, r.Text)
		}
	}
	slices.SortStableFunc(out, func(a, b ReasonProposal) int { return cmp.Compare(b.Deals, a.Deals) })
	written := map[bool]int{} // those that say nothing, and the others
	return slices.DeleteFunc(out, func(p ReasonProposal) bool {
		if p.Option {
			return false
		}
		if p.Deals < rare && !p.Refuse {
			return true
		}
		written[p.Refuse]++
		return written[p.Refuse] > mostWritten
	})
}

// nearest is the group whose text is a slip of the pen away; -1 if there is
// none. What says nothing is near to nothing else.
func nearest(groups []ReasonProposal, key string, says bool) int {
	best, distance := -1, utf8.RuneCountInString(key)/6+1
	for i := range groups {
		if groups[i].Refuse != says {
			continue
		}
		if d := levenshtein.ComputeDistance(key, letters(groups[i].Text)); d < distance {
			best, distance = i, d
		}
	}
	return best
}

// letters is a text as people mean it, without its blanks.
func letters(text string) string { return strings.ReplaceAll(book.FoldReason(text), " ", "") }

// empty tells whether a text says nothing about why a client did not buy.
func empty(text string) bool {
	key := letters(text)
	return utf8.RuneCountInString(key) < 2 || !strings.ContainsFunc(key, unicode.IsLetter) || slices.Contains(nothingSaid(), key)
}

// nothingSaid are the usual texts that are no reason, as letters has them: they
// speak of the rep, or of nothing.
func nothingSaid() []string {
	return []string{
		"other", "others", "none", "na", "unknown", "noreason", "test", "notime", "notinterested", "lost", "didnotpickup", "nopickup",
		"другое", "прочее", "иное", "нет", "неизвестно", "безпричины", "нетвремени", "невзялтрубку", "небереттрубку", "неинтересно",
		"inne", "inny", "brak", "nieznany", "brakczasu", "nieodbiera", "nieodebrał", "niezainteresowany", "niejestzainteresowany",
		"інше", "невідомо", "немаєчасу", "невзявслухавку", "неберетрубку", "нецікаво",
	}
}

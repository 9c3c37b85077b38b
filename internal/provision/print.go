package provision

import (
	"fmt"
	"strings"
)

// String is the plan in words.
func (p *Plan) String() string {
	var b strings.Builder
	if len(p.Steps) == 0 {
		b.WriteString("Nothing is to be done: the CRM has what the book asks for, as far as salesbook can make it.\n")
	} else {
		fmt.Fprintf(&b, "%d %s:\n", len(p.Steps), plural("step", len(p.Steps)))
	}
	for i, s := range p.Steps {
		fmt.Fprintf(&b, "%4d. %s\n", i+1, s.Text)
	}
	list(&b, "By hand:", p.ByHand)
	list(&b, "Later:", p.Later)
	list(&b, "Has nothing for:", p.Nothing)
	list(&b, "Leaves alone:", p.Alone)
	return b.String()
}

func list(b *strings.Builder, head string, lines []string) {
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s\n", head)
	for _, l := range lines {
		fmt.Fprintf(b, "  - %s\n", l)
	}
}

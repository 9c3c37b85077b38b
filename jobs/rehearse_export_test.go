package jobs

// MostTexts is how many different texts a rehearsal keeps.
const MostTexts = mostTexts

// CountTexts counts texts as a rehearsal does.
func CountTexts(list []string) ([]ReasonCount, int) {
	var t texts
	for _, text := range list {
		t.add(text)
	}
	return t.result()
}

package language

import (
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// Country names a country by its code of ISO 3166-1; the code itself if nobody
// knows it.
func (l Language) Country(code string) string {
	region, err := language.ParseRegion(code)
	if err != nil {
		return code
	}
	// The dictionaries are named one by one, so that the program carries four of
	// them and not all.
	names := display.English
	switch l {
	case Polish:
		names = display.Polish
	case Russian:
		names = display.Russian
	case Ukrainian:
		names = display.Ukrainian
	}
	return names.Regions().Name(region)
}

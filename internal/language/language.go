package language

import "golang.org/x/text/language"

// Language is one of the languages that people read, as ISO 639-1 has it.
type Language string

// The languages.
const (
	English   Language = "en"
	Polish    Language = "pl"
	Russian   Language = "ru"
	Ukrainian Language = "uk"
)

// All lists the languages.
func All() []Language { return []Language{English, Polish, Russian, Ukrainian} }

// Of is the language with a code; English for every other.
func Of(code string) Language {
	for _, l := range All() {
		if string(l) == code {
			return l
		}
	}
	return English
}

// tag is the language as the library has it.
func (l Language) tag() language.Tag {
	switch l {
	case Polish:
		return language.Polish
	case Russian:
		return language.Russian
	case Ukrainian:
		return language.Ukrainian
	}
	return language.English
}

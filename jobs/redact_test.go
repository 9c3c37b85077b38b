package jobs_test

import (
	"encoding/json"
	"testing"

	"salesbook.dev/internal/postgres"
	"salesbook.dev/jobs"
)

// TestRedactionFindsWhatAReaderWouldRead: reps and editors write the same in
// many ways.
func TestRedactionFindsWhatAReaderWouldRead(t *testing.T) {
	t.Parallel()
	person := postgres.Person{Name: "Ivan Petrov", Emails: []string{"ivan@x.ru"}, Phones: []string{"+37251234567", "+4646123456", "+37061234567", "+79161234567"}}
	for _, tc := range []struct{ name, doc, want string }{
		{"address", `"write to IVAN@x.ru."`, `"write to [erased]."`},
		{"address in quotes", `"'ivan@x.ru'"`, `"'[erased]'"`},
		{"address after a dash", `"-ivan@x.ru, --ivan@x.ru- ok"`, `"-[erased], --[erased] ok"`},
		{"address with an entity", `"ivan&#64;x.ru"`, `"[erased]"`},
		{"address in an attribute", `"<a href=\"mailto:ivan@x.ru\">him</a>"`, `"<a href=\"mailto:[erased]\">him</a>"`},
		{"another's address", `"'jivan@x.ru' ivan@x.ru.org x-ivan@x.ru"`, `"'jivan@x.ru' ivan@x.ru.org x-ivan@x.ru"`},

		{"name", `"Met IVAN  petrov today"`, `"Met [erased] today"`},
		{"name with a named entity", `"<p>Ivan&nbsp;Petrov</p>"`, `"<p>[erased]</p>"`},
		{"name with numbered entities", `"Ivan&#160;Petrov, Ivan&#xA0;Petrov, &#73;van Petrov"`, `"[erased], [erased], [erased]"`},
		{"name with a real no-break space", "\"Ivan\u00a0Petrov\"", `"[erased]"`},
		{"name with an escaped no-break space", `"Ivan\u00a0Petrov"`, `"[erased]"`},
		{"name with tags", `"<b>Ivan</b> <i>Petrov</i> &amp; Co"`, `"<b>[erased]</b><i></i> &amp; Co"`},
		{"name in quotes", `"'Ivan Petrov' -Ivan Petrov- Ivan 'Petrov'"`, `"'[erased]' -[erased]- [erased]'"`},
		{"others' names", `"Ivan &amp; Petrov-Vodkin, Ivanna Petrov"`, `"Ivan &amp; Petrov-Vodkin, Ivanna Petrov"`},

		{"number", `"+372 5123 4567"`, `"[erased]"`},
		{"number within the country", `"call 5123 4567!"`, `"call [erased]!"`},
		{"number within the country, no spaces", `"51234567"`, `"[erased]"`},
		{"number beside another", `"19 5123 4567"`, `"[erased]"`},
		{"number with entities", `"5123&nbsp;4567"`, `"[erased]"`},
		{"Swedish number", `"046-12 34 56"`, `"[erased]"`},
		{"Lithuanian number", `"(0-612) 34567"`, `"[erased]"`},
		{"Russian number", `"8 (916) 123-45-67"`, `"[erased]"`},
		{"digits inside another number", `"1512345670 5123 456"`, `"1512345670 5123 456"`},

		{"JSON number", `{"a": 37251234567, "b": [51234567], "c": 51234567.00, "d":79161234567}`, `{"a": "[erased]", "b": ["[erased]"], "c": "[erased]", "d":"[erased]"}`},
		{"other JSON numbers", `{"a": -51234567, "b": 51234567.5, "c": 5.1234567e7, "d": 151234567, "51234567": 1, "e": 4567}`, `{"a": -51234567, "b": 51234567.5, "c": 5.1234567e7, "d": 151234567, "51234567": 1, "e": 4567}`},
	} {
		got := jobs.Redacted(person, tc.doc, true)
		if got != tc.want {
			t.Errorf("%s: %s became %s, want %s", tc.name, tc.doc, got, tc.want)
		}
		if !json.Valid([]byte(got)) {
			t.Errorf("%s: %s is no JSON", tc.name, got)
		}
	}
}

// TestRedactionKeepsDays: eight digits that are a number somewhere are a day
// everywhere.
func TestRedactionKeepsDays(t *testing.T) {
	t.Parallel()
	person := postgres.Person{Name: "Mette Holm", Phones: []string{"+4520240512"}}
	for doc, want := range map[string]string{
		`"2024-05-12"`:                       `"2024-05-12"`,
		`"2024-05-12 10:11:12"`:              `"2024-05-12 10:11:12"`,
		`"2024-05-12T10:11:12.123456+02:00"`: `"2024-05-12T10:11:12.123456+02:00"`,
		`"2024-05-12T10:11:12Z"`:             `"2024-05-12T10:11:12Z"`,
		`"20 24 05 12"`:                      `"[erased]"`,
		`"tlf. 20240512"`:                    `"tlf. [erased]"`,
	} {
		if got := jobs.Redacted(person, doc, true); got != want {
			t.Errorf("%s became %s, want %s", doc, got, want)
		}
	}
}

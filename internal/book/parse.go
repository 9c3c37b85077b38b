package book

import (
	"salesbook.dev/internal/strictyaml"
)

// Problems is everything found wrong with a book.
type Problems = strictyaml.Problems

// document is what a book is to the reader of YAML.
func document() strictyaml.Document {
	return strictyaml.Document{Noun: "book", Hint: "a book states rules, not data"}
}

// Parse reads a book from YAML and checks what can be checked without a CRM.
// name stands for the text in messages, usually a file's name. The error is
// Problems, each with file, line and column.
//
// Only the plain part of YAML is accepted, see package strictyaml.
func Parse(name string, text []byte) (*Book, error) {
	root, problem := document().Parse(name, text)
	if problem != nil {
		return nil, Problems{problem}
	}
	b := &Book{At: Place{File: name}}
	problems := strictyaml.Decode(name, root, b)
	if len(problems) == 0 {
		problems = check(b)
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return b, nil
}

// schemaID names the schema in editors.
const schemaID = "https://salesbook.dev/schema/book-1.json"

// Schema returns the JSON Schema of books, for editors that complete and check
// while somebody types.
func Schema() map[string]any { return strictyaml.Schema(schemaID, "Sales book", &Book{}) }

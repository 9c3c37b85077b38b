// Package strictyaml reads documents that people write by hand, maps and books,
// from the plain part of YAML: mappings, lists and scalars. It keeps the place
// of everything, so that whoever finds fault with a value can point at it, and
// tells what two documents of a kind say differently.
//
// A text over 1 MB, aliases, anchors, tags, merge keys, several documents and
// keys that stand twice are refused.
package strictyaml

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

const secondDocument = "a second document begins"

// The bounds of a text.
const (
	MaxText  = 1 << 20 // bytes
	maxDepth = 16      // brackets within brackets, and list dashes on one line
	MaxRun   = 2000    // tokens of one line, or of one bracket: the parser's time grows with their square
	MaxWords = 50_000  // tokens of the whole text, for the same reason
)

// Document is what a text is to be, as messages call it.
type Document struct {
	Noun string // "map"
	Hint string // for a text that is far too long: what such a document holds and what not
}

// Parse returns the top node of the only document in text; nil for an empty
// one. name stands for the text in messages, usually a file's name.
func (d Document) Parse(name string, text []byte) (ast.Node, *Problem) {
	top := Place{File: name}
	switch {
	case len(text) > MaxText:
		return nil, &Problem{Place: top, Reason: "the " + d.Noun + " is longer than 1 MB", Hint: d.Hint}
	case !utf8.Valid(text):
		return nil, &Problem{Place: top, Reason: "the text is not UTF-8", Hint: "save it as UTF-8"}
	case bytes.IndexByte(text, 0) >= 0:
		return nil, &Problem{Place: top, Reason: "the text holds a NUL byte"}
	}
	tree, problem := d.parse(name, string(text))
	if problem != nil {
		return nil, problem
	}
	var root ast.Node
	for _, doc := range tree.Docs {
		if doc.Body == nil || doc.Body.Type() == ast.CommentType {
			continue
		}
		if root != nil {
			return nil, &Problem{Place: PlaceOf(name, doc.Body.GetToken()), Reason: secondDocument, Hint: "a " + d.Noun + " is one document; remove the ---"}
		}
		root = doc.Body
	}
	return root, nil
}

// parse guards the parser: it recurses without a bound, so depth is checked on
// the tokens first, and a panic of it must not take the process down with a
// text that somebody typed.
func (d Document) parse(name, text string) (file *ast.File, problem *Problem) {
	defer func() {
		if r := recover(); r != nil {
			problem = &Problem{Place: Place{File: name}, Reason: "the text cannot be read as YAML", Value: Shorten(fmt.Sprint(r))}
		}
	}()
	tokens := lexer.Tokenize(text)
	if problem := d.checkTokens(name, tokens); problem != nil {
		return nil, problem
	}
	file, err := parser.Parse(tokens, 0)
	if err == nil {
		return file, nil
	}
	problem = &Problem{Place: Place{File: name}, Reason: err.Error()}
	if where, ok := errors.AsType[yaml.Error](err); ok {
		problem.Place, problem.Reason = PlaceOf(name, where.GetToken()), where.GetMessage()
	}
	return nil, problem
}

// forbidden names the parts of YAML that such a document does not need and that hide
// what it says, or blow it up; empty for all others.
func forbidden(t token.Type) string {
	switch t {
	case token.AnchorType:
		return "anchors (&)"
	case token.AliasType:
		return "aliases (*)"
	case token.TagType:
		return "tags (!)"
	case token.MergeKeyType:
		return "merge keys (<<)"
	case token.DirectiveType:
		return "directives (%)"
	case token.MappingKeyType:
		return "complex keys (?)"
	case token.DocumentEndType:
		return "document ends (...)"
	}
	return ""
}

func (d Document) checkTokens(name string, tokens token.Tokens) *Problem {
	depth, dashes, run, line := 0, 0, 0, 0
	for i, t := range tokens {
		if t.Type == token.DocumentHeaderType && i > 0 && tokens[i-1].Type != token.CommentType {
			return &Problem{Place: PlaceOf(name, t), Reason: secondDocument, Hint: "a " + d.Noun + " is one document; remove the ---"}
		}
		if what := forbidden(t.Type); what != "" {
			return &Problem{Place: PlaceOf(name, t), Reason: what + " are not allowed in a " + d.Noun, Hint: "write it out, or quote the text"}
		}
		if depth <= 0 && t.Position != nil && t.Position.Line != line {
			line, dashes, run = t.Position.Line, 0, 0
		}
		run++
		switch t.Type {
		case token.MappingStartType, token.SequenceStartType:
			depth++
		case token.MappingEndType, token.SequenceEndType:
			depth--
		case token.SequenceEntryType:
			dashes++
		}
		switch {
		case depth > maxDepth, dashes > maxDepth:
			return &Problem{Place: PlaceOf(name, t), Reason: "nested too deeply for a " + d.Noun}
		case i > MaxWords:
			return &Problem{Place: PlaceOf(name, t), Reason: "the " + d.Noun + " is too large", Hint: d.Hint}
		case run > MaxRun:
			return &Problem{Place: PlaceOf(name, t), Reason: "too much on one line or in one bracket", Hint: "write one key a line"}
		}
	}
	return nil
}

// PlaceOf returns where a token of the named text stands.
func PlaceOf(name string, t *token.Token) Place {
	if t == nil || t.Position == nil {
		return Place{File: name}
	}
	return Place{File: name, Line: t.Position.Line, Column: t.Position.Column}
}

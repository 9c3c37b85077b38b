package mapping

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

const (
	maxText  = 1 << 20 // bytes of a map; the default maps have some ten thousand
	maxDepth = 16      // brackets within brackets, and list dashes on one line
	maxRun   = 2000    // tokens of one line, or of one bracket: the parser's time grows with their square
	maxWords = 50_000  // tokens of the whole text, for the same reason; the default maps have some three thousand
)

const secondDocument = "a second document begins"

// Parse reads a map from YAML. name stands for the text in messages, usually a
// file's name. The error is Problems with file, line and column.
//
// Only the plain part of YAML is accepted: mappings, lists and scalars. A text
// over 1 MB, aliases, anchors, tags, merge keys, several documents and keys
// that stand twice are refused.
func Parse(name string, text []byte) (*File, error) {
	root, problem := document(name, text)
	if problem != nil {
		return nil, Problems{problem}
	}
	r := reader{name: name}
	f := r.file(root)
	if err := r.problems.err(); err != nil {
		return nil, err
	}
	return f, nil
}

// document returns the top node of the only document in text; nil for an empty one.
func document(name string, text []byte) (ast.Node, *Problem) {
	top := Place{File: name}
	switch {
	case len(text) > maxText:
		return nil, &Problem{Place: top, Reason: "the map is longer than 1 MB", Hint: "a map lists fields, not data"}
	case !utf8.Valid(text):
		return nil, &Problem{Place: top, Reason: "the text is not UTF-8", Hint: "save it as UTF-8"}
	case bytes.IndexByte(text, 0) >= 0:
		return nil, &Problem{Place: top, Reason: "the text holds a NUL byte"}
	}
	tree, problem := parseYAML(name, string(text))
	if problem != nil {
		return nil, problem
	}
	var root ast.Node
	for _, doc := range tree.Docs {
		if doc.Body == nil || doc.Body.Type() == ast.CommentType {
			continue
		}
		if root != nil {
			return nil, &Problem{Place: placeOf(name, doc.Body.GetToken()), Reason: secondDocument, Hint: "a map is one document; remove the ---"}
		}
		root = doc.Body
	}
	return root, nil
}

// parseYAML guards the parser: it recurses without a bound, so depth is
// checked on the tokens first, and a panic of it must not take the process
// down with a map that somebody typed.
func parseYAML(name, text string) (file *ast.File, problem *Problem) {
	defer func() {
		if r := recover(); r != nil {
			problem = &Problem{Place: Place{File: name}, Reason: "the text cannot be read as YAML", Value: shorten(fmt.Sprint(r))}
		}
	}()
	tokens := lexer.Tokenize(text)
	if problem := checkTokens(name, tokens); problem != nil {
		return nil, problem
	}
	file, err := parser.Parse(tokens, 0)
	if err == nil {
		return file, nil
	}
	problem = &Problem{Place: Place{File: name}, Reason: err.Error()}
	if where, ok := errors.AsType[yaml.Error](err); ok {
		problem.Place, problem.Reason = placeOf(name, where.GetToken()), where.GetMessage()
	}
	return nil, problem
}

// forbidden names the parts of YAML that a map does not need and that hide
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

func checkTokens(name string, tokens token.Tokens) *Problem {
	depth, dashes, run, line := 0, 0, 0, 0
	for i, t := range tokens {
		if t.Type == token.DocumentHeaderType && i > 0 && tokens[i-1].Type != token.CommentType {
			return &Problem{Place: placeOf(name, t), Reason: secondDocument, Hint: "a map is one document; remove the ---"}
		}
		if what := forbidden(t.Type); what != "" {
			return &Problem{Place: placeOf(name, t), Reason: what + " are not allowed in a map", Hint: "write it out, or quote the text"}
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
			return &Problem{Place: placeOf(name, t), Reason: "nested too deeply for a map"}
		case i > maxWords:
			return &Problem{Place: placeOf(name, t), Reason: "the map is too large", Hint: "a map lists fields, not data"}
		case run > maxRun:
			return &Problem{Place: placeOf(name, t), Reason: "too much on one line or in one bracket", Hint: "write one key a line"}
		}
	}
	return nil
}

func placeOf(name string, t *token.Token) Place {
	if t == nil || t.Position == nil {
		return Place{File: name}
	}
	return Place{File: name, Line: t.Position.Line, Column: t.Position.Column}
}

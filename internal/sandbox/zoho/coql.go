package zoho

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// query is a parsed COQL select (fact sheet 2.3 and the vendor's COQL overview).
type query struct {
	fields        []string
	module        string
	where         *cond
	orders        []ordering
	limit, offset int
	criteria      int // conditions in where
}

type ordering struct {
	field string
	desc  bool
}

// cond is a condition: two joined by and/or, or one comparison.
type cond struct {
	join        string // and, or; "" is a comparison
	left, right *cond

	field string
	op    string // = != > >= < <= in, not in, between, not between, is null, is not null, like, not like
	args  []string
}

// The vendor's bounds of a query (fact sheet 2.3, 2026-11-21).
const (
	maxSelect   = 500
	maxCriteria = 25
	maxIn       = 100
	maxOrders   = 10
	maxRows     = 2000
	maxReach    = 100_000
)

// coqlToken is a word, an operator, a text or the end.
type coqlToken struct {
	kind byte // w word or number, s text, o operator or punctuation, 0 the end
	text string
	at   int
}

func lexCOQL(text string) ([]coqlToken, error) {
	var out []coqlToken
	for i := 0; i < len(text); {
		ch := text[i]
		start := i
		switch {
		case ch == ' ' || ch == '\n' || ch == '\t' || ch == '\r':
			i++
		case ch == '\'' || ch == '"':
			s, next, ok := quoted(text, i)
			if !ok {
				return nil, syntax(text, i)
			}
			out = append(out, coqlToken{'s', s, start})
			i = next
		case strings.IndexByte("(),", ch) >= 0:
			out = append(out, coqlToken{'o', text[i : i+1], start})
			i++
		case strings.IndexByte("=!<>", ch) >= 0:
			i++
			if i < len(text) && (text[i] == '=' || text[i] == '>') {
				i++
			}
			out = append(out, coqlToken{'o', text[start:i], start})
		case wordByte(ch):
			for i < len(text) && wordByte(text[i]) {
				i++
			}
			out = append(out, coqlToken{'w', text[start:i], start})
		default:
			return nil, syntax(text, i)
		}
	}
	return append(out, coqlToken{0, "", len(text)}), nil
}

func wordByte(c byte) bool {
	return c == '_' || c == '.' || c == '$' || c == '-' || c == '+' || c == ':' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// quoted reads a text in quotes; a backslash keeps the next byte from ending it.
func quoted(text string, i int) (string, int, bool) {
	quote := text[i]
	var b strings.Builder
	for i++; i < len(text); i++ {
		switch {
		case text[i] == '\\' && i+1 < len(text):
			i++
			b.WriteByte(text[i])
		case text[i] == quote:
			return b.String(), i + 1, true
		default:
			b.WriteByte(text[i])
		}
	}
	return "", i, false
}

func syntax(text string, at int) error {
	near := text[min(at, len(text)):]
	return bad("SYNTAX_ERROR", "invalid query formed", object{"line": 1, "column": at + 1, "near": near[:min(len(near), 30)]})
}

func missingClause(clause string) error {
	return bad("SYNTAX_ERROR", "missing clause", object{"clause": clause})
}

type coqlParser struct {
	text string
	toks []coqlToken
	q    query
}

func parseCOQL(text string) (query, error) {
	toks, err := lexCOQL(text)
	if err != nil {
		return query{}, err
	}
	p := &coqlParser{text: text, toks: toks, q: query{limit: 200}}
	for _, part := range []func() error{p.selectPart, p.fromPart, p.wherePart, p.orderPart, p.limitPart} {
		if err := part(); err != nil {
			return query{}, err
		}
	}
	if p.peek().kind != 0 {
		return query{}, p.wrong()
	}
	return p.q, p.q.check()
}

func (p *coqlParser) peek() coqlToken { return p.toks[0] }

func (p *coqlParser) take() coqlToken {
	t := p.toks[0]
	if t.kind != 0 {
		p.toks = p.toks[1:]
	}
	return t
}

func (p *coqlParser) wrong() error { return syntax(p.text, p.peek().at) }

// word takes the keyword if it comes next.
func (p *coqlParser) word(keyword string) bool {
	if t := p.peek(); t.kind != 'w' || !strings.EqualFold(t.text, keyword) {
		return false
	}
	p.take()
	return true
}

func (p *coqlParser) sign(s string) bool {
	if t := p.peek(); t.kind != 'o' || t.text != s {
		return false
	}
	p.take()
	return true
}

func (p *coqlParser) selectPart() error {
	if !p.word("select") {
		return missingClause("select")
	}
	for {
		t := p.take()
		if t.kind != 'w' {
			return syntax(p.text, t.at)
		}
		p.q.fields = append(p.q.fields, t.text)
		if !p.sign(",") {
			return nil
		}
	}
}

func (p *coqlParser) fromPart() error {
	if !p.word("from") {
		return missingClause("from")
	}
	t := p.take()
	if t.kind != 'w' {
		return syntax(p.text, t.at)
	}
	p.q.module = t.text
	return nil
}

func (p *coqlParser) wherePart() (err error) {
	if !p.word("where") {
		return missingClause("where")
	}
	p.q.where, err = p.pair()
	return err
}

// pair is one condition or two: more have to be bracketed in pairs.
func (p *coqlParser) pair() (*cond, error) {
	left, err := p.operand()
	if err != nil {
		return nil, err
	}
	join := ""
	switch {
	case p.word("and"):
		join = "and"
	case p.word("or"):
		join = "or"
	default:
		return left, nil
	}
	right, err := p.operand()
	if err != nil {
		return nil, err
	}
	if t := p.peek(); t.kind == 'w' && (strings.EqualFold(t.text, "and") || strings.EqualFold(t.text, "or")) {
		return nil, p.wrong()
	}
	return &cond{join: join, left: left, right: right}, nil
}

func (p *coqlParser) operand() (*cond, error) {
	if !p.sign("(") {
		return p.comparison()
	}
	c, err := p.pair()
	if err != nil {
		return nil, err
	}
	if !p.sign(")") {
		return nil, p.wrong()
	}
	return c, nil
}

func (p *coqlParser) comparison() (*cond, error) {
	t := p.take()
	if t.kind != 'w' {
		return nil, syntax(p.text, t.at)
	}
	p.q.criteria++
	c := &cond{field: t.text}
	not := p.word("not")
	switch {
	case p.word("is"):
		return c, p.null(c)
	case p.word("in"):
		c.op = "in"
		return negated(c, not), p.list(c)
	case p.word("between"):
		c.op = "between"
		return negated(c, not), p.span(c)
	case p.word("like"):
		c.op = "like"
		return negated(c, not), p.value(c)
	}
	op := p.take()
	if op.kind != 'o' || not || !slices.Contains([]string{"=", "!=", "<>", ">", ">=", "<", "<="}, op.text) {
		return nil, syntax(p.text, op.at)
	}
	if c.op = op.text; c.op == "<>" {
		c.op = "!="
	}
	return c, p.value(c)
}

func negated(c *cond, not bool) *cond {
	if not {
		c.op = "not " + c.op
	}
	return c
}

func (p *coqlParser) null(c *cond) error {
	c.op = "is null"
	if p.word("not") {
		c.op = "is not null"
	}
	if !p.word("null") {
		return p.wrong()
	}
	return nil
}

func (p *coqlParser) value(c *cond) error {
	t := p.take()
	if t.kind != 'w' && t.kind != 's' {
		return syntax(p.text, t.at)
	}
	c.args = append(c.args, t.text)
	return nil
}

func (p *coqlParser) list(c *cond) error {
	if !p.sign("(") {
		return p.wrong()
	}
	for {
		if err := p.value(c); err != nil {
			return err
		}
		if p.sign(")") {
			return nil
		}
		if !p.sign(",") {
			return p.wrong()
		}
	}
}

func (p *coqlParser) span(c *cond) error {
	if err := p.value(c); err != nil {
		return err
	}
	if !p.word("and") {
		return p.wrong()
	}
	return p.value(c)
}

func (p *coqlParser) orderPart() error {
	if !p.word("order") {
		return nil
	}
	if !p.word("by") {
		return p.wrong()
	}
	for {
		t := p.take()
		if t.kind != 'w' {
			return syntax(p.text, t.at)
		}
		o := ordering{field: t.text}
		if p.word("desc") {
			o.desc = true
		} else {
			p.word("asc")
		}
		p.q.orders = append(p.q.orders, o)
		if !p.sign(",") {
			return nil
		}
	}
}

// limitPart reads "limit n", "limit offset, n" and "limit n offset m".
func (p *coqlParser) limitPart() (err error) {
	if p.word("limit") {
		if p.q.limit, err = p.whole(); err != nil {
			return err
		}
		if p.sign(",") {
			p.q.offset = p.q.limit
			if p.q.limit, err = p.whole(); err != nil {
				return err
			}
		}
	}
	if p.word("offset") {
		p.q.offset, err = p.whole()
	}
	return err
}

func (p *coqlParser) whole() (int, error) {
	t := p.take()
	n, err := strconv.Atoi(t.text)
	if err != nil || n < 0 {
		return 0, syntax(p.text, t.at)
	}
	return n, nil
}

// check holds a query to the vendor's bounds.
func (q query) check() error {
	over := func(what string, limit int) error {
		return bad("LIMIT_EXCEEDED", fmt.Sprintf("%s: no more than %d", what, limit), object{"limit": limit})
	}
	switch {
	case len(q.fields) > maxSelect:
		return over("select columns", maxSelect)
	case q.criteria > maxCriteria:
		return over("criteria", maxCriteria)
	case len(q.orders) > maxOrders:
		return over("order by", maxOrders)
	case q.limit > maxRows:
		return over("limit", maxRows)
	case q.offset+q.limit > maxReach:
		return over("offset and limit", maxReach)
	}
	return q.where.each(func(c *cond) error {
		if len(c.args) > maxIn {
			return over("values of in", maxIn)
		}
		return nil
	})
}

// each visits every comparison until one is wrong.
func (c *cond) each(f func(*cond) error) error {
	if c.join == "" {
		return f(c)
	}
	if err := c.left.each(f); err != nil {
		return err
	}
	return c.right.each(f)
}

// price is what a query costs: by the rows it may return.
func (q query) price() int64 {
	switch {
	case q.limit <= 200:
		return 1
	case q.limit <= 1000:
		return 2
	}
	return 3
}

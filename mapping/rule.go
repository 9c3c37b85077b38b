package mapping

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/sales"
)

// failer reports what is wrong with the rule at hand.
type failer func(value, reason, hint string)

// rule compiles one source of a field. It is false when the source is wrong;
// the reason is among the problems then.
func (c *compiler) rule(t *target, r *rule) (*source, bool) {
	failed := false
	fail := failer(func(value, reason, hint string) {
		failed = true
		c.fail(r.place, t.Name, value, reason, hint)
	})
	s := &source{target: t, rule: r, region: c.file.region, each: path(r.each), first: r.first, pick: r.pick, slot: -1, second: -1, when: -1}
	s.choose(r, fail)
	if failed {
		return nil, false
	}
	switch {
	case r.parent:
		s.parent = true
		if t.Type != sales.Ref && t.Type != sales.Text {
			fail("", "the parent's id is a text, the field holds "+t.Type.String(), "")
		}
	case r.constant != nil:
		s.fixed = s.literal("the constant", *r.constant, fail)
		if text, ok := s.fixed.(string); ok && t.Type == sales.Texts {
			s.fixed = []string{text}
		}
	case r.custom != "":
		c.custom(s, r, fail)
	default:
		c.from(s, r, fail)
	}
	s.table(r, fail)
	if r.when != "" {
		c.use(slotKey{key: r.when}, "", &s.when)
	}
	switch {
	case r.is != "" && r.when == "":
		fail("", "is needs when", "as in {from: Stage_Modified_Time, when: stage_key, is: Closed Won}")
	case r.is != "" && s.labels != nil:
		fail("", "is stands with no other rule that reads options", "leave as out")
	case r.is != "":
		s.is = r.is
		c.outcomes(s)
	}
	return s, !failed
}

// choose picks the rule's transform and checks that it makes what the field
// holds, and that the rule's other keys make sense with it.
func (s *source) choose(r *rule, fail failer) {
	name := r.as
	if name == "" {
		name = defaultTransforms[s.target.Type]
	}
	s.transform, _ = transformByName(name)
	makes := s.makes
	if s.target.Type == sales.Texts && makes == sales.Text {
		makes = sales.Texts
	}
	if makes != s.target.Type {
		fail("", "as: "+name+" makes "+s.makes.String()+", the field holds "+s.target.Type.String(), "leave as out, or choose a transform that fits")
	}
	s.decideOtherwise(r, fail)
	switch {
	case r.currency != "" && name != "minor":
		fail("", "only as: minor takes a currency", "map the currency to a field of its own")
	case r.pick != nil && name != "json":
		fail("", "only as: json takes pick", "")
	case r.each != "" && s.walks && name != "any":
		fail("", "as: "+name+" reads whole items, without each", "")
	case r.first != "" && r.each == "":
		fail("", "first needs each", "as in {from: emails, each: value, first: primary}")
	case name == "any" && r.each == "":
		fail("", "as: any needs each", "as in {from: access, each: admin, as: any}")
	case name == "day_and_time" && len(r.from) != 2:
		fail("", "as: day_and_time reads two fields", "as in {from: [due_date, due_time], as: day_and_time}")
	case name != "day_and_time" && len(r.from) > 1:
		fail("", "from takes one field", "first_of tries several")
	}
}

// decideOtherwise settles what happens to values that cannot be converted.
func (s *source) decideOtherwise(r *rule, fail failer) {
	keepable := s.text != nil && s.target.Enum == nil
	switch {
	case r.otherwise == otherwiseKeep && !keepable:
		fail("", "otherwise: keep is only for texts without a fixed list of values", "use null or error")
	case r.otherwise != "":
		s.otherwise = r.otherwise
	case s.fallback == otherwiseKeep && !keepable, r.values != nil:
		s.otherwise = otherwiseError
	default:
		s.otherwise = s.fallback
	}
}

// literal converts a value that the map itself holds; whatever the rule does
// with odd values of records, its own must fit.
func (s *source) literal(what string, v connectors.Value, fail failer) any {
	if v.Kind == connectors.Null {
		return nil
	}
	strict := *s
	strict.otherwise, strict.values, strict.named = otherwiseError, nil, false
	out, no := strict.convertOne(&v, nil)
	if no != fine {
		hint := refusals[no].reason
		if s.target.Enum != nil {
			hint = "allowed: " + strings.Join(s.target.Enum, ", ")
		}
		fail(v.Text, what+" does not fit a field that holds "+s.target.Type.String(), hint)
	}
	return out
}

// custom finds the custom field that the rule names.
func (c *compiler) custom(s *source, r *rule, fail failer) {
	kind := c.source.dictionaryKind()
	def, steps, problem := c.dictionary.find(kind, r.custom)
	if problem != nil {
		fail(problem.Value, problem.Reason, problem.Hint)
		return
	}
	c.used = append(c.used, fmt.Sprintf("custom %q %q %q", kind, r.custom, def.Code))
	s.steps = steps
	c.use(slotKey{key: def.Code, custom: true}, "", &s.slot)
	c.options(s, r, def, fail)
	if r.currency != "" {
		c.currency(s, r.currency)
	}
}

// from reads standard fields by name; a dot leads into a nested one.
func (c *compiler) from(s *source, r *rule, fail failer) {
	for _, name := range r.from {
		if slices.Contains(path(name), "") {
			fail(name, "from is no path", "as in value.amount")
			return
		}
	}
	key := c.read(r.from[0], &s.slot, &s.steps)
	switch {
	case len(r.from) == 2:
		c.read(r.from[1], &s.second, &s.secondSteps)
	case r.currency != "":
		c.currency(s, r.currency)
	}
	if r.as == homeTransform || r.as == "minor" {
		c.home(s)
	}
	if r.as == outcomeTransform {
		c.outcomes(s)
		return
	}
	def, known := c.dictionary.Field(c.source.dictionaryKind(), key)
	if r.as == "label" && !known {
		fail(key, "the account's field definitions do not have this field, so its labels are unknown", "leave as: label out")
		return
	}
	if known && !def.Custom {
		c.options(s, r, def, fail)
	}
}

// read notes a path that a rule reads, and returns the field it starts from.
func (c *compiler) read(name string, slot *int, steps *[]string) string {
	words := path(name)
	*steps = words[1:]
	part := ""
	if len(words) > 1 {
		part = words[1]
	}
	c.use(slotKey{key: words[0]}, part, slot)
	return words[0]
}

// currency notes the field, or the part of one, that holds an amount's currency.
func (c *compiler) currency(s *source, name string) { c.read(name, &s.second, &s.secondSteps) }

// options gives a rule what the field's definition says about its options.
func (c *compiler) options(s *source, r *rule, def FieldDef, fail failer) {
	s.split = c.classes[def.Type] == idsClass
	if s.split && s.target.Type == sales.Texts {
		c.used = append(c.used, fmt.Sprintf("ids %q %q", c.source.dictionaryKind(), def.Code))
	}
	if r.as != "label" {
		return
	}
	if len(def.Options) == 0 {
		fail(def.Name, "the field has no options, so there are no labels", "leave as: label out")
	}
	s.labels = make(map[string]string, len(def.Options))
	for _, o := range def.Options {
		s.labels[o.ID] = o.Label
		c.used = append(c.used, fmt.Sprintf("label %q %q %q %q", c.source.dictionaryKind(), def.Code, o.ID, o.Label))
	}
}

// outcomes gives a rule what the account's stages say. There may be none yet: a
// map is compiled before anything of an account is known.
func (c *compiler) outcomes(s *source) {
	kind := c.source.dictionaryKind()
	s.labels = map[string]string{}
	for _, def := range c.dictionary.of(kind) {
		if def.Type != outcomeType {
			continue
		}
		for _, o := range def.Options {
			s.labels[o.ID] = o.Label
			c.used = append(c.used, fmt.Sprintf("outcome %q %q %q", kind, o.ID, o.Label))
		}
	}
}

// home gives a rule the account's own currency, if it is known.
func (c *compiler) home(s *source) {
	for _, def := range c.dictionary.of(c.source.dictionaryKind()) {
		if def.Type != homeType {
			continue
		}
		for _, o := range def.Options {
			if !o.Deleted {
				s.home = o.ID
				c.used = append(c.used, fmt.Sprintf("home currency %q", o.ID))
			}
		}
	}
}

// table converts the rule's values once.
func (s *source) table(r *rule, fail failer) {
	if r.values == nil {
		return
	}
	if r.constant != nil || r.parent || len(r.from) > 1 {
		fail("", "values needs one field to read", "")
		return
	}
	table := make(map[string]any, len(r.values))
	for _, key := range slices.Sorted(maps.Keys(r.values)) {
		table[key] = s.literal("values: "+key, r.values[key], fail)
	}
	s.values = table
}

// path splits a dotted path; nil for none.
func path(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ".")
}

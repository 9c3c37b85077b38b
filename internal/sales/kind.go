// Package sales is the canonical model: what a deal, a person or a stage is,
// whichever system it came from. It imports nothing of ours.
//
// The kinds are described once, as data. The mapping engine checks maps
// against them, the store writes rows by them, the documentation lists them.
package sales

// Type is the type of a canonical field. The comment names the Go type of a
// non-null value in Row.Values; nil stands for null everywhere.
type Type uint8

// The types.
const (
	Text    Type = iota // string, valid UTF-8 without NUL
	Ref                 // string: the external id of another record of the same connection; resolved later, may dangle
	Integer             // int64
	Decimal             // decimal.Decimal (shopspring), exact
	Bool                // bool
	Instant             // time.Time in UTC, microseconds
	Date                // string YYYY-MM-DD, a day without a zone
	Texts               // []string
	JSON                // json.RawMessage, valid JSON without NUL
)

var typeNames = [...]string{"text", "ref", "integer", "decimal", "bool", "instant", "date", "texts", "json"}

// String returns the type's name as used in maps' error messages.
func (t Type) String() string { return typeNames[t] }

// Field is one column of a kind.
type Field struct {
	Name string
	Type Type
	To   string   // only Ref: the kind it points to
	Enum []string // only Text: the allowed values; nil means any
	// Required fields are never null: a record without one cannot be mapped.
	Required bool
	Doc      string
}

// Kind is one table of canonical rows.
type Kind struct {
	Name   string // plural, the table's name
	One    string // singular, as in `salesbook show deal`
	Doc    string
	Fields []Field
	// Custom tells that rows of this kind carry a custom document.
	Custom bool
	// Judged tells that rows are subjects of the sales book: a change makes
	// them dirty.
	Judged bool
}

// Index returns the position of the named field in Fields and in Row.Values,
// or -1.
func (k *Kind) Index(name string) int {
	for i := range k.Fields {
		if k.Fields[i].Name == name {
			return i
		}
	}
	return -1
}

// Row is one canonical row.
type Row struct {
	ID     string // the vendor's id
	Values []any  // aligned with Kind.Fields, see Type
	Custom []byte // JSON object: custom and unmapped fields by the vendor's code; nil where the kind has none
}

// KindByName returns the kind with the given name.
func KindByName(name string) (*Kind, bool) {
	for _, k := range Kinds() {
		if k.Name == name || k.One == name {
			return k, true
		}
	}
	return nil, false
}

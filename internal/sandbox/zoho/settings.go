package zoho

import (
	"encoding/json"
	"slices"
)

// settings are what an administrator sets up. They never change in place:
// tx.configure works on a copy.
type settings struct {
	Modules    []*module    `json:"modules"`
	Pipelines  []*pipeline  `json:"pipelines"`
	Blueprints []*blueprint `json:"blueprints"`
	Layouts    []layout     `json:"layouts,omitempty"` // of deals, besides the standard one

	byName map[string]*module
}

// module is a kind of records.
type module struct {
	ID       int64    `json:"id"`
	APIName  string   `json:"api_name"`
	Singular string   `json:"singular"`
	Plural   string   `json:"plural"`
	Custom   bool     `json:"custom,omitempty"`
	Layout   int64    `json:"layout"`
	Name     string   `json:"name"` // the field that names a record
	Parent   string   `json:"parent,omitempty"`
	Fields   []*field `json:"fields"`

	byName map[string]*field
}

// field is one column of a module.
type field struct {
	ID        int64    `json:"id"`
	APIName   string   `json:"api_name"`
	Label     string   `json:"label"`
	Type      string   `json:"type"` // data_type
	Custom    bool     `json:"custom,omitempty"`
	Mandatory bool     `json:"mandatory,omitempty"`
	Demanded  bool     `json:"demanded,omitempty"` // by the layout
	ReadOnly  bool     `json:"read_only,omitempty"`
	Length    int      `json:"length,omitempty"`
	Target    string   `json:"target,omitempty"`  // of a lookup: the module, "*" for any
	Formula   string   `json:"formula,omitempty"` // path through a lookup whose value it shows: "Account_Name.Annual_Revenue"
	Options   []option `json:"options,omitempty"`
}

// option is a value of a picklist.
type option struct {
	ID      int64  `json:"id"`
	Actual  string `json:"actual"`
	Display string `json:"display"`
	Unused  bool   `json:"unused,omitempty"`
	// Of a stage that was made by hand.
	Forecast    string `json:"forecast,omitempty"`
	Probability int    `json:"probability,omitempty"`
}

// must tells whether a record has to have it.
func (f *field) must() bool { return f.Mandatory || f.Demanded }

func (f *field) option(actual string) *option {
	i := slices.IndexFunc(f.Options, func(o option) bool { return o.Actual == actual && !o.Unused })
	if i < 0 {
		return nil
	}
	return &f.Options[i]
}

// index builds the lookups by name, after settings were read or changed.
func (c *settings) index() {
	c.byName = map[string]*module{}
	for _, m := range c.Modules {
		c.byName[m.APIName] = m
		m.byName = map[string]*field{}
		for _, f := range m.Fields {
			m.byName[f.APIName] = f
		}
	}
}

func (c *settings) module(name string) *module { return c.byName[name] }

func (m *module) field(name string) *field { return m.byName[name] }

// clone is a deep copy, by the same way as the journal's.
func (c *settings) clone() *settings {
	out := &settings{}
	if c == nil {
		return out
	}
	b, err := json.Marshal(c)
	if err == nil {
		err = json.Unmarshal(b, out)
	}
	if err != nil {
		panic("zoho simulator: settings cannot be copied: " + err.Error())
	}
	out.index()
	return out
}

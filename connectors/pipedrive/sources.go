package pipedrive

import (
	"net/url"
	"time"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
)

// The objects, by the vendor's names.
const (
	users              = "users"
	activityTypes      = "activityTypes"
	dealFields         = "dealFields"
	personFields       = "personFields"
	organizationFields = "organizationFields"
	productFields      = "productFields"
	activityFields     = "activityFields"
	pipelines          = "pipelines"
	stages             = "stages"
	organizations      = "organizations"
	persons            = "persons"
	products           = "products"
	deals              = "deals"
	dealProducts       = "dealProducts"
	leads              = "leads"
	activities         = "activities"
	notes              = "notes"
	dealChanges        = "dealChanges"
)

const (
	// pageLimit is the most that lists give at once: 500 (OpenAPI v2; for v1
	// the guide on pagination says so, the OpenAPI document is silent).
	pageLimit = 500
	// idsLimit bounds ids= and deal_ids= (OpenAPI v2).
	idsLimit = 100
	// changesLimit bounds one Fetch of changelogs: each deal costs 20 tokens.
	changesLimit = 10
)

// source says where an object's records are found.
type source struct {
	connectors.Object
	shape string
	key   string // the field that holds the id; empty: records have none
	legs  []leg  // the lists that hold the records between them
	one   string // path before the id of a single record; empty: there is none
	byIDs bool   // the first leg's list takes ids=
	query url.Values
	// inactive tells that active_flag false means deleted.
	inactive bool
}

// leg is one list of an object.
type leg struct {
	api    version
	path   string
	query  url.Values // in addition to the source's
	paging paging
	since  bool // takes updated_since
	until  bool // takes updated_until
}

type version uint8

const (
	v1 version = 1
	v2 version = 2
)

type paging uint8

const (
	byCursor paging = iota // v2, and v1's changelog
	byStart                // v1: start and limit
	whole                  // no paging: all at once
)

// sources lists the objects in the order in which they are pulled.
func sources() []source {
	return []source{
		listed(users, "Users", v1, whole, source{one: "/users/"}),
		listed(activityTypes, "Activity types", v1, whole, source{inactive: true}),
		listed(dealFields, "Deal fields", v2, byCursor, source{key: "field_code", one: "/dealFields/", query: url.Values{"include_fields": {keyRequired}}}),
		listed(personFields, "Person fields", v2, byCursor, source{key: "field_code"}),
		listed(organizationFields, "Organization fields", v2, byCursor, source{key: "field_code"}),
		listed(productFields, "Product fields", v2, byCursor, source{key: "field_code"}),
		listed(activityFields, "Activity fields", v2, byCursor, source{key: "field_code"}),
		listed(pipelines, "Pipelines", v2, byCursor, source{one: "/pipelines/"}),
		listed(stages, "Stages", v2, byCursor, source{one: "/stages/"}),
		windowed(organizations, "Organizations", 30*time.Minute),
		windowed(persons, "Persons", 30*time.Minute),
		productSource(),
		dealSource(),
		{
			Object: connectors.Object{Name: dealProducts, Title: "Deal products", Mode: connectors.Attached, Parent: deals, FetchMax: idsLimit},
			shape:  shapeV2, key: "id",
		},
		leadSource(),
		windowed(activities, "Activities", 15*time.Minute),
		noteSource(),
		{
			Object: connectors.Object{Name: dealChanges, Title: "Deal changes", Mode: connectors.Asked, Parent: deals, FetchMax: changesLimit},
			shape:  shapeV1,
		},
	}
}

// listed is an object that explains others and is read whole.
func listed(name, title string, api version, p paging, more source) source {
	more.Object = connectors.Object{Name: name, Title: title, Mode: connectors.Listed, Every: 2 * time.Hour, Dictionary: true}
	if more.one != "" {
		more.FetchMax = idsLimit
	}
	if more.key == "" {
		more.key = "id"
	}
	more.shape = shapeV2
	if api == v1 {
		more.shape = shapeV1
	}
	more.legs = []leg{{api: api, path: "/" + name, paging: p, query: more.query}}
	return more
}

// windowed is an object of v2 with one list. Deleted records are in no list.
func windowed(name, title string, every time.Duration) source {
	return source{
		Object: connectors.Object{Name: name, Title: title, Mode: connectors.Windowed, Every: every, FetchMax: idsLimit, DeletesHidden: true},
		shape:  shapeV2, key: "id", one: "/" + name + "/", byIDs: true,
		legs: []leg{{api: v2, path: "/" + name, paging: byCursor, since: true, until: true}},
	}
}

func productSource() source {
	s := windowed(products, "Products", time.Hour)
	s.legs[0].until = false // products have updated_since only (OpenAPI v2)
	return s
}

// dealSource has two lists: /deals leaves archived deals out, and without
// status also deleted ones, which it shows for 30 days (OpenAPI v2).
func dealSource() source {
	s := windowed(deals, "Deals", 15*time.Minute)
	s.DeletesHidden = false
	// These three change only together with the deal. Counts of activities or
	// times of mails would go stale, as they do not touch update_time.
	s.query = url.Values{"include_fields": {"products_count,first_won_time,source_lead_id"}}
	s.legs[0].query = url.Values{"status": {"open,won,lost,deleted"}}
	s.legs = append(s.legs, leg{api: v2, path: "/deals/archived", query: s.legs[0].query, paging: byCursor, since: true, until: true})
	return s
}

// leadSource has two lists. That of archived leads takes no updated_since, so
// later walks read it from its newest end; a page costs 40 tokens (OpenAPI v1).
func leadSource() source {
	return source{
		Object: connectors.Object{Name: leads, Title: "Leads", Mode: connectors.Windowed, Every: time.Hour, FetchMax: idsLimit, DeletesHidden: true},
		shape:  shapeV1, key: "id", one: "/leads/",
		legs: []leg{
			{api: v1, path: "/leads", paging: byStart, since: true},
			{api: v1, path: "/leads/archived", paging: byStart},
		},
	}
}

func noteSource() source {
	return source{
		Object: connectors.Object{Name: notes, Title: "Notes", Mode: connectors.Windowed, Every: 30 * time.Minute, FetchMax: idsLimit, DeletesHidden: true},
		shape:  shapeV1, key: "id", one: "/notes/", inactive: true,
		legs: []leg{{api: v1, path: "/notes", paging: byStart, since: true}},
	}
}

func unknownObject(object string) error {
	return fault.New(fault.NotFound, "Pipedrive has no object %q", object)
}

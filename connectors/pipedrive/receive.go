package pipedrive

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strconv"
	"time"

	"github.com/bytedance/sonic"

	"salesbook.dev/connectors"
	"salesbook.dev/connectors/answers"
	"salesbook.dev/internal/fault"
)

// notice is a delivery, as far as it is read: who and when, never what. Ids in
// meta are texts, those in data numbers (webhook of 2026-01 in public code), so
// all are read as they come.
type notice struct {
	Meta struct {
		Entity    string                 `json:"entity"`
		EntityID  sonic.NoCopyRawMessage `json:"entity_id"`
		ID        sonic.NoCopyRawMessage `json:"id"`
		Timestamp sonic.NoCopyRawMessage `json:"timestamp"`
		// MergedTo names the survivor of a merge, in the delete of the other
		// (guide on webhooks v2).
		MergedTo sonic.NoCopyRawMessage `json:"merged_to_id"`
		Object   string                 `json:"object"` // webhooks v1; its id is the record's
	} `json:"meta"`
	Version  sonic.NoCopyRawMessage `json:"v"` // webhooks v1
	Data     sonic.NoCopyRawMessage `json:"data"`
	Previous sonic.NoCopyRawMessage `json:"previous"`
}

// dealOf is the deal of an attached product.
func dealOf(raw []byte) string {
	var product struct {
		Deal sonic.NoCopyRawMessage `json:"deal_id"`
	}
	if !answers.IsObject(raw) || answers.Read(raw, &product) != nil {
		return ""
	}
	return idOf(product.Deal)
}

// Receive implements connectors.Receiver. Pipedrive signs nothing: Basic
// authentication is the only protection it offers (guide on webhooks v2).
func (c *Connector) Receive(d connectors.Delivery) (connectors.Receipt, error) {
	if !authentic(d) {
		return connectors.Receipt{}, fault.New(fault.Auth, "the delivery does not present the user and password agreed for this webhook")
	}
	if d.Method != http.MethodPost {
		return connectors.Receipt{}, fault.New(fault.Invalid, "the delivery is a %q, Pipedrive sends POST", d.Method)
	}
	var n notice
	if !answers.IsObject(d.Body) || answers.Read(d.Body, &n) != nil {
		return connectors.Receipt{}, fault.New(fault.Invalid, "the delivery is not JSON of the form of a Pipedrive webhook")
	}
	if string(n.Version) == "1" {
		return n.first()
	}
	return n.second()
}

// authentic compares user and password in constant time. Without an agreed
// password nothing is authentic.
func authentic(d connectors.Delivery) bool {
	user, password, ok := (&http.Request{Header: d.Header}).BasicAuth()
	same := equal(user, d.Secret.User) & equal(password, d.Secret.Password)
	return ok && d.Secret.Password != "" && same == 1
}

// equal takes the same time for texts of any length.
func equal(a, b string) int {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:])
}

// second reads webhooks v2.
func (n notice) second() (connectors.Receipt, error) {
	if n.Meta.Entity == "" {
		return connectors.Receipt{}, fault.New(fault.Invalid, "the delivery names no entity in meta")
	}
	receipt := connectors.Receipt{Key: idOf(n.Meta.ID), At: moment(n.Meta.Timestamp)}
	err := n.name(&receipt, n.Meta.Entity, idOf(n.Meta.EntityID))
	return receipt, err
}

// first reads webhooks v1, still sent by subscriptions that were made so. Their
// meta.id is the record's, and no id of the event is given.
func (n notice) first() (connectors.Receipt, error) {
	if n.Meta.Object == "" {
		return connectors.Receipt{}, fault.New(fault.Invalid, "the delivery names no object in meta")
	}
	receipt := connectors.Receipt{At: moment(n.Meta.Timestamp)}
	err := n.name(&receipt, n.Meta.Object, idOf(n.Meta.ID))
	return receipt, err
}

// name says what to read again. Entities that we do not hold name nothing.
func (n notice) name(to *connectors.Receipt, entity, id string) error {
	object, known := entityObject(entity)
	if !known {
		return nil
	}
	if entity == "deal_product" { // its deal shows what is attached now
		id = cmp.Or(dealOf(n.Data), dealOf(n.Previous))
	}
	if id == "" {
		return fault.New(fault.Invalid, "the delivery about a %s names no id", entity)
	}
	to.Reads = []connectors.Ref{{Object: object, ID: id}}
	if survivor := idOf(n.Meta.MergedTo); survivor != "" && survivor != id {
		to.Reads = append(to.Reads, connectors.Ref{Object: object, ID: survivor})
		to.Merges = []connectors.Merge{{Object: object, ID: id, Into: survivor}}
	}
	return nil
}

// entityObject is the object that holds the records of an entity (guide on
// webhooks v2, supported objects; deal_product is sent to subscriptions for all).
func entityObject(entity string) (string, bool) {
	switch entity {
	case "deal", "deal_product":
		return deals, true
	case "person":
		return persons, true
	case "organization":
		return organizations, true
	case "activity":
		return activities, true
	case "product":
		return products, true
	case "lead":
		return leads, true
	case "note":
		return notes, true
	case "pipeline":
		return pipelines, true
	case "stage":
		return stages, true
	case "user":
		return users, true
	case "activityType", "activity_type":
		return activityTypes, true
	}
	return "", false
}

// idOf is an id written as text or number, empty for anything else.
func idOf(raw []byte) string {
	const longest = 64
	text := answers.Text(raw)
	switch {
	case text == "null" || text == "" || len(text) > longest || bytes.ContainsAny(raw[:1], "{[tf"):
		return ""
	}
	for _, r := range text {
		if r <= ' ' || r > '~' {
			return ""
		}
	}
	return text
}

// moment reads meta.timestamp: the guide calls it "10 character timestamp",
// v2 really sends RFC 3339 with milliseconds (webhook of 2026-01).
func moment(raw []byte) time.Time {
	text := answers.Text(raw)
	if at, ok := instant(text); ok {
		return at
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && n > 0 && len(text) <= 10 {
		return unixTime(n)
	}
	return time.Time{}
}

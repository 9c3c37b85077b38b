// Package connectortest holds every connector to the contract in package
// connectors. A connector's test gives it a stand-in for the vendor and calls
// Run; the suite knows no vendor. It injects faults into the HTTP transport
// below the connector, so the stand-in itself only has to behave.
package connectortest

import (
	"net/http"
	"testing"
	"time"

	"salesbook.dev/connectors"
)

// Harness is what a connector's test gives to the suite.
type Harness struct {
	Spec connectors.Spec
	// Configs are valid settings, one for each kind of credential, without
	// anything that may be left out.
	Configs []connectors.Config
	// Start runs a vendor of its own, until the test ends.
	Start func(t *testing.T, seed Seed) Vendor
	// Paged names objects that in a Full vendor have more than one page.
	Paged []string
	// Changing and Deleting name objects for which Vendor.Change and Add, and
	// Vendor.Delete, work.
	Changing, Deleting []string
	// Merging and Archiving name objects for which Vendor.Merge and
	// Vendor.Archive work; empty where the vendor does not do so.
	Merging, Archiving []string
	// Reviving names objects of which a record that Vendor.Delete deleted can be
	// brought back by an edit.
	Reviving []string
	// Limits are further ways in which the vendor says 429, besides Retry-After.
	Limits []Limit
	// Samples are deliveries; needed from a Receiver.
	Samples []Sample
}

// Seed says what a started vendor holds.
type Seed uint8

// The seeds.
const (
	Full  Seed = iota // records of every object, all that Paged names in several pages
	Empty             // nothing but what an account cannot be without
	Few               // dozens of records of every object, for what does not depend on their number
	Tied              // at least TiedRecords of each object that Paged names, all modified in one second
)

// TiedRecords is how many records of an object a Tied vendor holds at least.
const TiedRecords = 5000

// Vendor is a stand-in that runs.
type Vendor struct {
	URL string // the connection's base URL
	// Good and Bad are settings with and without the right to everything; the
	// suite sets their BaseURL.
	Good, Bad connectors.Config
	Now       func() time.Time // the vendor's clock; nil is time.Now
	// Authorise adds what Env.HTTP must do for OAuth; nil: nothing.
	Authorise func(http.RoundTripper) http.RoundTripper
	// IDs returns the ids of all records of an object that are not deleted.
	IDs func(object string) []string
	// Add, Change and Delete do so to one record and return its id.
	Add, Change, Delete func(t *testing.T, object string) (id string)
	// Merge merges the first record into the second and returns their ids.
	// Archive puts a record aside that stays alive.
	Merge   func(t *testing.T, object string) (gone, kept string)
	Archive func(t *testing.T, object string) (id string)
	// Rename gives a field of the account's another name and returns under which
	// object and id the field is listed.
	Rename func(t *testing.T) (object, id string)
	// Expire makes the vendor refuse, once, a place in the object's list that it
	// has given out before.
	Expire func(t *testing.T, object string)
	// Skew puts the vendor's clock forward, or back.
	Skew func(t *testing.T, d time.Duration)
	// Subscriptions returns the addresses that the vendor delivers to, and
	// Subscribe adds one that is not ours; needed from a Watcher.
	Subscriptions func() []string
	Subscribe     func(t *testing.T, url string)
	// Edits are changes that a vendor with Few records makes; needed from a Pusher.
	Edits []EditSample
}

// EditSample is an edit and what the suite has to know to judge it.
type EditSample struct {
	Name, Object string
	// New tells that it makes a record.
	New bool
	// Edit returns the edit: of a record that nothing else touches, another one
	// each time, or of a new one with a mark of its own.
	Edit func(t *testing.T) connectors.Edit
	// Follows are the record's standard fields that the vendor sets by itself when
	// the edit is made: times of change, sums.
	Follows []string
	// Nullable are the fields of Edit that may be empty.
	Nullable []string
	// Other holds the fields of Edit with values that somebody else may set.
	Other connectors.Values
	// Refused is what the vendor does not take, in fields that it knows.
	Refused connectors.Values
	// Told are the fields of Edit of which a Witness can tell what they replaced.
	Told []string
}

// Limit is a refusal for want of quota as the vendor words it.
type Limit struct {
	Name   string
	Header map[string]string
	After  time.Duration // what RetryAfter must then be
	Daily  bool
}

// Sample is a delivery and what it must make us read.
type Sample struct {
	Name     string
	Delivery connectors.Delivery
	Reads    []connectors.Ref
	Merges   []connectors.Merge
	// Retry is the same event delivered again; nil: not known.
	Retry *connectors.Delivery
}

// Run runs the whole suite. Each statement of the contract is a subtest; those
// on abilities that the connector lacks are skipped.
func Run(t *testing.T, h Harness) {
	t.Helper()
	b := newBundle(h, h.Start(t, Full))
	t.Run("Open", func(t *testing.T) { t.Parallel(); opening(t, b) })
	t.Run("Check", func(t *testing.T) { t.Parallel(); checking(t, b) })
	t.Run("Pull", func(t *testing.T) { t.Parallel(); pulling(t, b) })
	t.Run("Fault", func(t *testing.T) { t.Parallel(); faults(t, b) })
	t.Run("Change", func(t *testing.T) { t.Parallel(); changes(t, b) })
	t.Run("Fetch", func(t *testing.T) { t.Parallel(); fetching(t, b) })
	t.Run("Decode", func(t *testing.T) { t.Parallel(); decoding(t, b) })
	t.Run("Receive", func(t *testing.T) { t.Parallel(); receiving(t, b) })
	t.Run("Watch", func(t *testing.T) { t.Parallel(); watching(t, b) })
	t.Run("Push", func(t *testing.T) { t.Parallel(); pushing(t, b) })
	t.Run("Leak", func(t *testing.T) { t.Parallel(); leaking(t, b) })
}

// statement is one sentence of the contract.
type statement struct {
	name string
	test func(*testing.T, *bundle)
}

// all runs statements beside each other.
func all(t *testing.T, b *bundle, statements []statement) {
	for _, s := range statements {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			s.test(t, b)
		})
	}
}

// Package connectors is the contract between salesbook and a vendor's system:
// transport and dialect (paging, authentication, quirks, decoding shapes to
// plain values), never meaning. What a field means is decided in mapping, in
// which order and how often things run in jobs.
//
// A connector is opened by its Spec's Open, which validates and never dials.
// It then has the abilities whose interfaces it implements; only Connector,
// Puller and Fetcher are required of a source of records. The doc
// comments below are the contract; connectortest holds every connector to it.
//
// Every error that leaves a connector carries a fault.Kind:
//
//	fault.Auth       the credentials are refused
//	fault.Forbidden  they are good, but may not see or do this
//	fault.NotFound   there is no such object kind (a missing record is no error, see Fetch)
//	fault.Gone       the cursor is no longer accepted; start its window anew
//	fault.Limited    over a quota, with the delay the vendor gave
//	fault.Temporary  network, timeout, 5xx, truncated or misplaced answers
//	fault.Conflict   somebody else changed or holds it
//	fault.Invalid    the vendor refuses the request as wrong
//
// No error, log line or URL of a connector holds a secret.
package connectors

import (
	"context"
	"iter"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/oauth2"

	"salesbook.dev/internal/rest"
)

// Connector is what every vendor's connector can do.
type Connector interface {
	// Check asks the vendor who we are and what these credentials may see and
	// do. It is cheap, writes nothing, and returns fault.Auth when the
	// credentials are refused. A missing permission is not an error: it is
	// listed in Rights.Missing.
	Check(ctx context.Context) (Rights, error)
}

// Puller walks an object's records.
type Puller interface {
	// Pull yields pages of records in the order in which they must be
	// committed, starting after the given cursor; the zero Cursor starts from
	// nothing and yields every record. A page with its Next cursor is the unit
	// of commit: pulling again after any yielded Next gives exactly the rest,
	// in this process or another one.
	//
	// The sequence ends after a page with More false: everything the vendor
	// had changed before that page's AsOf has then been yielded. Pulling later
	// from its Next yields what changed since (repeats are allowed, gaps are
	// not: any number of records may share one timestamp, and clocks may be
	// skewed). An object without records yields one empty page.
	//
	// An error is yielded once, with a zero Page, and ends the sequence. When
	// the consumer stops, no further request is made. Each request honours ctx.
	Pull(ctx context.Context, object string, after Cursor) iter.Seq2[Page, error]
}

// Fetcher reads named records again.
type Fetcher interface {
	// Fetch returns the present state of the records with these ids (for an
	// object with a Parent: of all records of these parents, and the page's
	// Closed names them). A record that the vendor says is gone comes back
	// with Deleted set and, if the vendor shows nothing of it, without Raw; a
	// record that cannot be seen for want of permission is an error, never a
	// deletion. At most Object.FetchMax ids are passed.
	Fetch(ctx context.Context, object string, ids []string) (Page, error)
}

// Decoder turns a vendor's bytes into plain typed values. It is pure: no I/O,
// no clock, no state; it needs no settings, so that stored records can be read
// when the credentials are gone. Any number of goroutines may use it.
type Decoder interface {
	// Decode reads one record's Raw in the given shape. Unknown fields are
	// kept. Values may refer to raw's memory. Keys and texts are valid UTF-8
	// without NUL, which PostgreSQL cannot store: what is not is replaced by
	// U+FFFD. An error names the field, as a *FieldError where it can.
	Decode(object, shape string, raw []byte) (Values, error)
}

// FieldError says in which field of a record its decoding failed.
type FieldError struct {
	Field string // in the vendor's words; parts of nested fields with dots between
	Err   error
}

// Error implements error.
func (e *FieldError) Error() string { return "field " + e.Field + ": " + e.Err.Error() }

// Unwrap returns what is wrong with the field.
func (e *FieldError) Unwrap() error { return e.Err }

// Receiver understands the deliveries (webhooks) of its vendor.
type Receiver interface {
	// Receive verifies a delivery (constant time, over the raw body) and says
	// which records to read again. It does no I/O and never trusts the body's
	// field values. A delivery that fails verification is fault.Auth, one that
	// cannot be understood fault.Invalid. An unknown event kind is not an
	// error: it names nothing to read.
	Receive(d Delivery) (Receipt, error)
}

// Watcher keeps the vendor's webhooks pointed at us.
type Watcher interface {
	// Watch makes the vendor's subscriptions for callback complete: missing or
	// dead ones are created, surplus ones of ours removed, and what stands
	// afterwards is returned. What the vendor refuses is returned with it, and
	// spoils nothing else. It never touches subscriptions whose URL is not
	// under callback. Calling it again changes nothing. What is created has an ID
	// that none of ours had before: by that it is known that deliveries were missed,
	// also if whoever created it died before he could note it.
	Watch(ctx context.Context, callback Callback) ([]Subscription, error)
	// Unwatch removes every subscription under callback.
	Unwatch(ctx context.Context, callback Callback) error
}

// Cursor is a place in a walk, in a form only the connector reads. It holds no
// secret and is stored with the page that it follows. The zero value is the
// start of everything.
type Cursor string

// Record is one record in the vendor's own words.
type Record struct {
	Object string // the vendor's object name, as in Spec.Objects
	ID     string // the vendor's id, never empty, stable
	Parent string // the id of the record that owns it, for objects with a Parent
	Shape  string // which of the vendor's shapes Raw has, for Decode
	// Raw is the vendor's bytes for this record, untouched; empty only when Deleted.
	// A record that the vendor tells in several answers is the JSON array of these
	// parts, each untouched.
	Raw       []byte
	UpdatedAt time.Time // the vendor's modification time in UTC; zero where the vendor has none
	Deleted   bool      // the vendor says that it is gone
	// MergedInto is the id of the record, of the same object, that took this one
	// in, if it is gone for that and the vendor says so.
	MergedInto string
}

// Page is a unit of commit.
type Page struct {
	Records []Record
	// Closed says for which objects and parents Records is everything there
	// is: records known to us in such a scope and not in the page are gone. A
	// connector closes a scope only after a complete, authorised answer. A
	// scope that has Ended buries nothing.
	Closed []Scope
	Next   Cursor
	More   bool
	// AsOf is the vendor's instant up to which a finished walk (More false) is
	// complete: the answer's Date header, less a margin for late writes.
	AsOf time.Time
	// FetchedAt is when the request for this page was sent, by our clock.
	FetchedAt time.Time
	// Progress of a first walk, from 0 to 1; negative when not known.
	Progress float64
}

// Scope names a set of records that a page holds completely.
type Scope struct {
	Object string
	Parent string // empty: all records of the object
	// Ended tells that the parent is gone and the vendor shows nothing of the
	// scope any more: there is nothing left to ask for, and what is known stays.
	Ended bool
}

// Rights is what credentials may see and do.
type Rights struct {
	Account string   // the vendor's id of the account (company): the owner of the quota
	Name    string   // the account's name, for people
	User    string   // the vendor's id of the user whose credentials these are
	BaseURL string   // where this account's API lives, if the vendor told us
	Zone    string   // the account's IANA time zone, if known
	Missing []string // what these credentials may not see or do, in words, with what to do about it
	// Quota is the budget these credentials were told of; zero fields are unknown.
	Quota rest.Quota
}

// Delivery is one HTTP request that a vendor sent us.
type Delivery struct {
	Method string
	Query  url.Values
	Header http.Header
	Body   []byte
	Secret Callback // the callback the delivery arrived at, with what was agreed for it
}

// Ref names a record to be read.
type Ref struct{ Object, ID string }

// Merge tells that a record was merged into another one of its object.
type Merge struct{ Object, ID, Into string }

// Receipt is what a delivery asks for.
type Receipt struct {
	Key    string    // the vendor's id of the event, equal for retries of one event; empty: none is given
	At     time.Time // when it happened by the vendor's clock; zero if not said
	Reads  []Ref     // what to read again
	Merges []Merge   // of what is to be read again: what was merged into what
	Answer Answer    // what to answer once the delivery is stored
}

// Answer is the response a vendor wants; the zero value means 200 without body.
type Answer struct {
	Status int
	Type   string
	Body   []byte
}

// Callback is where a vendor delivers to and what it must present there.
type Callback struct {
	URL      string // public URL of this connection's receiver, with an unguessable path
	User     string
	Password string // secret
}

// Subscription is one standing order for deliveries at the vendor, or one that it
// refuses.
type Subscription struct {
	ID        string // the vendor's id; empty if it does not stand
	Object    string // what it reports on; "*" for everything
	Active    bool
	ExpiresAt time.Time // zero: does not expire
	// Refused is why the vendor does not make it or, if it stands, does not renew it,
	// in words, with what to do about it; empty: it refuses nothing.
	Refused string
}

// Env is all that a connector gets from its surroundings.
type Env struct {
	HTTP *http.Client // paced, retried, authorised for OAuth connections; bound to one connection and lane
	Now  func() time.Time
	Log  *slog.Logger
}

// Config is one connection's settings, already split from its secrets' store.
type Config struct {
	BaseURL  string            // stands in for the vendor: a simulator, a proxy; empty for the real one
	Settings map[string]string // by Field.Name
	Secrets  map[string]string // by Field.Name of the secret fields
}

// Field declares one setting of a connector. The one list feeds the command
// line, forms, documentation and redaction.
type Field struct {
	Name     string
	Help     string // one sentence, where an admin finds the value
	Default  string
	Required bool
	Secret   bool
	Choices  []Choice // all values that there are; nil: any
	Question string   // what is asked at a terminal; empty: Help
	// Told tells that Consent.Located fills it in. It follows from how access is
	// given, and is forgotten where that changes.
	Told bool
}

// Choice is a value of a setting that has few.
type Choice struct{ Value, Help string }

// Way is one of the ways to get access to an account: what an admin is led
// through who connects at a terminal.
type Way struct {
	Title string   // a few words to choose by
	First []string // names of fields that are asked for before the steps
	// Steps are what to do at the vendor, in order, under the settings known so
	// far; callback is where the vendor sends a browser back to.
	Steps func(settings map[string]string, callback string) []string
	Asks  []string // names of fields that are asked for then, all of which must be given
	// Code tells that a grant code, made by hand at the vendor, is asked for last
	// and traded for tokens at once.
	Code bool
}

// Mode is how an object's records are found.
type Mode uint8

// The modes.
const (
	// Windowed objects are walked by modification time: first everything, then
	// what changed.
	Windowed Mode = iota
	// Listed objects are small and read whole each time; every walk closes
	// their scope.
	Listed
	// Attached records arrive with their parents' pages and are not pulled by name.
	Attached
	// Asked records exist only per parent and cost much; they are fetched by
	// parent ids when there is quota to spare (a deal's stage history).
	Asked
)

// Object declares one kind of the vendor's records. Spec.Objects lists them in
// the order in which they are pulled: dictionaries first.
type Object struct {
	Name     string
	Title    string // for people, in English
	Mode     Mode
	Parent   string        // the object that owns records of this one, or empty
	Every    time.Duration // the usual time between two pulls
	FetchMax int           // most ids of one Fetch; 0: cannot be fetched by id
	// Dictionary marks objects that explain others (field definitions, stages):
	// they are pulled before the rest.
	Dictionary bool
	// DeletesHidden tells that a deletion shows up neither in Pull nor in a
	// list, only by delivery or by a full comparison.
	DeletesHidden bool
}

// Spec declares a connector: its names, settings, objects and costs.
type Spec struct {
	Name    string // as in `salesbook connect NAME`
	Title   string
	Fields  []Field
	Objects []Object
	// FieldTypes are the vendor's types for new fields, by what they are to hold:
	// text, number, date.
	FieldTypes map[string]string
	Setup      Setup      // how far an account is set up by the API
	Meter      rest.Meter // what each call costs and what answers tell of the quota
	Quota      rest.Quota // assumed until the vendor tells better
	// Configured returns the declaration as it is under an account's settings, where
	// these name more objects; nil: it is the same for all. It never fails: what is
	// wrong with the settings, Open says.
	Configured func(settings map[string]string) Spec
	// OAuth returns the OAuth 2 client for cfg, or nil when cfg uses another
	// kind of credential.
	OAuth func(cfg Config) *oauth2.Config
	// Consent says in what the vendor's OAuth 2 departs from what is usual.
	Consent Consent
	// Ways are the ways to get access, the usual one first.
	Ways []Way
	// Decoder reads records, fetched or stored.
	Decoder Decoder
	// Open validates cfg and returns the connector. It never dials.
	Open func(env Env, cfg Config) (Connector, error)
}

// Setup is how far the vendor's API sets an account up. The zero value is: as far as
// the map has fields for it.
type Setup struct {
	// ByHand says where in the vendor's screens a person does what the API has no
	// call for, as part of a sentence: by kind and field of the canonical model, as
	// stages.probability, or by the kind alone for new ones.
	ByHand map[string]string
	// StageNames is the code of the field of deals whose options are all the names
	// that stages can have; empty: they can have any.
	StageNames string
	// OptionsAtOnce is how many options one edit may give a definition; zero: any
	// number.
	OptionsAtOnce int
}

// Consent is how a vendor departs from OAuth 2 as RFC 6749 and 6750 have it. The
// zero value is: in nothing.
type Consent struct {
	// Scheme stands before the access token in Authorization; empty: what the
	// token says, Bearer as a rule.
	Scheme string
	// Granted returns the token that cfg holds already, such as a refresh token
	// made at the vendor, or nil when a person has to consent.
	Granted func(cfg Config) *oauth2.Token
	// Located returns the settings that an answer of the vendor's fills in: where
	// the account lives. It is asked about the callback, before the code is traded,
	// and about the token. What is not surely the vendor's is an error: credentials
	// go there.
	Located func(told func(name string) string) (map[string]string, error)
	// Stale tells from the body of a 401 whether another access token may help.
	Stale func(body []byte) bool
	// Refusal says what an error of the token endpoint means where its code and
	// status would be read otherwise; nil leaves it to the usual reading.
	Refusal func(*oauth2.RetrieveError) error
	// Doubtful names the fields that an error of the token endpoint puts in doubt: they
	// are asked for again before the code is tried once more. None: it is the code.
	Doubtful func(*oauth2.RetrieveError) []string
	// Lacking compares the scopes that the vendor says it granted with those that
	// are needed; nil: the vendor does not tell.
	Lacking func(granted string) []Lack
}

// Lack is a scope that a consent does not hold.
type Lack struct{ Scope, Words string } // which, and: what that costs, and what to do

// Under returns the declaration as it is under an account's settings.
func (s Spec) Under(settings map[string]string) Spec {
	if s.Configured == nil {
		return s
	}
	return s.Configured(settings)
}

// Object returns the object with the given name.
func (s Spec) Object(name string) (Object, bool) {
	for _, o := range s.Objects {
		if o.Name == name {
			return o, true
		}
	}
	return Object{}, false
}

package zoho

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bytedance/sonic"

	"salesbook.dev/connectors"
	"salesbook.dev/connectors/answers"
	"salesbook.dev/internal/fault"
)

var _ connectors.Receiver = (*Connector)(nil)

// notice is a delivery, as far as it is read: which records, never what they
// hold (docs, notifications).
type notice struct {
	Time      sonic.NoCopyRawMessage   `json:"server_time"` // milliseconds
	Module    string                   `json:"module"`
	Operation string                   `json:"operation"`
	IDs       []sonic.NoCopyRawMessage `json:"ids"`
	Token     string                   `json:"token"`
}

// markName is the query parameter of our callback's address that tells with which
// password a channel was made. It is no secret.
const markName = "v"

// Receive implements connectors.Receiver. Zoho signs nothing: the token that the
// channel was given comes back in the body, and is the only protection (docs,
// notifications). A delivery that is sent again has the same key, and names only
// what to read anew.
func (c *Connector) Receive(d connectors.Delivery) (connectors.Receipt, error) {
	if d.Secret.Password == "" || !equal(d.Query.Get(markName), markOf(d.Secret)) {
		return connectors.Receipt{}, fault.New(fault.Auth, "the delivery did not come by an address of ours; watch the notifications again")
	}
	if d.Method != http.MethodPost {
		return connectors.Receipt{}, fault.New(fault.Invalid, "the delivery is a %q, Zoho sends POST", d.Method)
	}
	var n notice
	if !answers.IsObject(d.Body) || answers.Read(d.Body, &n) != nil || n.Module == "" || n.IDs == nil {
		return connectors.Receipt{}, fault.New(fault.Invalid, "the delivery is not JSON of the form of a Zoho notification")
	}
	if !equal(n.Token, tokenOf(d.Secret)) {
		return connectors.Receipt{}, fault.New(fault.Auth, "the delivery does not present the token agreed for this channel")
	}
	receipt := connectors.Receipt{Key: n.key(), At: n.at()}
	if !slices.Contains(c.watched(), n.Module) {
		return receipt, nil
	}
	seen := map[string]bool{}
	for _, raw := range n.IDs {
		id := answers.Text(raw)
		if !numeric(id) {
			return connectors.Receipt{}, fault.New(fault.Invalid, "the delivery about %s names %q, which is no id", n.Module, shortened(id))
		}
		if !seen[id] {
			seen[id] = true
			receipt.Reads = append(receipt.Reads, connectors.Ref{Object: n.Module, ID: id})
		}
	}
	return receipt, nil
}

// equal takes the same time for texts of any length.
func equal(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// key is the same for one event delivered twice; the vendor gives none.
func (n notice) key() string {
	h := sha256.New()
	for _, part := range []string{string(n.Time), n.Module, n.Operation} {
		h.Write([]byte(part + "\x00"))
	}
	for _, id := range n.IDs {
		h.Write(append([]byte(id), 0))
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func (n notice) at() time.Time {
	ms, err := strconv.ParseInt(answers.Text(n.Time), 10, 64)
	if err != nil || ms <= 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// digest of a callback and what it is for. A part of it tells nothing about the
// password, which is random.
func digest(what string, callback connectors.Callback) []byte {
	sum := sha256.Sum256([]byte(strings.Join([]string{what, callback.URL, callback.User, callback.Password}, "\x00")))
	return sum[:]
}

// tokenOf is the token of our channels: of 50 characters at most (docs,
// notifications), which a password may exceed.
func tokenOf(callback connectors.Callback) string {
	return hex.EncodeToString(digest("token", callback)[:20])
}

func markOf(callback connectors.Callback) string {
	return hex.EncodeToString(digest("mark", callback)[:4])
}

// channelID is the id of a channel that is to be made: a number that we choose
// (docs, notifications), by lot.
func channelID() string {
	var b [8]byte
	rand.Read(b[:])
	return strconv.FormatUint(binary.BigEndian.Uint64(b[:])>>2|1<<60, 10)
}

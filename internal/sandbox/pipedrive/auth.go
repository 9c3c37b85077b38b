package pipedrive

import (
	"context"
	"crypto/subtle"
	"math/rand/v2"
	"net/http"
	"sync"

	"salesbook.dev/internal/sandbox"
)

// identity is who a call comes from.
type identity struct {
	token  string
	user   int64
	admin  bool
	scopes []string // nil for an API token, which has all that its user has
}

func unauthorized() error {
	return &refusal{status: http.StatusUnauthorized, msg: "unauthorized access", body: struct {
		Success   bool   `json:"success"`
		Error     string `json:"error"`
		ErrorCode int    `json:"errorCode"`
		ErrorInfo string `json:"error_info"`
	}{Error: "unauthorized access", ErrorCode: http.StatusUnauthorized, ErrorInfo: developers}}
}

// identify takes an OAuth token, an API token in the header, or the old
// api_token in the query.
func (s *Sim) identify(r *http.Request) (identity, error) {
	if token, ok := bearer(r); ok {
		return s.identifyOAuth(r, token)
	}
	token := r.Header.Get("x-api-token")
	if token == "" {
		token = r.URL.Query().Get("api_token")
	}
	if !s.tokenAccepted(token) {
		return identity{}, unauthorized()
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	id, ok := s.opt.TokenUsers[token]
	if !ok {
		id = s.administrator()
	}
	u := s.users.get(id)
	if u == nil || u.is(flagInactive) {
		return identity{}, unauthorized()
	}
	return identity{token: token, user: id, admin: u.is(flagAdmin)}, nil
}

func (s *Sim) tokenAccepted(token string) bool {
	if token == "" {
		return false
	}
	if _, ok := s.opt.TokenUsers[token]; ok || s.opt.Token == "" {
		return true
	}
	return subtle.ConstantTimeCompare([]byte(token), []byte(s.opt.Token)) == 1
}

// identifyOAuth accepts a live access token.
func (s *Sim) identifyOAuth(r *http.Request, token string) (identity, error) {
	if _, ok := s.faults.Hit(sandbox.TokenExpire, r.URL.Path); ok {
		if err := s.ExpireTokens(); err != nil {
			return identity{}, err
		}
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	g := s.grantByAccess(token)
	if g == nil || !s.Now().Before(g.AccessUntil.time()) {
		return identity{}, unauthorized()
	}
	u := s.users.get(g.UserID)
	if u == nil || u.is(flagInactive) {
		return identity{}, unauthorized()
	}
	return identity{token: token, user: g.UserID, admin: u.is(flagAdmin), scopes: g.Scopes}, nil
}

// administrator is the user an API token acts as: the first active one with
// an administrator's rights. The caller holds mu.
func (s *store) administrator() int64 {
	for _, r := range s.users.rows {
		if r.is(flagAdmin) && !r.is(flagInactive) {
			return r.id
		}
	}
	return 0
}

// actorKey carries the actor of a call made in Go, past the HTTP guards.
type actorKey struct{}

func withActor(ctx context.Context, by actor) context.Context {
	return context.WithValue(ctx, actorKey{}, by)
}

func actorOf(r *http.Request) actor {
	by, _ := r.Context().Value(actorKey{}).(actor)
	return by
}

// dice gives random ids that a seed repeats.
type dice struct {
	mu  sync.Mutex
	rng *rand.Rand
}

func newDice(seed uint64) *dice {
	return &dice{rng: rand.New(rand.NewPCG(seed, 0x1d5))}
}

// uuid returns a random UUID of version 4.
func (d *dice) uuid() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return uuidFrom(d.rng)
}

// hex returns n random hexadecimal digits.
func (d *dice) hex(n int) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return hexFrom(d.rng, n)
}

func hexFrom(rng *rand.Rand, n int) string {
	const digits = "0123456789abcdef"
	b := make([]byte, n)
	for i := range b {
		b[i] = digits[rng.IntN(len(digits))]
	}
	return string(b)
}

func uuidFrom(rng *rand.Rand) string {
	b := []byte(hexFrom(rng, 36))
	for _, i := range []int{8, 13, 18, 23} {
		b[i] = '-'
	}
	b[14], b[19] = '4', "89ab"[rng.IntN(4)]
	return string(b)
}

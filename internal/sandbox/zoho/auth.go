package zoho

import (
	"context"
	"crypto/subtle"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"

	"salesbook.dev/internal/sandbox"
)

// identity is who a call comes from.
type identity struct {
	user   string
	scopes []string // nil for the standing token, which has all
}

// The vendor's answers to calls without a good token (fact sheet 2.1,
// 2026-11-21: 401 with these codes).
func noToken() error {
	return &refusal{http.StatusUnauthorized, "AUTHENTICATION_FAILURE", "Authentication failed", nil}
}

func invalidToken() error {
	return &refusal{http.StatusUnauthorized, "INVALID_TOKEN", "invalid oauth token", nil}
}

func scopeMismatch() error {
	return &refusal{http.StatusUnauthorized, "OAUTH_SCOPE_MISMATCH", "invalid oauth scope to access this URL", nil}
}

// identify takes the access token of the header.
func (s *Sim) identify(r *http.Request) (identity, error) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if token = strings.TrimSpace(token); token == "" || scheme != "Zoho-oauthtoken" && scheme != "Bearer" {
		return identity{}, noToken()
	}
	if _, ok := s.faults.Hit(sandbox.TokenExpire, r.URL.Path); ok {
		if err := s.ExpireTokens(); err != nil {
			return identity{}, err
		}
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.opt.Token != "" && subtle.ConstantTimeCompare([]byte(token), []byte(s.opt.Token)) == 1 {
		return identity{user: s.administrator()}, nil
	}
	now := utc(s.Now())
	for _, g := range s.grants {
		for _, a := range g.Access {
			if a.Token == token && now < a.Until {
				return identity{user: g.User, scopes: g.Scopes}, nil
			}
		}
	}
	return identity{}, invalidToken()
}

// administrator is the first active user with that profile; the caller holds mu.
func (s *store) administrator() string {
	for _, r := range s.tables[usersTable].rows {
		if r.text("status") == "active" && r.text("profile") == administratorProfile {
			return r.key()
		}
	}
	return ""
}

// permit checks the scopes of a token: one of every line of the route's needs.
func (s *Sim) permit(rt route, r *http.Request, who identity) error {
	if who.scopes == nil {
		return nil
	}
	module := strings.ToLower(r.PathValue("module"))
	for _, line := range rt.need {
		if !slices.ContainsFunc(line, func(scope string) bool { return granted(who.scopes, strings.ReplaceAll(scope, "{module}", module)) }) {
			return scopeMismatch()
		}
	}
	return nil
}

// granted reports whether scopes cover one like "settings.fields.READ": by
// itself, with ALL in the operation's place, or without the middle part.
func granted(scopes []string, want string) bool {
	area, rest, _ := strings.Cut(want, ".")
	sub, op, nested := strings.Cut(rest, ".")
	all := []string{area + ".ALL", area + "." + rest}
	if nested {
		all = append(all, area+"."+sub+".ALL", area+"."+op)
	}
	return slices.ContainsFunc(scopes, func(have string) bool {
		_, have, _ = strings.Cut(have, ".") // without the service, ZohoCRM
		return slices.ContainsFunc(all, func(s string) bool { return strings.EqualFold(s, have) })
	})
}

// actorKey carries the user of a call made in Go, past the HTTP guards.
type actorKey struct{}

func withActor(ctx context.Context, user string) context.Context {
	return context.WithValue(ctx, actorKey{}, user)
}

func actorOf(r *http.Request) string {
	user, _ := r.Context().Value(actorKey{}).(string)
	return user
}

// dice gives random secrets that a seed repeats.
type dice struct {
	mu  sync.Mutex
	rng *rand.Rand
}

func newDice(seed uint64) *dice { return &dice{rng: rand.New(rand.NewPCG(seed, 0x20c0))} }

// hex returns n random hexadecimal digits.
func (d *dice) hex(n int) string {
	const digits = "0123456789abcdef"
	d.mu.Lock()
	defer d.mu.Unlock()
	b := make([]byte, n)
	for i := range b {
		b[i] = digits[d.rng.IntN(len(digits))]
	}
	return string(b)
}

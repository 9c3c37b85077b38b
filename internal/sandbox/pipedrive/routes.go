package pipedrive

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"salesbook.dev/internal/sandbox"
)

// route is one operation of the vendor's documents.
type route struct {
	method  string
	version int
	path    string // without the /v1 or /api/v2
	// cost in tokens and the scopes, one of which an OAuth token needs: the
	// documents' x-token-cost and security, to which a test holds them.
	cost   int64
	scopes string // separated by spaces
	do     func(*call) (reply, error)
}

// maxBody bounds a request body; the vendor's own bound is not documented.
const maxBody = 10 << 20

func (s *Sim) routes() []route {
	return slices.Concat(
		s.dealRoutes(), s.itemRoutes(), s.personRoutes(), s.organizationRoutes(), s.activityRoutes(),
		s.productRoutes(), s.pipelineRoutes(), s.stageRoutes(), s.fieldRoutes(), s.convertRoutes(),
		s.userRoutes(), s.leadRoutes(), s.leadLabelRoutes(), s.noteRoutes(), s.plainRoutes(),
		s.historyRoutes(), s.mergeRoutes(), s.webhookRoutes(),
	)
}

// prefixes under which the vendor serves a version.
func prefixes(version int) []string {
	if version == 1 {
		return []string{"/v1", "/api/v1"}
	}
	return []string{"/api/v2"}
}

func (s *Sim) routeAll() (outer, direct *http.ServeMux) {
	outer, direct = http.NewServeMux(), http.NewServeMux()
	for _, r := range s.routes() {
		for _, prefix := range prefixes(r.version) {
			pattern := r.method + " " + prefix + r.path
			outer.Handle(pattern, s.guarded(r))
			direct.Handle(pattern, http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
				s.send(w, s.perform(r, q, actorOf(q)))
			}))
		}
	}
	s.routeOAuth(outer)
	outer.HandleFunc("/", func(w http.ResponseWriter, q *http.Request) {
		s.stamp(w)
		s.send(w, failure(&refusal{status: http.StatusNotFound, msg: "Unknown method " + q.Method + " " + q.URL.Path, info: developers}))
	})
	return outer, direct
}

// ServeHTTP answers as the vendor would.
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// guarded wraps an operation in what the vendor puts before it: identity,
// scopes, limits; and in the faults on demand.
func (s *Sim) guarded(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.stamp(w)
		if spoiled, ok := s.faultBefore(r); ok {
			s.send(w, spoiled)
			return
		}
		who, err := s.identify(r)
		if err == nil {
			err = s.permit(rt, who)
		}
		if err != nil {
			s.send(w, failure(err))
			return
		}
		if refused, ok := s.quota.take(s.Now(), who, rt, w.Header()); !ok {
			s.send(w, refused)
			return
		}
		s.between.Play(r)
		if err := s.refuses(r); err != nil {
			s.send(w, failure(err))
			return
		}
		s.spoil(w, r, s.perform(rt, r, actor{user: who.user, source: "api"}))
	})
}

// stamp gives every answer the simulator's date.
func (s *Sim) stamp(w http.ResponseWriter) {
	w.Header().Set("Date", s.Now().Format(http.TimeFormat))
}

func (s *Sim) perform(rt route, r *http.Request, by actor) reply {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return failure(bad("body could not be read: %v", err))
	}
	if len(body) > maxBody {
		return failure(&refusal{status: http.StatusRequestEntityTooLarge, msg: "Payload too large", info: developers})
	}
	c := &call{Sim: s, r: r, query: r.URL.Query(), body: body, version: rt.version, by: by, at: s.Now()}
	out, err := rt.do(c)
	if err != nil {
		return failure(err)
	}
	return out
}

// faultBefore strikes before the call takes effect.
func (s *Sim) faultBefore(r *http.Request) (reply, bool) {
	if f, ok := s.strikes(sandbox.Slow, r); ok {
		pause(r, f.Delay)
	}
	if _, ok := s.strikes(sandbox.BurstLimit, r); ok {
		return tooMany("1", ""), true
	}
	if _, ok := s.strikes(sandbox.DailyLimit, r); ok {
		return tooMany("", "0"), true
	}
	if f, ok := s.serverError(r, false); ok {
		return serverError(f.Status), true
	}
	if f, ok := s.strikes(sandbox.HTML, r); ok {
		return htmlPage(f.Status, "Bad gateway", "The web server reported a bad gateway error."), true
	}
	if _, ok := s.strikes(sandbox.Empty, r); ok {
		return reply{status: http.StatusOK}, true
	}
	return reply{}, false
}

// strikes asks for an armed fault that concerns a call.
func (s *Sim) strikes(kind sandbox.Kind, r *http.Request) (sandbox.Fault, bool) {
	return s.faults.HitIf(kind, r.URL.Path, func(f sandbox.Fault) bool { return f.Strikes(r.Method) })
}

func (s *Sim) serverError(r *http.Request, committed bool) (sandbox.Fault, bool) {
	return s.faults.HitIf(sandbox.ServerError, r.URL.Path, func(f sandbox.Fault) bool { return f.Strikes(r.Method) && f.AfterCommit == committed })
}

// refuses strikes calls that would change something.
func (s *Sim) refuses(r *http.Request) error {
	if r.Method == http.MethodGet {
		return nil
	}
	if _, ok := s.strikes(sandbox.Refuse, r); ok {
		return bad("body: the value is not allowed here")
	}
	return nil
}

// spoil strikes after the call has taken effect, then sends what is left.
func (s *Sim) spoil(w http.ResponseWriter, r *http.Request, out reply) {
	if f, ok := s.serverError(r, true); ok {
		s.release(out)
		out = serverError(f.Status)
	}
	if _, ok := s.strikes(sandbox.Cut, r); ok {
		s.sendHalf(w, out)
	}
	s.send(w, out)
}

func pause(r *http.Request, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.Context().Done():
	}
}

func serverError(status int) reply {
	return failure(&refusal{status: status, msg: "Internal server error", info: developers})
}

func htmlPage(status int, title, text string) reply {
	page := fmt.Sprintf("<!DOCTYPE html>\n<html><head><title>%s</title></head><body><h1>%s</h1><p>%s</p></body></html>\n", title, title, text)
	return reply{status: status, kind: "text/html; charset=UTF-8", body: []byte(page)}
}

func (s *Sim) send(w http.ResponseWriter, out reply) {
	writeHead(w, out)
	// A client that went away is none of the simulator's business.
	_, _ = w.Write(out.body)
	s.release(out)
}

// sendHalf promises the whole body, sends half and breaks the connection.
func (s *Sim) sendHalf(w http.ResponseWriter, out reply) {
	writeHead(w, out)
	_, _ = w.Write(out.body[:len(out.body)/2])
	// Without a flush nothing would have left, and clients try a request again
	// of which they saw nothing.
	_ = http.NewResponseController(w).Flush()
	s.release(out)
	panic(http.ErrAbortHandler)
}

func writeHead(w http.ResponseWriter, out reply) {
	h := w.Header()
	h.Set("Content-Type", out.kind)
	if out.kind == "" {
		h.Set("Content-Type", "application/json; charset=utf-8")
	}
	h.Set("Content-Length", strconv.Itoa(len(out.body)))
	for k, v := range out.header {
		h.Set(k, v)
	}
	w.WriteHeader(out.status)
}

func (s *Sim) release(out reply) {
	if out.buf != nil {
		s.buffers.Put(out.buf)
	}
}

// buffer returns an empty buffer that release may hand out again.
func (s *Sim) buffer() *[]byte {
	if b, ok := s.buffers.Get().(*[]byte); ok {
		*b = (*b)[:0]
		return b
	}
	b := make([]byte, 0, 64<<10)
	return &b
}

// permit checks the scopes of an OAuth token and the rights of a user.
func (s *Sim) permit(rt route, who identity) error {
	need := strings.Fields(rt.scopes)
	if slices.Equal(need, []string{"admin"}) && !who.admin {
		return forbidden("This action requires administrator rights")
	}
	if who.scopes == nil || slices.ContainsFunc(need, func(sc string) bool { return slices.Contains(who.scopes, sc) }) {
		return nil
	}
	return &refusal{status: http.StatusForbidden, msg: "Scope and URL mismatch", info: developers}
}

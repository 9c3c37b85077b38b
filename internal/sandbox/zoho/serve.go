package zoho

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"salesbook.dev/internal/sandbox"
)

// maxBody bounds request bodies.
const maxBody = 16 << 20

// route is one operation. need lists the scopes it wants: one of each line;
// {module} stands for the module of the path.
type route struct {
	method, path string
	need         [][]string
	cost         func(*call) int64
	heavy        func(*call) bool // counts for the lower limit of concurrency
	do           func(*call) (reply, error)
}

// ServeHTTP answers as the vendor would.
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

func (s *Sim) routeAll() (outer, direct *http.ServeMux) {
	outer, direct = http.NewServeMux(), http.NewServeMux()
	for _, rt := range routes() {
		pattern := rt.method + " " + rt.path
		outer.Handle(pattern, s.guarded(rt))
		direct.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			c, err := s.callOf(r, actorOf(r))
			if err != nil {
				s.send(w, failure(err))
				return
			}
			s.send(w, perform(rt, c))
		})
	}
	s.routeOAuth(outer)
	outer.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.stamp(w)
		s.send(w, failure(&refusal{http.StatusNotFound, "INVALID_URL_PATTERN", "Please check if the URL trying to access is a correct one", nil}))
	})
	return outer, direct
}

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
			err = s.permit(rt, r, who)
		}
		if err != nil {
			s.send(w, failure(err))
			return
		}
		c, err := s.callOf(r, who.user)
		if err != nil {
			s.send(w, failure(err))
			return
		}
		leave, err := s.quota.enter(s.Now(), rt, c, w.Header())
		if err != nil {
			s.send(w, failure(err))
			return
		}
		defer leave()
		s.slow(r) // a late answer counts as under way
		s.between.Play(r)
		if err := s.refuses(r); err != nil {
			s.send(w, failure(err))
			return
		}
		s.spoil(w, r, perform(rt, c))
	})
}

// stamp gives every answer the simulator's date.
func (s *Sim) stamp(w http.ResponseWriter) {
	w.Header().Set("Date", s.Now().Format(http.TimeFormat))
}

func (s *Sim) callOf(r *http.Request, by string) (*call, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return nil, bad("INVALID_DATA", "body", nil)
	}
	if len(body) > maxBody {
		return nil, &refusal{http.StatusRequestEntityTooLarge, "INVALID_DATA", "body", nil}
	}
	return &call{Sim: s, r: r, query: r.URL.Query(), body: body, by: by, at: s.Now()}, nil
}

func perform(rt route, c *call) reply {
	out, err := rt.do(c)
	if err != nil {
		return failure(err)
	}
	return out
}

// slow holds the answer back, if it is to be late.
func (s *Sim) slow(r *http.Request) {
	if f, ok := s.strikes(sandbox.Slow, r); ok {
		pause(r, f.Delay)
	}
}

// faultBefore strikes before the call takes effect.
func (s *Sim) faultBefore(r *http.Request) (reply, bool) {
	if _, ok := s.strikes(sandbox.BurstLimit, r); ok {
		return failure(tooMany()), true
	}
	if _, ok := s.strikes(sandbox.DailyLimit, r); ok {
		out := failure(tooMany())
		out.header = map[string]string{creditsHeader: "0"}
		return out, true
	}
	if f, ok := s.serverError(r, false); ok {
		return serverError(f.Status), true
	}
	if f, ok := s.strikes(sandbox.HTML, r); ok {
		page := "<!DOCTYPE html>\n<html><head><title>Bad gateway</title></head><body><h1>Bad gateway</h1></body></html>\n"
		return reply{status: f.Status, kind: "text/html; charset=UTF-8", body: []byte(page)}, true
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

// refuses strikes calls that would change something; a query is no change.
func (s *Sim) refuses(r *http.Request) error {
	if r.Method == http.MethodGet || strings.HasSuffix(r.URL.Path, "/coql") || strings.HasPrefix(r.URL.Path, "/crm/bulk/") {
		return nil
	}
	if _, ok := s.strikes(sandbox.Refuse, r); ok {
		return invalidData("invalid data", object{"api_name": "data", "json_path": "$.data[0]"})
	}
	return nil
}

// spoil strikes after the call has taken effect, then sends what is left.
func (s *Sim) spoil(w http.ResponseWriter, r *http.Request, out reply) {
	if f, ok := s.serverError(r, true); ok {
		out = serverError(f.Status)
	}
	if _, ok := s.strikes(sandbox.Cut, r); ok {
		sendHalf(w, out)
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
	return failure(&refusal{status, "INTERNAL_ERROR", "Internal server error occurred.", nil})
}

func (s *Sim) send(w http.ResponseWriter, out reply) {
	writeHead(w, out)
	// A client that went away is none of the simulator's business.
	_, _ = w.Write(out.body)
}

// sendHalf promises the whole body, sends half and breaks the connection.
func sendHalf(w http.ResponseWriter, out reply) {
	writeHead(w, out)
	_, _ = w.Write(out.body[:len(out.body)/2])
	// Without a flush nothing would have left, and clients try a request again
	// of which they saw nothing.
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

func writeHead(w http.ResponseWriter, out reply) {
	h := w.Header()
	for k, v := range out.header {
		h.Set(k, v)
	}
	if out.status != http.StatusNoContent && out.status != http.StatusNotModified {
		h.Set("Content-Type", out.kind)
		if out.kind == "" {
			h.Set("Content-Type", "application/json;charset=UTF-8")
		}
		h.Set("Content-Length", strconv.Itoa(len(out.body)))
	}
	w.WriteHeader(out.status)
}

// baseURL is where the client found the simulator, or what the options say.
func baseURL(configured string, r *http.Request) string {
	if configured != "" {
		return configured
	}
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return fmt.Sprintf("http://%s", r.Host)
}

package openapi

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
)

// Handler holds every exchange with a simulator to the documents and reports
// what is wrong by errorf, which is called from the server's goroutines.
func (a *Auditor) Handler(sim http.Handler, errorf func(format string, args ...any)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return // the client has gone
		}
		for _, wrong := range a.Request(req, body) {
			errorf("request: %s", wrong)
		}
		req.Body = io.NopCloser(bytes.NewReader(body))
		kept := httptest.NewRecorder()
		sim.ServeHTTP(kept, req)
		for _, wrong := range a.Answer(req, kept.Code, kept.Body.Bytes()) {
			errorf("answer: %s", wrong)
		}
		for name, values := range kept.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(kept.Code)
		_, _ = w.Write(kept.Body.Bytes()) // a client that has gone asks again
	})
}

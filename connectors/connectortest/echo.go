package connectortest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"salesbook.dev/internal/fault"
)

// echo answers requests with all that they hold, in the places where vendors
// put the text of an error. With only writes, reading succeeds.
func echo(status int, onlyWrites bool) func(int, *http.Request) *fake {
	return func(_ int, req *http.Request) *fake {
		if onlyWrites && req.Method == http.MethodGet {
			return nil
		}
		said := fmt.Sprint(req.URL, req.Header)
		if req.GetBody != nil {
			if body, err := req.GetBody(); err == nil {
				b, _ := io.ReadAll(body) // in memory
				said += string(b)
			}
		}
		body, err := json.Marshal(map[string]any{
			"success": false, "error": said, "message": said, "error_info": said, "error_description": said,
			"errors": []any{map[string]string{"message": said, "detail": said}}, "title": said, "detail": said,
		})
		if err != nil {
			return &fake{err: err}
		}
		return &fake{status: status, body: body, header: map[string]string{"Location": req.URL.String()}}
	}
}

func asFault(err error, into **fault.Error) bool { return errors.As(err, into) }

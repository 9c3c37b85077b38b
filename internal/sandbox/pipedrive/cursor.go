package pipedrive

import (
	"encoding/base64"
	"encoding/json"
	"time"
)

// cursor points at the first record of the next page. The vendor calls it
// opaque; its own example decodes to just this.
type cursor struct {
	Field     string `json:"field"`
	Value     string `json:"fieldValue"`
	Direction string `json:"sortDirection"`
	ID        int64  `json:"id"`
	Issued    int64  `json:"issued"` // Unix seconds, for faults that let it expire
}

func (c cursor) encode() string {
	b, err := json.Marshal(c)
	if err != nil {
		panic("pipedrive simulator: render a cursor: " + err.Error())
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// parseCursor refuses what this simulator did not issue for the same order.
func parseCursor(text, field, direction string) (*cursor, error) {
	if text == "" {
		return nil, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(text)
	var c cursor
	if err == nil {
		err = json.Unmarshal(b, &c)
	}
	if err != nil || c.ID <= 0 {
		return nil, bad("query: cursor is invalid")
	}
	if c.Field != field || c.Direction != direction {
		return nil, bad("query: cursor belongs to another order of the list")
	}
	return &c, nil
}

func (c cursor) issued() time.Time { return time.Unix(c.Issued, 0) }

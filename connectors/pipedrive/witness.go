package pipedrive

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"salesbook.dev/connectors"
)

// witnessWindow is how far apart the time of an entry of the changelog, which has
// whole seconds, and the deal's update_time may be, to be of one change.
const witnessWindow = 2 * time.Second

// Replaced implements connectors.Witness for deals, by the changelog (20 tokens a
// page, the newest entries first). Of a field it believes the newest entry that
// wrote our value at the time of the change. A field that held it before us has no
// entry of ours: if somebody had set it in the same seconds, it is told as it was
// before them. Amounts with a currency, addresses, times and ranges are left out:
// how the changelog writes them is not documented.
func (c *Connector) Replaced(ctx context.Context, e connectors.Edit, r connectors.Record) (connectors.Values, error) {
	if e.Object != deals || e.ID == "" || r.UpdatedAt.IsZero() {
		return connectors.Values{}, nil
	}
	entries, err := c.changesOf(ctx, e.ID)
	if err != nil {
		return connectors.Values{}, err
	}
	log := make([]logged, 0, len(entries))
	for _, entry := range entries {
		v, err := c.Decode(entry.Object, entry.Shape, entry.Raw)
		age := r.UpdatedAt.Sub(entry.UpdatedAt)
		if err == nil && !entry.UpdatedAt.IsZero() && age <= witnessWindow && age >= -witnessWindow {
			log = append(log, logged{v.Get("field_key").Text, v.Get("old_value"), v.Get("new_value")})
		}
	}
	return connectors.Values{Standard: replaced(e.Set.Standard, log), Custom: replaced(e.Set.Custom, log)}, nil
}

// logged is an entry of the changelog.
type logged struct {
	key      string
	old, now connectors.Value
}

func replaced(set []connectors.Pair, log []logged) []connectors.Pair {
	var out []connectors.Pair
	for _, p := range set {
		i := slices.IndexFunc(log, func(l logged) bool { return sameField(l.key, p.Key) && l.wrote(p.Value) })
		if i >= 0 {
			out = append(out, connectors.Pair{Key: p.Key, Value: asIn(p.Value, log[i].old)})
		}
	}
	return out
}

// sameField matches the changelog's names, which are those of v1 or of v2.
func sameField(logged, key string) bool {
	old := map[string]string{"owner_id": "user_id", "label_ids": "label", "pipeline_id": "pipeline"}[key]
	return logged == key || logged == old && old != ""
}

// wrote tells whether an entry is the writing of a value. The changelog has texts.
func (l logged) wrote(v connectors.Value) bool {
	switch v.Kind {
	case connectors.Null:
		return l.now.Kind == connectors.Null || l.now.Text == ""
	case connectors.Bool:
		return l.now.Text == v.Text || l.now.Text == map[string]string{"true": "1", "false": "0"}[v.Text]
	case connectors.Number, connectors.Text, connectors.Date:
		return l.now.Text == v.Text
	case connectors.List:
		return l.now.Text != "" && strings.Join(idsIn(l.now.Text), ",") == strings.Join(textsOf(v.Items), ",")
	}
	return false
}

// asIn gives a text of the changelog the kind of the value that replaced it.
func asIn(like, old connectors.Value) connectors.Value {
	switch {
	case old.Kind == connectors.Null || old.Text == "":
		return connectors.Value{}
	case like.Kind == connectors.Bool:
		return connectors.Value{Kind: connectors.Bool, Text: cmp.Or(map[string]string{"1": "true", "0": "false"}[old.Text], old.Text)}
	case like.Kind == connectors.Number && numeric(old.Text):
		return connectors.Value{Kind: connectors.Number, Text: old.Text}
	case like.Kind == connectors.List:
		out := connectors.Value{Kind: connectors.List}
		for _, id := range idsIn(old.Text) {
			item := connectors.Value{Kind: connectors.Text, Text: id}
			if numeric(id) {
				item.Kind = connectors.Number
			}
			out.Items = append(out.Items, item)
		}
		return out
	case like.Kind == connectors.Date:
		return connectors.Value{Kind: connectors.Date, Text: old.Text}
	}
	return connectors.Value{Kind: connectors.Text, Text: old.Text}
}

// idsIn reads several ids from a text: 1,2 or [1,2].
func idsIn(text string) []string {
	ids := strings.Split(strings.Trim(text, "[]"), ",")
	for i := range ids {
		ids[i] = strings.Trim(ids[i], ` "`)
	}
	return ids
}

func textsOf(items []connectors.Value) []string {
	out := make([]string, len(items))
	for i, item := range items {
		out[i] = item.Text
	}
	return out
}

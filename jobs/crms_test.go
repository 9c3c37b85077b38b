package jobs_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"salesbook.dev/internal/demo"
	"salesbook.dev/internal/sandbox"
	"salesbook.dev/internal/sandbox/pipedrive"
	"salesbook.dev/internal/sandbox/zoho"
)

// crm is a simulated CRM and the people who work in it. What they do with a deal is
// told in Pipedrive's words, which are nearly ours: title, stage_id, status,
// lost_reason, expected_close_date, owner_id and custom_fields.
type crm interface {
	Settle(ctx context.Context) error
	Flush(ctx context.Context) error
	Inject(f sandbox.Fault) (remove func(), err error)
	Before(method, path string, do func()) (happened func() bool)

	vendor() string
	truths() func(object string) iter.Seq[demo.Truth]
	writes() (method, deals, activities, notes string) // by which calls records are changed
	hire(name, email string) (id string, err error)
	field(label string) (code string, err error) // a text on the deal's card
	offer(fields map[string]any) (deal string, err error)
	set(deal string, fields map[string]any) error
	at(deal, field string) (string, error)
	remove(deal string) error
	archive(deal string, put bool) error
	merge(deal, into string) error
	plan(deal, subject, day string) error
	mark(activity string) error // as done
	rename(activity, subject string) error
	drop(activity string) error
	written(kind string) []writing
	logged(deal string) []logged
	us() string        // the user as whom we call
	refused() []string // calls that went beyond a quota or a right
}

// writing is an activity or a note, as the CRM has it.
type writing struct {
	id, deal, subject, text string
	maker                   string // a user
	done, deleted           bool
}

// logged is a change of a deal's by the CRM's own log.
type logged struct {
	field, value, by string
	at               time.Time
}

// person is the user who is none of ours, at Pipedrive.
const person = 2

type pipedriveCRM struct{ *pipedrive.Sim }

func (c pipedriveCRM) vendor() string { return "pipedrive" }
func (c pipedriveCRM) truths() func(object string) iter.Seq[demo.Truth] {
	return demo.PipedriveTruth(c.Sim)
}
func (c pipedriveCRM) writes() (method, deals, activities, notes string) {
	return "PATCH", "/deals/", "/activities", "/notes"
}

func (c pipedriveCRM) do(user int64, method, path string, body any) (gjson.Result, error) {
	answer, err := c.Do(user, method, path, body)
	if err != nil {
		err = fmt.Errorf("%w: %s", err, answer)
	}
	return gjson.GetBytes(answer, "data"), err
}

func (c pipedriveCRM) hire(name, email string) (string, error) {
	return "2", c.Seed(strings.NewReader(fmt.Sprintf(`{"object":"users","record":{"id":2,"name":%q,"email":%q,"active_flag":true}}`, name, email)))
}

func (c pipedriveCRM) field(label string) (string, error) {
	made, err := c.do(1, "POST", "/api/v2/dealFields", map[string]any{"field_name": label, "field_type": "text"})
	return made.Get("field_code").String(), err
}

func (c pipedriveCRM) offer(fields map[string]any) (string, error) {
	made, err := c.do(1, "POST", "/api/v2/deals", fields)
	return made.Get("id").String(), err
}

func (c pipedriveCRM) set(deal string, fields map[string]any) error {
	_, err := c.do(person, "PATCH", "/api/v2/deals/"+deal, fields)
	return err
}

func (c pipedriveCRM) at(deal, field string) (string, error) {
	got, err := c.do(1, "GET", "/api/v2/deals/"+deal, nil)
	return got.Get(field).String(), err
}

func (c pipedriveCRM) remove(deal string) error {
	_, err := c.do(person, "DELETE", "/api/v2/deals/"+deal, nil)
	return err
}

func (c pipedriveCRM) plan(deal, subject, day string) error {
	_, err := c.do(person, "POST", "/api/v2/activities", map[string]any{"subject": subject, "type": "meeting", "deal_id": json.Number(deal), "due_date": day})
	return err
}

func (c pipedriveCRM) mark(activity string) error {
	_, err := c.do(person, "PATCH", "/api/v2/activities/"+activity, map[string]any{"done": true})
	return err
}

func (c pipedriveCRM) rename(activity, subject string) error {
	_, err := c.do(person, "PATCH", "/api/v2/activities/"+activity, map[string]any{"subject": subject})
	return err
}

func (c pipedriveCRM) drop(activity string) error {
	_, err := c.do(person, "DELETE", "/api/v2/activities/"+activity, nil)
	return err
}

func (c pipedriveCRM) archive(deal string, put bool) error {
	return c.set(deal, map[string]any{"is_archived": put})
}

func (c pipedriveCRM) merge(deal, into string) error {
	_, err := c.do(person, "PUT", "/api/v1/deals/"+deal+"/merge", map[string]any{"merge_with_id": json.Number(into)})
	return err
}

func (c pipedriveCRM) us() string { return "1" }

func (c pipedriveCRM) refused() (out []string) {
	if r := c.Refused(); r != (pipedrive.Refusals{}) {
		out = append(out, fmt.Sprintf("%+v", r))
	}
	return out
}

// logged is the log of a deal, the latest first; nothing of one that is gone.
func (c pipedriveCRM) logged(deal string) (list []logged) {
	log, err := c.do(1, "GET", "/api/v1/deals/"+deal+"/changelog?limit=500", nil)
	if err != nil {
		return nil
	}
	for _, l := range log.Array() {
		if at, err := time.Parse(time.DateTime, l.Get("time").String()); err == nil {
			list = append(list, logged{l.Get("field_key").String(), l.Get("new_value").String(), l.Get("actor_user_id").String(), at})
		}
	}
	return list
}

func (c pipedriveCRM) written(kind string) (list []writing) {
	for r := range c.Truth(kind) {
		has := gjson.ParseBytes(r.JSON)
		list = append(list, writing{id: r.ID, deal: has.Get("deal_id").String(), subject: has.Get("subject").String(), maker: has.Get("creator_user_id").String(), text: string(r.JSON), done: has.Get("done").Bool(), deleted: r.Deleted})
	}
	return list
}

// zohoCRM is an account of Zoho CRM in which somebody else than we works.
type zohoCRM struct {
	*zoho.Sim
	person string
}

func (c *zohoCRM) vendor() string                                   { return "zoho" }
func (c *zohoCRM) truths() func(object string) iter.Seq[demo.Truth] { return demo.ZohoTruth(c.Sim) }
func (c *zohoCRM) writes() (method, deals, activities, notes string) {
	return "PUT", "/Deals/", "/Tasks", "/Notes"
}

func (c *zohoCRM) do(user, method, path string, record map[string]any) (string, error) {
	var body any
	if record != nil {
		body = map[string]any{"data": []any{record}}
	}
	answer, err := c.Do(user, method, "/crm/v8/"+path, body)
	if err != nil {
		return "", err
	}
	return gjson.GetBytes(answer, "data.0.details.id").String(), nil
}

func (c *zohoCRM) hire(name, email string) (string, error) { return c.Hire(name, email) }

func (c *zohoCRM) field(label string) (string, error) {
	answer, err := c.Do("", "POST", "/crm/v8/settings/fields?module=Deals", map[string]any{"fields": []any{map[string]any{"field_label": label, "data_type": "text"}}})
	if err != nil {
		return "", err
	}
	id := gjson.GetBytes(answer, "fields.0.details.id").String()
	answer, err = c.Do("", "GET", "/crm/v8/settings/fields/"+id+"?module=Deals", nil)
	return gjson.GetBytes(answer, "fields.0.api_name").String(), err
}

// lossReasons lets deals be lost for the reasons of a book.
func (c *zohoCRM) lossReasons(reasons ...string) error {
	answer, err := c.Do("", "GET", "/crm/v8/settings/fields?module=Deals", nil)
	if err != nil {
		return err
	}
	var options []any
	for _, r := range reasons {
		options = append(options, map[string]any{"display_value": r, "actual_value": r})
	}
	id := gjson.GetBytes(answer, `fields.#(api_name=="Reason_For_Loss__s").id`).String()
	_, err = c.Do("", "PATCH", "/crm/v8/settings/fields/"+id+"?module=Deals", map[string]any{"fields": []any{map[string]any{"pick_list_values": options}}})
	return err
}

// inZohosWords are fields of a deal as Zoho has them.
func inZohosWords(fields map[string]any) map[string]any {
	out := map[string]any{}
	for name, v := range fields {
		switch name {
		case "title":
			out["Deal_Name"] = v
		case "stage_id":
			out["Pipeline"], out["Stage"], _ = strings.Cut(fmt.Sprint(v), "|")
		case "status":
			out["Stage"] = map[any]string{"lost": "Closed Lost", "won": "Closed Won", "open": "Qualification"}[v]
		case "lost_reason":
			out["Reason_For_Loss__s"] = v
		case "expected_close_date":
			out["Closing_Date"] = v
		case "owner_id":
			out["Owner"] = map[string]any{"id": v}
		case "custom_fields":
			for code, text := range v.(map[string]any) {
				out[code] = text
			}
		}
	}
	return out
}

func (c *zohoCRM) offer(fields map[string]any) (string, error) {
	record := inZohosWords(fields)
	if record["Stage"] == nil {
		record["Stage"] = "Qualification"
	}
	return c.do("", "POST", "Deals", record)
}

func (c *zohoCRM) set(deal string, fields map[string]any) error {
	_, err := c.do(c.person, "PUT", "Deals/"+deal, inZohosWords(fields))
	return err
}

func (c *zohoCRM) at(deal, field string) (string, error) {
	answer, err := c.Do("", "GET", "/crm/v8/Deals/"+deal, nil)
	has := gjson.GetBytes(answer, "data.0")
	stage := has.Get("Stage").String()
	switch field {
	case "stage_id":
		return has.Get("Pipeline").String() + "|" + stage, err
	case "status":
		for end, status := range map[string]string{"Closed Lost": "lost", "Closed Won": "won"} {
			if strings.HasPrefix(stage, end) {
				return status, err
			}
		}
		return "open", err
	case "lost_reason":
		field = "Reason_For_Loss__s"
	}
	return has.Get(strings.TrimPrefix(field, "custom_fields.")).String(), err
}

func (c *zohoCRM) remove(deal string) error {
	_, err := c.do(c.person, "DELETE", "Deals/"+deal, nil)
	return err
}

func (c *zohoCRM) plan(deal, subject, day string) error {
	_, err := c.do(c.person, "POST", "Events", map[string]any{"Event_Title": subject, "Start_DateTime": day + "T10:00:00+01:00", "End_DateTime": day + "T11:00:00+01:00",
		"What_Id": map[string]any{"id": deal}, "$se_module": "Deals"})
	return err
}

func (c *zohoCRM) mark(activity string) error {
	_, err := c.do(c.person, "PUT", "Tasks/"+activity, map[string]any{"Status": "Completed"})
	return err
}

func (c *zohoCRM) rename(activity, subject string) error {
	_, err := c.do(c.person, "PUT", "Tasks/"+activity, map[string]any{"Subject": subject})
	return err
}

func (c *zohoCRM) drop(activity string) error {
	_, err := c.do(c.person, "DELETE", "Tasks/"+activity, nil)
	return err
}

func (c *zohoCRM) archive(string, bool) error { return errors.New("Zoho has no archive") }

func (c *zohoCRM) merge(deal, into string) error {
	_, err := c.Do(c.person, "POST", "/crm/v8/Deals/"+into+"/actions/merge", map[string]any{"merge": []any{map[string]any{"data": []any{map[string]any{"id": deal}}}}})
	return err
}

func (c *zohoCRM) us() string {
	for r := range c.Truth("users") {
		return r.ID // who opened the account
	}
	return ""
}

func (c *zohoCRM) refused() (out []string) {
	if r := c.Refused(); r != (zoho.Refusals{}) {
		out = append(out, fmt.Sprintf("%+v", r))
	}
	return out
}

// logged are a deal's stays in stages, the latest first: all that Zoho tells of.
func (c *zohoCRM) logged(deal string) (list []logged) {
	pipeline, err := c.at(deal, "Pipeline")
	if err != nil {
		return nil
	}
	for r := range c.Truth("DealHistory") {
		if stay := gjson.ParseBytes(r.JSON); stay.Get("Potential_Name.id").String() == deal {
			list = append(list, logged{"stage_id", pipeline + "|" + stay.Get("Stage").String(), stay.Get("Modified_By.id").String(), stay.Get("Modified_Time").Time()})
		}
	}
	slices.Reverse(list)
	return list
}

func (c *zohoCRM) written(kind string) (list []writing) {
	objects := map[string][]string{"activities": {"Tasks", "Events", "Calls"}, "notes": {"Notes"}}[kind]
	for _, object := range objects {
		for r := range c.Truth(object) {
			has := gjson.ParseBytes(r.JSON)
			w := writing{id: r.ID, text: string(r.JSON), deleted: r.Deleted, done: has.Get("Status").String() == "Completed", maker: has.Get("Created_By.id").String()}
			w.deal, w.subject = has.Get("What_Id.id").String()+has.Get("Parent_Id.id").String(), has.Get("Subject").String()+has.Get("Event_Title").String()
			list = append(list, w)
		}
	}
	return list
}

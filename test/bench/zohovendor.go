package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

// The yardstick's deals as Zoho CRM has them: an account whose name begins with
// "wide" has more fields than one answer may hold. Lists by id with places, readings
// by ids, and those queries that the connector asks; everything else of the account
// is empty.

const (
	firstDeal = 5_000_000_000_000_000_000 // ids have 19 digits
	ownFields = 20
	wideMore  = 30 // fields more of a wide account
)

// touch changes one deal of so many, and the time of its change.
func (v *vendor) touch(q url.Values) {
	every, _ := strconv.Atoi(q.Get("every"))
	now := time.Now().UTC().Truncate(time.Second).Format(time.RFC3339)
	v.mu.Lock()
	defer v.mu.Unlock()
	for i := 0; i < len(v.deals); i += every {
		d := &v.deals[i]
		raw := bytes.Replace(d.raw, []byte(`"title":"`), []byte(`"title":"* `), 1)
		raw = bytes.Replace(raw, []byte(`"update_time":"`+d.update), []byte(`"update_time":"`+now), 1)
		*d = deal{raw: raw, update: now}
	}
	v.windows = map[string][]int{}
}

// zoho answers one call as Zoho CRM would.
func (v *vendor) zoho(w http.ResponseWriter, r *http.Request, account, path string) {
	wide := strings.HasPrefix(account, "wide")
	q := r.URL.Query()
	switch path = strings.TrimPrefix(path, "crm/v8/"); path {
	case "oauth/v2/token":
		_, _ = io.WriteString(w, `{"access_token":"token","expires_in":3600,"token_type":"Bearer"}`)
	case "org":
		_, _ = fmt.Fprintf(w, `{"org":[{"id":%q,"company_name":"Bench","time_zone":"UTC","license_details":{"paid_type":"ultimate"}}]}`, account)
	case "users":
		_, _ = io.WriteString(w, `{"users":[{"id":"10","full_name":"Anna","status":"active"}],"info":{"more_records":false}}`)
	case "settings/fields":
		_, _ = io.WriteString(w, zohoFields(q.Get("module"), wide))
	case "settings/layouts":
		_, _ = io.WriteString(w, `{"layouts":[{"id":"1","name":"Standard"}]}`)
	case "settings/pipeline":
		_, _ = io.WriteString(w, zohoPipelines())
	case "coql":
		v.zohoQuery(w, r)
	case "Deals":
		v.zohoDeals(w, q, wide)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

// zohoQuery tells ids of deals: those behind an id, or what changed.
func (v *vendor) zohoQuery(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Query string `json:"select_query"`
	}
	_ = json.NewDecoder(r.Body).Decode(&body)
	_, rest, ok := strings.Cut(body.Query, "id > ")
	if !ok && !strings.Contains(body.Query, "id is not null") || !strings.Contains(body.Query, "from Deals ") || strings.Contains(body.Query, "order by Modified_Time") {
		w.WriteHeader(http.StatusNoContent) // nothing changes while records are read
		return
	}
	limit, _ := strconv.Atoi(body.Query[strings.LastIndexByte(body.Query, ' ')+1:])
	from := place(strings.Fields(rest + " 0")[0])
	v.mu.Lock()
	defer v.mu.Unlock()
	to := min(from+limit, len(v.deals))
	if from >= to {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	var out []byte
	for i := from; i < to; i++ {
		out = fmt.Appendf(out, `{"Created_Time":%q,"id":"%d"},`, v.deals[i].update, uint64(firstDeal+i))
	}
	_, _ = fmt.Fprintf(w, `{"data":[%s],"info":{"more_records":%v}}`, out[:len(out)-1], to < len(v.deals))
}

// place is how many deals stand up to an id.
func place(id string) int {
	n, _ := strconv.ParseUint(id, 10, 64)
	if n < firstDeal {
		return 0
	}
	return int(n-firstDeal) + 1
}

// zohoDeals answers a page of the list, or what is asked for by ids.
func (v *vendor) zohoDeals(w http.ResponseWriter, q url.Values, wide bool) {
	part := 0
	if wide {
		part = 1
		if !strings.Contains(q.Get("fields"), "Deal_Name") {
			part = 2
		}
	}
	v.mu.Lock()
	var which []int
	if text := q.Get("ids"); text != "" {
		for _, id := range strings.Split(text, ",") {
			which = append(which, place(id)-1)
		}
	} else {
		from, _ := strconv.Atoi(q.Get("page_token"))
		for i := from; i < min(from+200, len(v.deals)); i++ {
			which = append(which, i)
		}
	}
	size := 200
	for _, n := range which {
		if v.deals[n].parts[part] == nil {
			v.deals[n].parts = zohoDeal(n, v.deals[n])
		}
		size += len(v.deals[n].parts[part]) + 1
	}
	body := append(make([]byte, 0, size), `{"data":[`...)
	for i, n := range which {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, v.deals[n].parts[part]...)
	}
	next := which[len(which)-1] + 1
	body = fmt.Appendf(body, `],"info":{"per_page":200,"more_records":%v,"next_page_token":"%d"}}`, q.Get("ids") == "" && next < len(v.deals), next)
	v.mu.Unlock()
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body)
}

// zohoDeal writes a deal with the values of the yardstick's, whole and in parts.
func zohoDeal(n int, d deal) (parts [3][]byte) {
	from := gjson.ParseBytes(d.raw)
	own := []string{}
	from.Get("custom_fields").ForEach(func(_, value gjson.Result) bool {
		text := value.Raw
		if value.IsObject() {
			text = value.Get("value").Raw
		}
		own = append(own, fmt.Sprintf(`,"Own_Field_%02d":%s`, len(own), text))
		return true
	})
	more := []string{}
	for i := range wideMore {
		more = append(more, fmt.Sprintf(`,"Own_Field_%02d":%s`, ownFields+i, []string{"null", `"a few more words"`, "null", strconv.Itoa(n % (i + 7))}[i%4]))
	}
	// Both stand in the middle of a part: nobody may rely on finding them at once.
	label := fmt.Sprintf(`,"Modified_Time":%q,"id":"%d"`, d.update, uint64(firstDeal+n))
	text := func(key, path string) string { return fmt.Sprintf(`,%q:%s`, key, orNull(from.Get(path).Raw)) }
	refer := func(key, path, name string) string {
		return fmt.Sprintf(`,%q:{"name":%q,"id":"55%017d"}`, key, name, from.Get(path).Int())
	}
	stage := zohoStages()[from.Get("stage_id").Int()%6]
	switch from.Get("status").String() {
	case "won":
		stage = "Closed Won"
	case "lost":
		stage = "Closed Lost"
	}
	standard := text("Amount", "value") + refer("Account_Name", "org_id", "Nordwind GmbH") + text("Closing_Date", "expected_close_date") + refer("Contact_Name", "person_id", "Jan Kowalski") +
		`,"Created_By":{"name":"Anna Nowak","id":"5500000000000000010","email":"anna@example.com"}` + text("Created_Time", "add_time") + text("Currency", "currency") + text("Deal_Name", "title") +
		`,"Description":null,"Exchange_Rate":1,"Expected_Revenue":null` + text("Last_Activity_Time", "update_time") +
		`,"Lead_Source":"Cold Call","Locked__s":false,"Modified_By":{"name":"Anna Nowak","id":"5500000000000000010","email":"anna@example.com"},"Next_Step":null,"Owner":{"name":"Anna Nowak","id":"5500000000000000010","email":"anna@example.com"}`
	rest := fmt.Sprintf(`,"Pipeline":"Standard (Standard)"%s%s,"Stage":%q%s,"Tag":[],"Type":"New Business"}`, text("Probability", "probability"), text("Reason_For_Loss__s", "lost_reason"), stage, text("Stage_Modified_Time", "stage_change_time"))
	all := strings.Join(own, "")
	parts[0] = []byte("{" + standard[1:] + label + all + rest)
	parts[1] = []byte("{" + standard[1:] + label + all + strings.Join(more[:10], "") + "}")
	parts[2] = []byte("{" + strings.Join(more[10:], "")[1:] + label + rest)
	return parts
}

func orNull(raw string) string {
	if raw == "" {
		return "null"
	}
	return raw
}

// zohoFields defines the fields of a module: of deals those above, of others one.
func zohoFields(module string, wide bool) string {
	if module != "Deals" {
		return `{"fields":[{"api_name":"Owner","field_label":"Owner","data_type":"ownerlookup"}]}`
	}
	standard := strings.Fields("Amount:currency Account_Name:lookup Closing_Date:date Contact_Name:lookup Created_By:ownerlookup Created_Time:datetime Currency:picklist Deal_Name:text " +
		"Description:textarea Exchange_Rate:double Expected_Revenue:currency Last_Activity_Time:datetime Lead_Source:picklist Locked__s:boolean Modified_By:ownerlookup Next_Step:text Owner:ownerlookup " +
		"Pipeline:picklist Probability:integer Reason_For_Loss__s:picklist Stage:picklist Stage_Modified_Time:datetime Tag:text Type:picklist")
	n := ownFields
	if wide {
		n += wideMore
	}
	types := []string{"text", "integer", "currency", "multiselectpicklist", "date"}
	for i := range n {
		kind := "text"
		if i < ownFields {
			kind = types[i%5]
		}
		standard = append(standard, fmt.Sprintf("Own_Field_%02d:%s", i, kind))
	}
	slices.Sort(standard)
	var out []string
	for _, f := range standard {
		name, kind, _ := strings.Cut(f, ":")
		out = append(out, fmt.Sprintf(`{"api_name":%q,"field_label":%q,"data_type":%q,"custom_field":%v}`, name, name, kind, strings.HasPrefix(name, "Own_")))
	}
	return `{"fields":[` + strings.Join(out, ",") + `]}`
}

func zohoStages() []string {
	return []string{"Qualification", "Needs Analysis", "Value Proposition", "Identify Decision Makers", "Proposal/Price Quote", "Negotiation/Review"}
}

func zohoPipelines() string {
	var maps []string
	for i, stage := range append(zohoStages(), "Closed Won", "Closed Lost") {
		kind := "Open"
		if i >= len(zohoStages()) {
			kind = stage
		}
		maps = append(maps, fmt.Sprintf(`{"id":"%d","display_value":%q,"actual_value":%q,"sequence_number":%d,"forecast_type":%q}`, 100+i, stage, stage, i+1, kind))
	}
	return `{"pipeline":[{"id":"7","display_value":"Standard (Standard)","actual_value":"Standard (Standard)","default":true,"maps":[` + strings.Join(maps, ",") + `]}]}`
}

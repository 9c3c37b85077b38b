package zoho

import (
	"archive/zip"
	"bytes"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// The vendor's bounds of Bulk Read (fact sheet 2.3, 2026-11-21).
const (
	bulkRows      = 200_000
	bulkDownloads = 10 // a minute
)

// job is one Bulk Read. It moves on with every look at it: ADDED, IN PROGRESS,
// COMPLETED; the records are read when it completes.
type job struct {
	id      int64
	by      string
	created time.Time
	state   string
	query   bulkQuery
	module  *module
	cols    []column
	test    func(*row) bool
	from    int // records before this job's page
	count   int
	more    bool
	token   string
	csv     []byte
}

// bulkQuery is the request's query (bulk_read.json).
type bulkQuery struct {
	Module struct {
		APIName string `json:"api_name"`
	} `json:"module"`
	Fields    []string        `json:"fields,omitempty"`
	Page      int             `json:"page,omitempty"`
	PageToken string          `json:"page_token,omitempty"`
	Criteria  json.RawMessage `json:"criteria,omitempty"`
	FileType  string          `json:"file_type,omitempty"`
}

// criterion is a condition of a job, or a group of them.
type criterion struct {
	GroupOperator string      `json:"group_operator"`
	Group         []criterion `json:"group"`
	APIName       string      `json:"api_name"`
	Field         struct {
		APIName string `json:"api_name"`
	} `json:"field"`
	Comparator string `json:"comparator"`
	Value      any    `json:"value"`
}

// cond is the criterion as a COQL condition.
func (c criterion) cond() (*cond, error) {
	if c.GroupOperator != "" {
		var out *cond
		for _, one := range c.Group {
			x, err := one.cond()
			if err != nil {
				return nil, err
			}
			if out == nil {
				out = x
				continue
			}
			out = &cond{join: strings.ToLower(c.GroupOperator), left: out, right: x}
		}
		if out == nil {
			return nil, invalidData("invalid data", object{"api_name": "group", "json_path": "$.query.criteria"})
		}
		return out, nil
	}
	op, ok := map[string]string{
		"equal": "=", "not_equal": "!=", "greater_than": ">", "greater_equal": ">=", "less_than": "<", "less_equal": "<=", "in": "in",
		"not_in": "not in", "between": "between", "not_between": "not between", "starts_with": "like", "ends_with": "like", "contains": "like",
		"not_contains": "not like",
	}[c.Comparator]
	if !ok {
		return nil, invalidData("invalid data", object{"api_name": "comparator", "json_path": "$.query.criteria.comparator"})
	}
	return &cond{field: cmp.Or(c.Field.APIName, c.APIName), op: op, args: c.args()}, nil
}

func (c criterion) args() []string {
	list, ok := c.Value.([]any)
	if !ok {
		list = []any{c.Value}
	}
	var out []string
	for _, v := range list {
		out = append(out, fmt.Sprint(v))
	}
	switch c.Comparator {
	case "starts_with":
		out[0] += "%"
	case "ends_with":
		out[0] = "%" + out[0]
	case "contains", "not_contains":
		out[0] = "%" + out[0] + "%"
	}
	return out
}

// createJob takes a Bulk Read in.
func createJob(c *call) (reply, error) {
	var body struct {
		Query    bulkQuery `json:"query"`
		FileType string    `json:"file_type"`
	}
	if err := c.parse(&body); err != nil {
		return reply{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	j, err := c.newJob(body.Query)
	if err != nil {
		return reply{}, err
	}
	c.next++
	j.id = c.next
	c.jobs = append(c.jobs, j)
	details := object{
		"id": idText(j.id), "operation": "read", "state": j.state, "created_by": c.person(j.by),
		"created_time": j.created.In(c.zone).Format(time.RFC3339),
	}
	return jsonReply(http.StatusCreated, object{"data": []object{{
		"status": "success", "code": "ADDED_SUCCESSFULLY", "message": "Added successfully.", "details": details,
	}}, "info": object{}}), nil
}

func (c *call) newJob(q bulkQuery) (*job, error) {
	m := c.visible(q.Module.APIName)
	if m == nil || m.APIName == "Notes" {
		return nil, bad("INVALID_MODULE", "the module name given seems to be invalid", object{"api_name": "module", "json_path": "$.query.module"})
	}
	j := &job{by: c.by, created: c.at, state: "ADDED", query: q, module: m}
	fields := q.Fields
	if len(fields) == 0 {
		for _, f := range m.Fields {
			fields = append(fields, f.APIName)
		}
	}
	var err error
	if j.cols, err = c.columns(m, slices.DeleteFunc(slices.Clone(fields), func(n string) bool { return n == "id" })); err != nil {
		return nil, err
	}
	where := &cond{field: "id", op: "is not null"}
	if len(q.Criteria) > 0 && string(q.Criteria) != "null" {
		var cr criterion
		d := json.NewDecoder(bytes.NewReader(q.Criteria))
		d.UseNumber()
		if err := d.Decode(&cr); err != nil {
			return nil, invalidData("invalid data", object{"api_name": "criteria", "json_path": "$.query.criteria"})
		}
		if where, err = cr.cond(); err != nil {
			return nil, err
		}
	}
	if j.test, err = c.compile(m, where); err != nil {
		return nil, err
	}
	return j, c.bulkPlace(j)
}

// bulkPlace finds the job's page, by number or by token.
func (c *call) bulkPlace(j *job) error {
	j.query.Page = max(j.query.Page, 1)
	j.from = (j.query.Page - 1) * c.bulkRows()
	if j.query.PageToken == "" {
		return nil
	}
	for _, old := range c.jobs {
		if old.token != j.query.PageToken || old.by != j.by {
			continue
		}
		if c.at.Sub(old.created) >= pageLifetime {
			return bad("EXPIRED_VALUE", "the page_token has expired", object{"api_name": "page_token", "json_path": "$.query.page_token"})
		}
		j.from = old.from + old.count
		j.query.Page = old.query.Page + 1
		return nil
	}
	return invalidData("the page_token given seems to be invalid", object{"api_name": "page_token", "json_path": "$.query.page_token"})
}

func (s *Sim) bulkRows() int { return cmp.Or(s.opt.BulkRows, bulkRows) }

func (c *call) job() (*job, error) {
	for _, j := range c.jobs {
		if idText(j.id) == c.r.PathValue("id") {
			return j, nil
		}
	}
	return nil, &refusal{http.StatusNotFound, "RESOURCE_NOT_FOUND", "The requested resource doesn't exist", object{"resource": c.r.PathValue("id")}}
}

// getJob tells a job's state and moves it on.
func getJob(c *call) (reply, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	j, err := c.job()
	if err != nil {
		return reply{}, err
	}
	switch j.state {
	case "ADDED":
		j.state = "IN PROGRESS"
	case "IN PROGRESS":
		if err := c.complete(j); err != nil {
			return reply{}, err
		}
	}
	shown := object{
		"id": idText(j.id), "operation": "read", "state": j.state, "file_type": "csv", "created_by": c.person(j.by),
		"created_time": j.created.In(c.zone).Format(time.RFC3339),
		"query":        object{"module": object{"api_name": j.module.APIName, "id": idText(j.module.ID)}, "fields": j.query.Fields, "page": j.query.Page},
	}
	if j.state == "COMPLETED" {
		result := object{
			"page": j.query.Page, "count": j.count, "per_page": c.bulkRows(), "more_records": j.more,
			"download_url": "/crm/bulk/v8/read/" + idText(j.id) + "/result",
		}
		if j.more {
			result["next_page_token"] = j.token
			result["page_token_expiry"] = j.created.Add(pageLifetime).In(c.zone).Format(time.RFC3339)
		}
		shown["result"] = result
	}
	return jsonReply(http.StatusOK, object{"data": []object{shown}}), nil
}

// complete reads the records of a job; the caller holds mu for writing.
func (c *call) complete(j *job) error {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	head := []string{"Id"}
	for _, col := range j.cols {
		head = append(head, col.name)
	}
	_ = w.Write(head) // a buffer takes everything
	seen := 0
	for _, r := range c.tables[j.module.APIName].rows {
		if !j.test(r) {
			continue
		}
		if seen++; seen <= j.from {
			continue
		}
		if j.count == c.bulkRows() {
			j.more = true
			break
		}
		j.count++
		line := []string{r.key()}
		for _, col := range j.cols {
			line = append(line, csvText(c.Sim, col, r))
		}
		_ = w.Write(line)
	}
	w.Flush()
	j.csv, j.state = out.Bytes(), "COMPLETED"
	if j.more {
		j.token = c.dice.hex(64)
	}
	return w.Error()
}

// csvText writes a value as the vendor's CSV does: lookups as ids, lists with
// semicolons.
func csvText(s *Sim, col column, r *row) string {
	switch v := col.shown(s, r).(type) {
	case nil:
		return ""
	case object:
		return fmt.Sprint(v["id"])
	case []any:
		var parts []string
		for _, x := range v {
			parts = append(parts, fmt.Sprint(x))
		}
		return strings.Join(parts, ";")
	default:
		return fmt.Sprint(v)
	}
}

// getJobResult gives the ZIP with one CSV.
func getJobResult(c *call) (reply, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	j, err := c.job()
	if err == nil && j.state != "COMPLETED" {
		err = bad("RESOURCE_NOT_FOUND", "The requested resource doesn't exist", object{"resource": idText(j.id)})
	}
	if err != nil {
		return reply{}, err
	}
	c.downloads = slices.DeleteFunc(c.downloads, func(at time.Time) bool { return c.at.Sub(at) >= time.Minute })
	if len(c.downloads) >= bulkDownloads {
		return reply{}, tooMany()
	}
	c.downloads = append(c.downloads, c.at)
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	f, err := z.Create(idText(j.id) + ".csv")
	if err == nil {
		_, err = f.Write(j.csv)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		return reply{}, fmt.Errorf("zip the result of job %d: %w", j.id, err)
	}
	return reply{status: http.StatusOK, kind: "application/x-download", body: out.Bytes(), header: map[string]string{
		"Content-Disposition": "attachment; filename=" + idText(j.id) + ".zip",
	}}, nil
}

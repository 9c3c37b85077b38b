package pipedrive

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/bytedance/sonic"

	"salesbook.dev/connectors"
	"salesbook.dev/connectors/answers"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/rest"
)

// me is what GET /v1/users/me tells (OpenAPI v1).
type me struct {
	ID       sonic.NoCopyRawMessage `json:"id"`
	Company  sonic.NoCopyRawMessage `json:"company_id"`
	Name     string                 `json:"company_name"`
	Domain   string                 `json:"company_domain"`
	TimeZone string                 `json:"timezone_name"`
	Access   []struct {
		App   string `json:"app"`
		Admin bool   `json:"admin"`
	} `json:"access"`
}

// Check implements connectors.Connector. It costs 132 tokens, 152 with
// OAuth.
func (c *Connector) Check(ctx context.Context) (connectors.Rights, error) {
	answer, err := c.get(ctx, v1, "/users/me", nil)
	if err != nil {
		return connectors.Rights{}, err
	}
	var who me
	if err := data(answer, &who); err != nil {
		return connectors.Rights{}, err
	}
	rights := connectors.Rights{
		Account: answers.Text(who.Company), User: answers.Text(who.ID), Name: who.Name, Zone: who.TimeZone,
		BaseURL: c.companyURL(who.Domain), Quota: quota(answer.Header),
	}
	if rights.Account == "" || rights.User == "" {
		return connectors.Rights{}, fault.New(fault.Temporary, "Pipedrive does not say whose credentials these are: no id or company_id in users/me; try again later")
	}
	rights.Missing = who.limits()
	for _, p := range c.probes() {
		what, err := c.probe(ctx, p)
		if err != nil {
			return connectors.Rights{}, err
		}
		if what != "" {
			rights.Missing = append(rights.Missing, what)
		}
	}
	return rights, nil
}

// data reads the data of an answer that is neither a list nor a record.
func data[T any](a rest.Answer, into *T) error {
	e := struct {
		Success *bool `json:"success"`
		Data    *T    `json:"data"`
	}{Data: into}
	if err := answers.Read(a.Body, &e); err != nil || e.Success == nil || !*e.Success || e.Data == nil {
		return fault.New(fault.Temporary, "Pipedrive's answer is not of the documented form; try again later")
	}
	return nil
}

var domainName = regexp.MustCompile(`^[a-zA-Z0-9-]+$`)

// companyURL is the company's own host, told by the vendor itself only.
func (c *Connector) companyURL(domain string) string {
	if !c.real || !domainName.MatchString(domain) {
		return ""
	}
	return "https://" + strings.ToLower(domain) + ".pipedrive.com"
}

// quota is the budget that an answer's headers tell.
func quota(h http.Header) rest.Quota {
	var q rest.Quota
	if n := number(h, "X-Ratelimit-Limit"); n != nil {
		q.Burst, q.BurstWindow = *n, burstWindow
	}
	if n := number(h, "X-Daily-Ratelimit-Token-Limit"); n != nil {
		q.Daily = *n
	}
	return q
}

// limits puts into words what a user's lack of administration hides. Which
// records a visibility group hides, no operation tells.
func (m me) limits() []string {
	admin := map[string]bool{}
	for _, a := range m.Access {
		admin[a.App] = admin[a.App] || a.Admin
	}
	var out []string
	if !admin["sales"] && !admin["global"] {
		out = append(out, "The user is no deals admin: deals, leads and contacts outside the user's visibility group stay hidden, and no figure can count them. Use the token of a deals admin (in Pipedrive: Settings > Manage users).")
	}
	if !admin["account_settings"] && !admin["global"] {
		out = append(out, "The user has no account settings access: webhooks cannot be set up, so that changes arrive by polling only. Give the user account settings access, or use the token of one who has it.")
	}
	return out
}

// probe is a cheap reading that shows whether one thing may be read.
type probe struct {
	what  string
	scope string // of OAuth, one that suffices (OpenAPI, security of the operation)
	api   version
	path  string
	limit bool
}

func (c *Connector) probes() []probe {
	all := []probe{
		{"Deals", "deals:read", v2, "/deals", true},
		{"Persons", "contacts:read", v2, "/persons", true},
		{"Organizations", "contacts:read", v2, "/organizations", true},
		{"Activities", "activities:read", v2, "/activities", true},
		{"Products", "products:read", v2, "/products", true},
		{"Leads", "leads:read", v1, "/leads", true},
		{"Notes", "deals:read", v1, "/notes", true},
		{"Users", "users:read", v1, "/users", false},
		{"Activity fields", "admin", v2, "/activityFields", true},
		{"Webhooks", "admin", v1, "/webhooks", false},
	}
	if c.token == "" {
		// Whether that deal exists does not matter: without the scope, the answer
		// is 403. API tokens have no scopes.
		all = append(all, probe{"Deal changes", "recents:read", v1, "/deals/1/changelog", true})
	}
	return all
}

// probe returns in words what is missing, empty when nothing is.
func (c *Connector) probe(ctx context.Context, p probe) (string, error) {
	var query url.Values
	if p.limit {
		query = limited(1)
	}
	_, err := c.get(ctx, p.api, p.path, query)
	switch kind := fault.KindOf(err); {
	case err == nil, missing(err):
		return "", nil
	case kind != fault.Forbidden:
		return "", err
	case c.token == "":
		return p.what + " may not be read. Add the scope " + p.scope + " to the app in Pipedrive's Developer Hub, then connect again to give consent.", nil
	}
	return p.what + " may not be read. Use the token of a user whose permission set allows it, or whose plan includes it.", nil
}

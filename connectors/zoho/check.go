package zoho

import (
	"context"
	"errors"
	"net/url"
	"slices"

	"salesbook.dev/connectors"
	"salesbook.dev/connectors/answers"
	"salesbook.dev/internal/fault"
)

// org is what GET /org tells (OpenAPI, org).
type org struct {
	ID      string `json:"id"`
	ZGID    string `json:"zgid"`
	Name    string `json:"company_name"`
	Zone    string `json:"time_zone"`
	License struct {
		Edition string `json:"paid_type"`
		Seats   int    `json:"users_license_purchased"`
	} `json:"license_details"`
}

// Check implements connectors.Connector. It costs about 16 credits.
func (c *Connector) Check(ctx context.Context) (connectors.Rights, error) {
	answer, err := c.get(ctx, "/org", nil, "")
	if err != nil {
		return connectors.Rights{}, err
	}
	var e struct {
		Org []org `json:"org"`
	}
	if answers.ReadProven(answer.Body, &e) != nil || len(e.Org) != 1 || e.Org[0].ID == "" {
		return connectors.Rights{}, fault.New(fault.Temporary, "Zoho does not say whose account this is; try again later")
	}
	o := e.Org[0]
	rights := connectors.Rights{Account: o.ID, Name: o.Name, Zone: o.Zone, Quota: editionQuota(o.License.Edition, o.License.Seats)}
	if err := c.whoami(ctx, &rights); err != nil {
		return connectors.Rights{}, err
	}
	for _, p := range c.probes() {
		what, err := c.probe(ctx, p)
		if err != nil {
			return connectors.Rights{}, err
		}
		if what != "" {
			rights.Missing = append(rights.Missing, what)
		}
		if p.path == "/"+deals && what == "" {
			if what, err = c.mayQuery(ctx); err != nil {
				return connectors.Rights{}, err
			}
			if what != "" {
				rights.Missing = append(rights.Missing, what)
			}
		}
	}
	return rights, nil
}

// mayQuery returns in words that deals, which may be read, may not be asked for by a
// query, which takes a scope of its own (OpenAPI, coql). Whatever else is in the way
// of the query is in the way of reading as well.
func (c *Connector) mayQuery(ctx context.Context) (string, error) {
	_, _, err := c.selected(ctx, deals, "id", "id is not null", "id asc", 1)
	switch kind := fault.KindOf(err); {
	case errors.Is(err, errScope):
		return "Queries may not be made, since the consent lacks a scope: nothing works, for what changed cannot be found. Connect again with the scope ZohoCRM.coql.READ.", nil
	case kind == fault.Forbidden, kind == fault.Invalid, kind == fault.NotFound:
		return "", nil
	}
	return "", err
}

// whoami finds the user whose credentials these are.
func (c *Connector) whoami(ctx context.Context, rights *connectors.Rights) error {
	answer, err := c.get(ctx, "/users", url.Values{"type": {"CurrentUser"}}, "")
	if fault.KindOf(err) == fault.Forbidden {
		rights.Missing = append(rights.Missing, "Users may not be read: nobody is known who owns a deal, and no figure of a rep can be made. Connect again with the scope ZohoCRM.users.READ.")
		return nil
	}
	if err != nil {
		return err
	}
	var e struct {
		Users []struct {
			ID      string `json:"id"`
			Profile struct {
				Name string `json:"name"`
			} `json:"profile"`
		} `json:"users"`
	}
	if nothing(answer, nil) || answers.ReadProven(answer.Body, &e) != nil || len(e.Users) != 1 {
		return fault.New(fault.Temporary, "Zoho does not say whose credentials these are; try again later")
	}
	rights.User = e.Users[0].ID
	return nil
}

// probe is a cheap reading that shows whether one thing may be read.
type probe struct {
	what  string
	cost  string // what is lost if it may not
	scope string
	path  string
	query url.Values
	named bool // it is a module that the settings name
}

func (c *Connector) probes() []probe {
	settings := func(what, cost, path string) probe {
		return probe{what: what, cost: cost, scope: "ZohoCRM.settings.ALL", path: path, query: url.Values{"module": {deals}}}
	}
	out := []probe{
		settings("Fields", "custom fields and options have no names", "/settings/fields"),
		settings("Layouts and pipelines", "no stages are known, nor whether a deal is won or lost, and the fields of deals have no names", "/settings/layouts"),
	}
	for _, src := range c.order {
		if src.Mode == connectors.Windowed {
			out = append(out, probe{what: src.Title, cost: costOf(src.Name), scope: "ZohoCRM.modules.ALL", path: "/" + src.module, query: url.Values{"fields": {keyModified}, "per_page": {"1"}}, named: slices.Contains(c.named, src.Name)})
		}
	}
	return append(out, probe{what: "Notifications", cost: "changes are seen by the next pull, not at once", scope: "ZohoCRM.notifications.ALL", path: "/actions/watch", query: url.Values{"page": {"1"}, "per_page": {"1"}}})
}

// costOf says what is lost where an object may not be read.
func costOf(object string) string {
	switch object {
	case deals:
		return "there is nothing to judge"
	case leads:
		return "leads are not seen, nor how soon they are answered"
	case contacts:
		return "deals have no persons, and rules that ask for one take them for broken"
	case accounts:
		return "deals have no companies, and rules that ask for one take them for broken"
	case tasks, events, calls:
		return "next steps and touches of that kind are not seen, and deals that have them look neglected"
	case notes:
		return "what was written down is not seen, and does not count as a touch"
	case products:
		return "what is sold is not known by its name"
	}
	return "rules that speak of it judge nothing"
}

// probe returns in words what is missing, empty when nothing is. Where API names
// stand: Zoho's help, API names, read 2026-11-28.
func (c *Connector) probe(ctx context.Context, p probe) (string, error) {
	_, err := c.get(ctx, p.path, p.query, "")
	switch {
	case errors.Is(err, errScope):
		return p.what + " may not be read, since the consent lacks a scope: " + p.cost + ". Connect again with the scope " + p.scope + ".", nil
	case codeOf(err) == codeModule && p.named:
		return p.what + " is no module of this account, or none that this user may see: " + p.cost + ". Check that --set " + setModules + " holds its API name (in Zoho, the developer's section of Setup, APIs, tab API Names), and that Setup > Security Control > Profiles allows the user's profile to view it.", nil
	case fault.KindOf(err) == fault.Forbidden:
		return p.what + " may not be read by this user, or not in this edition: " + p.cost + ". In Zoho, Setup > Security Control > Profiles, allow the user's profile to view it, or connect as an administrator.", nil
	case missing(err), codeOf(err) == codeInvalid:
		return "", nil
	}
	return "", err
}

package zoho

import (
	"context"
	"errors"
	"net/url"

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

// Check implements connectors.Connector. It costs about 15 credits.
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
	}
	return rights, nil
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
}

func (c *Connector) probes() []probe {
	settings := func(what, cost, path string) probe {
		return probe{what, cost, "ZohoCRM.settings.ALL", path, url.Values{"module": {deals}}}
	}
	out := []probe{
		settings("Fields", "custom fields and options have no names", "/settings/fields"),
		settings("Layouts and pipelines", "no stages are known, nor whether a deal is won or lost, and the fields of deals have no names", "/settings/layouts"),
	}
	for _, src := range c.order {
		if src.Mode == connectors.Windowed {
			out = append(out, probe{src.Title, costOf(src.Name), "ZohoCRM.modules.ALL", "/" + src.module, url.Values{"fields": {keyModified}, "per_page": {"1"}}})
		}
	}
	return append(out, probe{"Notifications", "changes are seen by the next pull, not at once", "ZohoCRM.notifications.ALL", "/actions/watch", url.Values{"page": {"1"}, "per_page": {"1"}}})
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

// probe returns in words what is missing, empty when nothing is.
func (c *Connector) probe(ctx context.Context, p probe) (string, error) {
	_, err := c.get(ctx, p.path, p.query, "")
	switch {
	case errors.Is(err, errScope):
		return p.what + " may not be read, since the consent lacks a scope: " + p.cost + ". Connect again with the scope " + p.scope + ".", nil
	case fault.KindOf(err) == fault.Forbidden:
		return p.what + " may not be read by this user, or not in this edition: " + p.cost + ". In Zoho, Setup > Security Control > Profiles, allow the user's profile to view it, or connect as an administrator.", nil
	case missing(err):
		return "", nil
	}
	return "", err
}

package zoho

import (
	"context"
	"net/url"

	"salesbook.dev/connectors"
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
	if read(answer.Body, &e) != nil || len(e.Org) != 1 || e.Org[0].ID == "" {
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
		rights.Missing = append(rights.Missing, "Users may not be read, so that nobody is known who owns a deal. Connect again with the scope ZohoCRM.users.READ.")
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
	if nothing(answer, nil) || read(answer.Body, &e) != nil || len(e.Users) != 1 {
		return fault.New(fault.Temporary, "Zoho does not say whose credentials these are; try again later")
	}
	rights.User = e.Users[0].ID
	return nil
}

// probe is a cheap reading that shows whether one thing may be read.
type probe struct {
	what  string
	scope string
	path  string
	query url.Values
}

func (c *Connector) probes() []probe {
	out := []probe{{"Fields", "ZohoCRM.settings.ALL", "/settings/fields", url.Values{"module": {deals}}}, {"Layouts and pipelines", "ZohoCRM.settings.ALL", "/settings/layouts", url.Values{"module": {deals}}}}
	for _, src := range c.order {
		if src.Mode == connectors.Windowed {
			out = append(out, probe{src.Title, "ZohoCRM.modules.ALL", "/" + src.module, url.Values{"fields": {keyModified}, "per_page": {"1"}}})
		}
	}
	return append(out, probe{"Notifications", "ZohoCRM.notifications.ALL", "/actions/watch", url.Values{"page": {"1"}, "per_page": {"1"}}})
}

// probe returns in words what is missing, empty when nothing is.
func (c *Connector) probe(ctx context.Context, p probe) (string, error) {
	_, err := c.get(ctx, p.path, p.query, "")
	if fault.KindOf(err) != fault.Forbidden {
		if missing(err) {
			err = nil
		}
		return "", err
	}
	return p.what + " may not be read. Give the user a profile that allows it, or an edition that has it, or connect again with the scope " + p.scope + ".", nil
}

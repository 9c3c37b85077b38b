package zoho

import (
	"net/url"
	"strings"

	"salesbook.dev/internal/fault"
)

// centre is one of the vendor's data centres. An account lives in one of them
// and is unknown in the others.
type centre struct {
	name     string // as in the setting, and in the callback's location (docs, multi-DC)
	accounts string
	api      string
}

// centres are the data centres (docs, multi-DC; that of the United Kingdom by
// public code). The vendor tells an account's own in the callback
// (accounts-server) and with the token (api_domain). Both come from outside and
// credentials go there, so nothing that is not listed is believed.
func centres() []centre {
	return []centre{
		{"us", "https://accounts.zoho.com", "https://www.zohoapis.com"},
		{"eu", "https://accounts.zoho.eu", "https://www.zohoapis.eu"},
		{"in", "https://accounts.zoho.in", "https://www.zohoapis.in"},
		{"au", "https://accounts.zoho.com.au", "https://www.zohoapis.com.au"},
		{"jp", "https://accounts.zoho.jp", "https://www.zohoapis.jp"},
		{"ca", "https://accounts.zohocloud.ca", "https://www.zohoapis.ca"},
		{"sa", "https://accounts.zoho.sa", "https://www.zohoapis.sa"},
		{"cn", "https://accounts.zoho.com.cn", "https://www.zohoapis.com.cn"},
		{"uk", "https://accounts.zoho.uk", "https://www.zohoapis.uk"},
	}
}

// centreBy finds a data centre that fits.
func centreBy(fits func(centre) bool) (centre, bool) {
	for _, c := range centres() {
		if fits(c) {
			return c, true
		}
	}
	return centre{}, false
}

// centreOf is the data centre that settings name: by the API's address where that
// is known already, else by its name, else the first.
func centreOf(settings map[string]string) (centre, error) {
	if api := trimmed(settings[setDomain]); api != "" {
		found, ok := centreBy(func(c centre) bool { return sameAddress(c.api, api) })
		if !ok {
			return centre{}, fault.New(fault.Invalid, "zoho: %s is none of the vendor's addresses, such as https://www.zohoapis.eu; leave it out, it is filled in by itself", setDomain)
		}
		return found, nil
	}
	name := strings.ToLower(trimmed(settings[setCentre]))
	if name == "" {
		return centres()[0], nil
	}
	found, ok := centreBy(func(c centre) bool { return c.name == name })
	if !ok {
		return centre{}, fault.New(fault.Invalid, "zoho: there is no data centre of that name; it is one of %s", centreNames())
	}
	return found, nil
}

func centreNames() string {
	var names []string
	for _, c := range centres() {
		names = append(names, c.name)
	}
	return strings.Join(names, ", ")
}

// sameAddress compares two addresses of hosts; anything besides scheme and host
// makes them differ.
func sameAddress(known, told string) bool {
	u, err := url.Parse(told)
	return err == nil && u.Scheme == "https" && u.User == nil && strings.Trim(u.Path, "/") == "" && u.RawQuery == "" && u.Fragment == "" &&
		strings.EqualFold("https://"+u.Host, known)
}

// located is what an answer of the vendor's tells of where the account lives:
// the callback's accounts-server and location, the token's api_domain. What is
// not known to be the vendor's is refused, never followed.
func located(told func(name string) string) (map[string]string, error) {
	for name, fits := range map[string]func(c centre, address string) bool{
		"api_domain":      func(c centre, address string) bool { return sameAddress(c.api, address) },
		"accounts-server": func(c centre, address string) bool { return sameAddress(c.accounts, address) },
	} {
		address := told(name)
		if address == "" {
			continue
		}
		found, ok := centreBy(func(c centre) bool { return fits(c, address) })
		if !ok {
			return nil, fault.New(fault.Invalid, "zoho: the answer's %s is none of the vendor's known addresses, so no credentials go there; nothing was changed", name)
		}
		return map[string]string{setCentre: found.name, setDomain: found.api}, nil
	}
	return nil, nil
}

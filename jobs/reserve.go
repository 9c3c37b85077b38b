package jobs

import (
	"maps"
	"strconv"
	"strings"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
)

// ReserveSetting names the setting, of connections to any vendor, that says
// which share of the vendor's daily quota salesbook leaves to people and other
// tools: a whole number of percent, 1 to 90. Connectors never see it.
const ReserveSetting = "quota_reserve"

// reserveOf reads the setting as a share; 0 where it is not set.
func reserveOf(settings map[string]string) (float64, error) {
	text, ok := settings[ReserveSetting]
	if !ok {
		return 0, nil
	}
	n, err := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(text), "%")))
	if err != nil || n < 1 || n > 90 {
		return 0, fault.New(fault.Invalid, "%s=%s: give a whole number of percent from 1 to 90, such as %s=20%%", ReserveSetting, text, ReserveSetting)
	}
	return float64(n) / 100, nil
}

// ForVendor returns the part of a configuration that is the connector's.
func ForVendor(cfg connectors.Config) connectors.Config {
	if _, ok := cfg.Settings[ReserveSetting]; ok {
		cfg.Settings = maps.Clone(cfg.Settings)
		delete(cfg.Settings, ReserveSetting)
	}
	return cfg
}

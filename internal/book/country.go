package book

import "slices"

// CountryOf is the country of a time zone, ISO 3166-1, among those whose
// holidays are known; empty for any other zone. Source: the zone.tab of the
// IANA time zone database, read on 2026-11-27.
func CountryOf(zone string) string {
	for country, zones := range zonesOf() {
		if slices.Contains(zones, zone) {
			return country
		}
	}
	return ""
}

func zonesOf() map[string][]string {
	return map[string][]string{
		"AT": {"Europe/Vienna"}, "BE": {"Europe/Brussels"}, "BG": {"Europe/Sofia"}, "CH": {"Europe/Zurich"}, "CZ": {"Europe/Prague"},
		"DE": {"Europe/Berlin", "Europe/Busingen"}, "DK": {"Europe/Copenhagen"},
		"ES": {"Europe/Madrid", "Africa/Ceuta", "Atlantic/Canary"}, "FR": {"Europe/Paris"}, "GB": {"Europe/London"}, "GR": {"Europe/Athens"},
		"HR": {"Europe/Zagreb"}, "IE": {"Europe/Dublin"}, "IT": {"Europe/Rome"}, "LT": {"Europe/Vilnius"}, "LV": {"Europe/Riga"},
		"NL": {"Europe/Amsterdam"}, "NO": {"Europe/Oslo"}, "PL": {"Europe/Warsaw"}, "RO": {"Europe/Bucharest"},
		"RU": {"Europe/Moscow", "Europe/Kaliningrad", "Europe/Kirov", "Europe/Volgograd", "Europe/Astrakhan", "Europe/Saratov", "Europe/Ulyanovsk",
			"Europe/Samara", "Asia/Yekaterinburg", "Asia/Omsk", "Asia/Novosibirsk", "Asia/Barnaul", "Asia/Tomsk", "Asia/Novokuznetsk", "Asia/Krasnoyarsk",
			"Asia/Irkutsk", "Asia/Chita", "Asia/Yakutsk", "Asia/Khandyga", "Asia/Vladivostok", "Asia/Ust-Nera", "Asia/Magadan", "Asia/Sakhalin",
			"Asia/Srednekolymsk", "Asia/Kamchatka", "Asia/Anadyr"},
		"SE": {"Europe/Stockholm"}, "SI": {"Europe/Ljubljana"}, "SK": {"Europe/Bratislava"}, "UA": {"Europe/Kyiv", "Europe/Kiev"},
		"US": {"America/New_York", "America/Detroit", "America/Kentucky/Louisville", "America/Indiana/Indianapolis", "America/Chicago", "America/Denver",
			"America/Boise", "America/Phoenix", "America/Los_Angeles", "America/Anchorage", "America/Juneau", "America/Adak", "Pacific/Honolulu"},
	}
}

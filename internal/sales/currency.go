package sales

import "golang.org/x/text/currency"

// MinorDigits returns how many digits the minor unit of a currency has by
// ISO 4217: 2 for EUR, 0 for JPY, 3 for KWD. It is false for codes that are
// unknown or, like gold and the test codes, have no minor unit. The code is in
// upper case.
//
// The library's own digits are not used: they are those of CLDR, which follow
// everyday cash (none for RSD or IQD) and not the standard.
func MinorDigits(code string) (int, bool) {
	switch code {
	case "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF":
		return 0, true
	case "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND":
		return 3, true
	case "CLF", "UYW":
		return 4, true
	case "MRU", "SLE", "VED", "XCG", "ZWG": // younger than the library's list
		return 2, true
	case "XAG", "XAU", "XBA", "XBB", "XBC", "XBD", "XDR", "XPD", "XPT", "XSU", "XTS", "XUA", "XXX":
		return 0, false
	}
	if _, err := currency.ParseISO(code); err != nil || len(code) != 3 {
		return 0, false
	}
	return 2, true
}

package mapping

import (
	"github.com/nyaruka/phonenumbers"

	"salesbook.dev/connectors"
)

// toPhone writes a phone number as E.164. Numbers of a possible length are
// taken, also where the numbering plan has not given them out yet; an
// extension is left to the number as written.
func toPhone(s *source, v *connectors.Value) (string, refusal) {
	written, no := textOf(v)
	if no != fine || written == "" {
		return "", no
	}
	number, err := phonenumbers.Parse(written, s.region)
	if err != nil || !phonenumbers.IsPossibleNumber(number) {
		return "", notPhone
	}
	return phonenumbers.Format(number, phonenumbers.E164), fine
}

// knownRegion tells whether phone numbers can be read as numbers of a region.
func knownRegion(region string) bool { return phonenumbers.GetSupportedRegions()[region] }

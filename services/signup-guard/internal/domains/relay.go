package domains

import (
	_ "embed"
	"strings"
)

//go:embed relays.txt
var relays string

// Relays are the domains of privacy relays: services that forward mail to a person's
// real address, so that a site never sees that. relays.txt says for each where its
// operator, or somebody who asked the operator, names it.
//
// Relays are allowed, because people rely on them and they act on abuse, and
// flagged in the event. Services whose relay addresses look like ordinary ones
// (icloud.com, fastmail.com) cannot be detected.
func Relays() Set { return Set{text: relays} }

// Relay returns the relay's own domain if domain, in lower-case ASCII, belongs to a
// privacy relay or is below one.
func Relay(domain string) (string, bool) {
	for set := Relays(); strings.Contains(domain, "."); {
		if set.has(domain) {
			return domain, true
		}
		_, domain, _ = strings.Cut(domain, ".")
	}
	return "", false
}

package domains

import (
	"strings"

	"golang.org/x/net/publicsuffix"

	"gatehouse.example/contracts"
)

// Published returns the part of a domain, in lower-case ASCII, that may leave the
// function: the name that somebody registered, without what is below it. Mail providers
// give their users subdomains (ada.fastmail.com, ada.33mail.com), and so does whoever
// has a domain of their own: such a label is a person's name as often as a local part
// is. No list of providers could be complete.
//
// A name is registered below a public suffix. Only suffixes of ICANN's registries count,
// because below the others of the list (dyndns.org) people choose a name for themselves,
// too. Three kinds of names are kept as they are, because they are public: a relay's
// own, a public suffix itself, and the synthetic user's, of which no mailbox can exist.
func Published(domain string) string {
	if own, ok := Relay(domain); ok {
		return own
	}
	if domain == contracts.SyntheticDomain || strings.HasSuffix(domain, "."+contracts.SyntheticDomain) {
		return domain
	}
	suffix, icann := publicsuffix.PublicSuffix(domain)
	for !icann {
		_, parent, found := strings.Cut(suffix, ".")
		if !found {
			break // not in the list: the top-level domain
		}
		suffix, icann = publicsuffix.PublicSuffix(parent)
	}
	below := strings.TrimSuffix(domain, "."+suffix)
	if below == domain {
		return domain
	}
	return domain[strings.LastIndexByte(below, '.')+1:]
}

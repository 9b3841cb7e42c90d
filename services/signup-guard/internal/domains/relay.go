package domains

import "strings"

// Relay returns the relay's own domain if domain, in lower-case ASCII, belongs to a
// privacy relay or is below one: a service that forwards mail to a person's real
// address, so that a site never sees that.
//
// Relays are allowed, because people rely on them and they act on abuse, and
// flagged in the event. Some give each customer a subdomain (name.anonaddy.com,
// name.mozmail.com), which identifies a person as well as a local part does: of
// those only the relay's own domain may leave the function. Services whose relay
// addresses look like ordinary ones (icloud.com, fastmail.com) cannot be detected.
func Relay(domain string) (string, bool) {
	for {
		if isRelay(domain) {
			return domain, true
		}
		dot := strings.IndexByte(domain, '.')
		if dot < 0 {
			return "", false
		}
		domain = domain[dot+1:]
	}
}

func isRelay(domain string) bool {
	switch domain {
	// https://developer.apple.com/documentation/signinwithapple/communicating-using-the-private-email-relay-service
	case "privaterelay.appleid.com":
	// https://relay.firefox.com/faq/ and https://support.mozilla.org/kb/firefox-relay-integration
	case "mozmail.com", "relay.firefox.com":
	// https://duckduckgo.com/duckduckgo-help-pages/email-protection/what-is-duckduckgo-email-protection/
	case "duck.com":
	// https://simplelogin.io/docs/ and https://github.com/amieiro/disposable-email-domains/issues/18
	case "simplelogin.com", "simplelogin.co", "simplelogin.fr", "aleeas.com", "slmail.me",
		"8alias.com", "8shield.net", "dralias.com":
	// https://proton.me/support/pass-email-alias
	case "passmail.com", "passmail.net", "passinbox.com", "passfwd.com":
	// https://addy.io/faq/
	case "addy.io", "addymail.com", "anonaddy.com", "anonaddy.me", "mailer.me", "4wrd.cc":
	default:
		return false
	}
	return true
}

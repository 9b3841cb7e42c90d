package address

import "strings"

// Reserved reports a local part that belongs to the operator of the domain, not to a
// person. A tag after "+" does not hide it.
//
// The names are those that certificate authorities trust (CA/Browser Forum Baseline
// Requirements, section 3.2.2.4.4), those of operators and protocols in RFC 2142,
// sections 4 and 5, and the usual names of machines. The business names of RFC 2142,
// section 3 (info, sales, support, marketing) are allowed: small firms sign up with
// them.
func (a Address) Reserved() bool {
	name := a.local
	if tag := strings.IndexByte(name, '+'); tag >= 0 {
		name = name[:tag]
	}
	switch strings.ToLower(name) {
	case "admin", "administrator", "hostmaster", "postmaster", "webmaster",
		"abuse", "ftp", "news", "noc", "security", "usenet", "uucp", "www",
		"daemon", "do-not-reply", "donotreply", "mailer-daemon", "no-reply",
		"nobody", "noreply", "root", "sysadmin", "system":
		return true
	}
	return false
}

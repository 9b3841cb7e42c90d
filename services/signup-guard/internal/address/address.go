// Package address decides whether a text is an email address that a person can
// have, and whether it imitates another one.
//
// A parser alone is not enough: net/mail also accepts display names, comments,
// quoted local parts, single-label domains and IP literals, and rewrites what it
// accepts. Here a text is an address only if net/mail returns it unchanged, and no
// mail software is known to rewrite it.
package address

import (
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// Limits in octets: RFC 5321, sections 4.5.3.1.1 and 4.5.3.1.3 (a path of 256
// holds two angle brackets), and RFC 1035, section 2.3.4.
const (
	maxAddress = 254
	maxLocal   = 64
	maxLabel   = 63
)

// Problem says why a text is not a usable address. It never quotes the text.
type Problem string

// The problems.
const (
	BadSyntax Problem = "not an address"
	TooLong   Problem = "too long"
	BadDomain Problem = "not a public domain name"
)

// Error is the problem itself.
func (p Problem) Error() string { return "address: " + string(p) }

// Address is a text that passed Parse. Its local part is not exported: nothing that
// leaves the function may contain it.
type Address struct {
	// Domain in lower-case ASCII (IDNA A-labels).
	Domain string

	local string
	typed string // the domain as it was typed
	plain bool   // lower-case ASCII dot-atom and letter-digit-hyphen domain
}

// String returns the domain only, so that printing an Address reveals nothing.
func (a Address) String() string { return "address at " + a.Domain }

// Parse reads an address. Its error is a [Problem].
//
// The common form, a dot-atom at a lower-case ASCII domain, is read by hand and
// without an allocation; everything else goes through net/mail and IDNA. A fuzz test
// checks that both agree.
func Parse(in string) (Address, error) {
	if len(in) > maxAddress {
		return Address{}, TooLong
	}
	at := strings.IndexByte(in, '@')
	if at < 0 || !isPlain(in[:at], in[at+1:]) {
		return parse(in)
	}
	if at > maxLocal {
		return Address{}, TooLong
	}
	return Address{Domain: in[at+1:], local: in[:at], typed: in[at+1:], plain: true}, nil
}

// parse reads every form.
func parse(in string) (Address, error) {
	if !utf8.ValidString(in) || hasOddRune(in) {
		return Address{}, BadSyntax
	}
	read, err := mail.ParseAddress(in)
	if err != nil || read.Name != "" || read.Address != in {
		return Address{}, BadSyntax
	}
	at := strings.LastIndexByte(in, '@')
	local, typed := in[:at], in[at+1:]
	if !isDotAtom(local, true) || isRewritten(local) {
		return Address{}, BadSyntax
	}
	domain, err := toASCII(typed)
	if err != nil {
		return Address{}, err
	}
	if len(local) > maxLocal || len(local)+1+len(domain) > maxAddress {
		return Address{}, TooLong
	}
	return Address{Domain: domain, local: local, typed: typed}, nil
}

// SafeDomain is the domain of a text that Parse refused, if it may leave the
// function because it is well-formed, ASCII and lower-case. Otherwise it is empty,
// because the text can contain anything there.
func SafeDomain(in string) string {
	at := strings.LastIndexByte(in, '@')
	if at < 0 || len(in)-at > maxAddress {
		return ""
	}
	domain, err := toASCII(in[at+1:])
	if err != nil {
		return ""
	}
	return domain
}

// hasOddRune reports control, format (bidi, zero-width), private and unassigned
// characters, white space, invisible letters and, outside ASCII, everything that is
// not a letter, mark or number: such punctuation imitates "@", "." and "-".
func hasOddRune(s string) bool {
	for _, r := range s {
		switch {
		case r < utf8.RuneSelf:
			if r <= ' ' || r == 0x7f {
				return true
			}
		case !unicode.In(r, unicode.L, unicode.M, unicode.N),
			unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector):
			return true
		}
	}
	return false
}

// isDotAtom reports atoms joined by single dots (RFC 5322, section 3.2.3), with
// the characters of RFC 6531 if beyondASCII.
func isDotAtom(s string, beyondASCII bool) bool {
	previous := byte('.')
	for i := range len(s) {
		switch c := s[i]; {
		case c >= utf8.RuneSelf:
			if !beyondASCII {
				return false
			}
		case c == '.':
			if previous == '.' {
				return false
			}
		case !isAtomByte(c):
			return false
		}
		previous = s[i]
	}
	return previous != '.'
}

// isAtomByte looks an ASCII character up among letters, digits and
// !#$%&'*+-/=?^_`{|}~, which are the bits of two words.
func isAtomByte(c byte) bool {
	const low, high uint64 = 0xa3ffacfa00000000, 0x7fffffffc7fffffe
	if c < 64 {
		return low>>c&1 != 0
	}
	return high>>(c-64)&1 != 0
}

// isRewritten reports a local part that mail software may turn into another address,
// so that the mail to it goes elsewhere than its domain says:
//
//   - an encoded word or a part of one, which decoders accept in a local part against
//     RFC 2047, section 5 (https://portswigger.net/research/splitting-the-email-atom,
//     https://github.com/python/cpython/issues/152519). Its charset, encoding, case,
//     nesting and end do not matter: decoders differ in all of them.
//   - a route: user%host, which Postfix and others rewrite to user@host, and the
//     UUCP form host!user (https://www.postfix.org/postconf.5.html, allow_percent_hack
//     and swap_bangpath, both on by default).
func isRewritten(local string) bool {
	return strings.Contains(local, "=?") || strings.Contains(local, "?=") || strings.ContainsAny(local, "%!")
}

// isPlain reports the common form. A domain with an A-label is not plain, because
// the label must be decoded.
func isPlain(local, domain string) bool {
	return isDotAtom(local, false) && !isRewritten(local) && isHostname(domain)
}

// isHostname reports a lower-case ASCII name of two or more labels of letters,
// digits and inner hyphens (RFC 1123, section 2.1), without A-labels, whose last
// label is not a number (RFC 3696, section 2), which excludes IP addresses.
func isHostname(s string) bool {
	start, letter := 0, false
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z':
			letter = true
		case '0' <= c && c <= '9', c == '-':
		case c == '.':
			if !isLabel(s[start:i]) {
				return false
			}
			start, letter = i+1, false
		default:
			return false
		}
	}
	return start > 0 && letter && isLabel(s[start:])
}

// isLabel checks lengths and hyphens. Hyphens as the third and fourth character are
// reserved for A-labels (RFC 5891, section 4.2.3.1).
func isLabel(s string) bool {
	return s != "" && len(s) <= maxLabel && s[0] != '-' && s[len(s)-1] != '-' &&
		(len(s) < 4 || s[2] != '-' || s[3] != '-')
}

// toASCII turns a domain into lower-case ASCII. The result of IDNA is checked again
// as a host name, with its A-labels treated as ordinary ones.
func toASCII(typed string) (string, error) {
	if !utf8.ValidString(typed) || hasOddRune(typed) {
		return "", BadDomain
	}
	domain, err := idna.Lookup.ToASCII(typed)
	if err != nil || len(domain) > maxAddress-1 {
		return "", BadDomain
	}
	if !isHostname(strings.ReplaceAll(domain, "xn--", "xn-")) {
		return "", BadDomain
	}
	for label := range strings.SplitSeq(domain, ".") {
		if len(label) > maxLabel {
			return "", BadDomain
		}
	}
	return domain, nil
}

// Package address decides whether a text is an e-mail address that a person can
// have, and whether it was made to look like another one.
//
// It exists because a parser alone is not enough: net/mail also takes display
// names, comments, quoted local parts, single-label domains and IP literals, and
// rewrites what it takes. Here a text is an address only if it is exactly the
// address that net/mail reads in it.
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

// Problem says why a text is no usable address. It never quotes the text.
type Problem string

// The problems.
const (
	BadSyntax Problem = "not an address"
	TooLong   Problem = "too long"
	BadDomain Problem = "not a public domain name"
)

// Error is the problem itself.
func (p Problem) Error() string { return "address: " + string(p) }

// Address is a text that passed Parse. The local part stays in here: nothing
// that leaves the function may hold it.
type Address struct {
	// Domain in lower-case ASCII (IDNA A-labels).
	Domain string

	local string
	typed string // the domain as it was typed
	plain bool   // lower-case ASCII dot-atom and letter-digit-hyphen domain
}

// String names the domain only, so that printing an Address gives nothing away.
func (a Address) String() string { return "address at " + a.Domain }

// Parse reads an address. Its error is a [Problem].
//
// The common shape, a dot-atom at a lower-case ASCII domain, is read by hand and
// without an allocation; everything else goes through net/mail and IDNA. A fuzz
// test holds the two ways to the same answers.
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

// parse is the whole way, for every input.
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
	if !isDotAtom(local, true) {
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

// SafeDomain is the domain of a text that Parse refused, if there is one that
// may leave the function: well-formed, ASCII, lower-case. Otherwise it is empty,
// for what stands there may be anything.
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
// characters, white space, invisible letters and, outside ASCII, everything that
// is no letter, mark or number: such punctuation serves to imitate "@", "." and "-".
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

// isPlain reports the common shape. A domain with an A-label is not plain, for
// the label has yet to be decoded.
func isPlain(local, domain string) bool {
	return isDotAtom(local, false) && isHostname(domain)
}

// isHostname reports a lower-case ASCII name of two or more labels of letters,
// digits and inner hyphens (RFC 1123, section 2.1), without A-labels, whose last
// label is not a number (RFC 3696, section 2): so no IP address either.
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

// isLabel checks lengths and hyphens; hyphens in third and fourth place are kept
// for A-labels (RFC 5891, section 4.2.3.1).
func isLabel(s string) bool {
	return s != "" && len(s) <= maxLabel && s[0] != '-' && s[len(s)-1] != '-' &&
		(len(s) < 4 || s[2] != '-' || s[3] != '-')
}

// toASCII turns a domain into lower-case ASCII. What IDNA gives back is checked
// as a host name again, with its A-labels shown to that check as ordinary ones.
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

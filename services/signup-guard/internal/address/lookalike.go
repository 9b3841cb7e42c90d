package address

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// LookAlike reports an address that imitates another one: the local part or a label
// of the domain mixes scripts beyond the level "Highly Restrictive" of UTS 39,
// section 5.2 (https://www.unicode.org/reports/tr39/), is not in normal form KC
// (full-width and mathematical letters), or spells a Latin word in Cyrillic or Greek
// letters of the same shape next to an ASCII top-level domain, as browsers judge it.
//
// Words that are confusable within one script, such as paypal with a digit, are not
// detected.
func (a Address) LookAlike() bool {
	if a.plain {
		return false
	}
	if !norm.NFKC.IsNormalString(a.local) || !norm.NFKC.IsNormalString(a.typed) {
		return true
	}
	shown, err := idna.Lookup.ToUnicode(a.Domain)
	if err != nil {
		return true
	}
	asciiTLD := !strings.HasPrefix(a.Domain[strings.LastIndexByte(a.Domain, '.')+1:], "xn--")
	if imitates(a.local, asciiTLD) {
		return true
	}
	for label := range strings.SplitSeq(shown, ".") {
		if imitates(label, asciiTLD) {
			return true
		}
	}
	return false
}

func imitates(s string, asciiTLD bool) bool {
	return mixesScripts(s) || asciiTLD && spellsLatin(s)
}

// twins are Cyrillic and Greek letters that look like a Latin one.
const twins = "асԁеһіјӏорԛѕԝхуѵАВЕЅІЈКМНОРСТХУ" + "ονΑΒΕΖΗΙΚΜΝΟΡΤΥΧ"

// spellsLatin reports that all letters of s are twins.
func spellsLatin(s string) bool {
	found := false
	for _, r := range s {
		if !unicode.IsLetter(r) {
			continue
		}
		if !strings.ContainsRune(twins, r) {
			return false
		}
		found = true
	}
	return found
}

// Sets of scripts, one bit each. In addition to single scripts, UTS 39 allows Latin
// with the scripts of Japanese, Chinese and Korean.
const (
	latin = 1 << iota
	han
	hiragana
	katakana
	bopomofo
	hangul

	japanese = latin | han | hiragana | katakana
	chinese  = latin | han | bopomofo
	korean   = latin | han | hangul
)

func mixesScripts(s string) bool {
	seen := 0
	for _, r := range s {
		if r < utf8.RuneSelf && !unicode.IsLetter(r) || unicode.In(r, unicode.Common, unicode.Inherited) {
			continue
		}
		script := scriptOf(r)
		if script == 0 {
			return true // a script that UTS 39 does not recommend
		}
		seen |= script
	}
	within := func(set int) bool { return seen&^set == 0 }
	return seen&(seen-1) != 0 && !within(japanese) && !within(chinese) && !within(korean)
}

// scriptOf returns the bit of the rune's script, or 0 for scripts that are not
// recommended (UAX 31, table 5). The list is made on the stack at each call, because
// unicode.Scripts is a map that would be filled at every cold start.
func scriptOf(r rune) int {
	for i, table := range [...]*unicode.RangeTable{
		unicode.Latin, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Bopomofo, unicode.Hangul,
		unicode.Arabic, unicode.Armenian, unicode.Bengali, unicode.Cyrillic, unicode.Devanagari,
		unicode.Ethiopic, unicode.Georgian, unicode.Greek, unicode.Gujarati, unicode.Gurmukhi,
		unicode.Hebrew, unicode.Kannada, unicode.Khmer, unicode.Lao, unicode.Malayalam,
		unicode.Myanmar, unicode.Oriya, unicode.Sinhala, unicode.Tamil, unicode.Telugu,
		unicode.Thaana, unicode.Thai, unicode.Tibetan,
	} {
		if unicode.Is(table, r) {
			return 1 << i
		}
	}
	return 0
}

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

package address

import (
	"errors"
	"mime"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	t.Parallel()
	label63, local64 := strings.Repeat("a", 63), strings.Repeat("l", 64)
	longest := strings.Repeat(label63+".", 3) + "org" // 195 octets; with 58 and the @, 254
	for name, c := range map[string]struct {
		in, domain string
		want       error
	}{
		"plain":                    {"ada@example.org", "example.org", nil},
		"every_atom_character":     {"#$&'*+-/?^_`{|}~=@example.org", "example.org", nil},
		"dots_and_tag":             {"a.b.c+tag@mail.example.co.uk", "mail.example.co.uk", nil},
		"upper_case_domain":        {"Ada@EXAMPLE.Org", "example.org", nil},
		"unicode_domain":           {"ada@exämple.de", "xn--exmple-cua.de", nil},
		"upper_case_unicode":       {"ada@EXÄMPLE.de", "xn--exmple-cua.de", nil},
		"punycode_domain":          {"ada@xn--exmple-cua.de", "xn--exmple-cua.de", nil},
		"unicode_local":            {"jürgen@example.org", "example.org", nil},
		"japanese":                 {"太郎@例え.jp", "xn--r8jz45g.jp", nil},
		"digits_in_domain":         {"a@1und1.de", "1und1.de", nil},
		"longest_local":            {local64 + "@example.org", "example.org", nil},
		"longest_local_whole_way":  {local64 + "@EXAMPLE.org", "example.org", nil},
		"longest_address":          {strings.Repeat("l", 58) + "@" + longest, longest, nil},
		"longest_whole_way":        {strings.Repeat("l", 58) + "@" + strings.ToUpper(longest), longest, nil},
		"hyphen_in_fourth_place":   {"ada@abc-d.org", "abc-d.org", nil},
		"one_octet_more":           {strings.Repeat("l", 59) + "@" + longest, "", TooLong},
		"local_too_long_whole_way": {local64 + "l@EXAMPLE.org", "", TooLong},
		"longest_label":            {"a@" + label63 + ".org", label63 + ".org", nil},
		"empty":                    {"", "", BadSyntax},
		"no_at":                    {"example.org", "", BadSyntax},
		"no_local":                 {"@example.org", "", BadSyntax},
		"no_domain":                {"ada@", "", BadSyntax},
		"two_ats":                  {"ada@b@example.org", "", BadSyntax},
		"display_name":             {"Ada <ada@example.org>", "", BadSyntax},
		"angle_brackets":           {"<ada@example.org>", "", BadSyntax},
		"comment":                  {"ada@example.org(c)", "", BadSyntax},
		"comment_in_local":         {"ada(c)@example.org", "", BadSyntax},
		"list":                     {"ada@example.org,eve@example.org", "", BadSyntax},
		"quoted_local":             {`"ada"@example.org`, "", BadSyntax},
		"quoted_space":             {`"a b"@example.org`, "", BadSyntax},
		"quoted_at":                {`"a@b"@example.org`, "", BadSyntax},
		"encoded_word_as_name":     {"=?utf-8?q?x?= <a@example.org>", "", BadSyntax},
		"leading_dot":              {".ada@example.org", "", BadSyntax},
		"trailing_dot_in_local":    {"ada.@example.org", "", BadSyntax},
		"double_dot":               {"a..b@example.org", "", BadSyntax},
		"leading_space":            {" ada@example.org", "", BadSyntax},
		"trailing_space":           {"ada@example.org ", "", BadSyntax},
		"tab":                      {"ada\t@example.org", "", BadSyntax},
		"line_feed":                {"ada@example.org\n", "", BadSyntax},
		"header_injection":         {"ada@example.org\r\nBcc: eve@example.org", "", BadSyntax},
		"nul":                      {"ada\x00@example.org", "", BadSyntax},
		"delete":                   {"ada\x7f@example.org", "", BadSyntax},
		"no_break_space":           {"ada\u00a0@example.org", "", BadSyntax},
		"zero_width_space":         {"ada\u200b@example.org", "", BadSyntax},
		"zero_width_joiner":        {"ada@exam\u200dple.org", "", BadSyntax},
		"byte_order_mark":          {"\ufeffada@example.org", "", BadSyntax},
		"bidi_override":            {"ada\u202egro@example.org", "", BadSyntax},
		"bidi_isolate":             {"ada\u2066@example.org", "", BadSyntax},
		"soft_hyphen":              {"ada\u00ad@example.org", "", BadSyntax},
		"hangul_filler":            {"ada\u3164@example.org", "", BadSyntax},
		"variation_selector":       {"ada\ufe0f@example.org", "", BadSyntax},
		"tag_character":            {"ada\U000e0061@example.org", "", BadSyntax},
		"private_use":              {"ada\ue000@example.org", "", BadSyntax},
		"full_width_at":            {"ada\uff20example.org", "", BadSyntax},
		"ideographic_full_stop":    {"ada@example\u3002org", "", BadSyntax},
		"one_dot_leader":           {"ada@example\u2024org", "", BadSyntax},
		"emoji":                    {"😀@example.org", "", BadSyntax},
		"invalid_utf8":             {"ada\xff@example.org", "", BadSyntax},
		"surrogate_half":           {"ada\xed\xa0\x80@example.org", "", BadSyntax},
		"single_label":             {"ada@localhost", "", BadDomain},
		"only_a_tld":               {"ada@com", "", BadDomain},
		"trailing_dot":             {"ada@example.org.", "", BadSyntax},
		"leading_dot_in_domain":    {"ada@.example.org", "", BadSyntax},
		"double_dot_in_domain":     {"ada@example..org", "", BadSyntax},
		"ip_address":               {"ada@127.0.0.1", "", BadDomain},
		"ip_literal":               {"ada@[127.0.0.1]", "", BadDomain},
		"ipv6_literal":             {"ada@[IPv6:::1]", "", BadSyntax},
		"numeric_tld":              {"ada@example.123", "", BadDomain},
		"leading_hyphen":           {"ada@-example.org", "", BadDomain},
		"trailing_hyphen":          {"ada@example-.org", "", BadDomain},
		"underscore":               {"ada@exa_mple.org", "", BadDomain},
		"percent_hack":             {"ada@example.org%evil.example", "", BadDomain},
		"hyphens_in_third_place":   {"ada@ab--cd.org", "", BadDomain},
		"bad_punycode":             {"ada@xn--a.org", "", BadDomain},
		"empty_punycode":           {"ada@xn--.org", "", BadDomain},
		"punycode_of_ascii":        {"ada@xn--abc-.org", "", BadDomain},
		"local_too_long":           {local64 + "l@example.org", "", TooLong},
		"local_too_long_octets":    {strings.Repeat("ü", 33) + "@example.org", "", TooLong},
		"label_too_long":           {"a@" + label63 + "a.org", "", BadDomain},
		"address_too_long":         {"a@" + strings.Repeat(label63+".", 4) + "org", "", TooLong},
		"64k":                      {strings.Repeat("a", 64<<10) + "@example.org", "", TooLong},
		"64k_of_at":                {strings.Repeat("@", 64<<10), "", TooLong},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, err := Parse(c.in)
			// An error that two rules detect may have the name of either.
			if (err == nil) != (c.want == nil) || a.Domain != c.domain || err != nil && !errors.Is(err, c.want) {
				t.Errorf("Parse(%q) = %q, %v; want %q, %v", c.in, a.Domain, err, c.domain, c.want)
			}
		})
	}
}

func TestLookAlike(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		in   string
		want bool
	}{
		"ascii":                         {"ada@apple.com", false},
		"cyrillic_a_in_domain":          {"ada@\u0430pple.com", true},
		"same_in_punycode":              {"ada@xn--pple-43d.com", true},
		"all_cyrillic_twins":            {"ada@\u0430\u0440\u0440\u04cf\u0435.com", true},
		"same_below_other_labels":       {"ada@mail.\u0430\u0440\u0440\u04cf\u0435.com", true},
		"russian_word":                  {"ada@почта.рф", false},
		"russian_word_ascii_tld":        {"ada@журнал.com", false},
		"russian_name":                  {"наталья@почта.рф", false},
		"cyrillic_twin_in_local":        {"\u0430dmin@example.org", true},
		"all_twins_in_local":            {"\u0430\u0440\u0440\u0435@example.org", true},
		"all_twins_with_a_digit":        {"\u0430\u0440\u0440\u04351@example.org", true},
		"twins_below_cyrillic_tld":      {"ada@\u0441\u043e\u0440.рф", false},
		"digits_at_upper_case":          {"123@EXAMPLE.org", false},
		"japanese_long_vowel":           {"ラーメン@example.jp", false},
		"greek_omicron":                 {"g\u03bf\u03bfgle@example.org", true},
		"greek_word":                    {"ada@παράδειγμα.gr", false},
		"armenian_in_latin":             {"ada@g\u0585\u0585gle.com", true},
		"cherokee":                      {"\u13aa\u13b3@example.org", true},
		"full_width_local":              {"\uff41\uff44\uff4d\uff49\uff4e@example.org", true},
		"full_width_domain":             {"ada@\uff41pple.com", true},
		"mathematical_bold":             {"\U0001d41a\U0001d41d@example.org", true},
		"ligature":                      {"o\ufb03ce@example.org", true},
		"not_normalised":                {"jo\u0308rg@example.org", true},
		"umlaut":                        {"jörg@müller.de", false},
		"japanese_with_latin":           {"taro太郎タロウたろう@example.jp", false},
		"chinese_with_latin":            {"wang王ㄨ@example.tw", false},
		"korean_with_latin":             {"kim김金@example.kr", false},
		"japanese_with_korean":          {"たろう김@example.jp", true},
		"hebrew":                        {"דוד@example.org", false},
		"arabic_with_cyrillic":          {"عя@example.org", true},
		"scripts_in_different_labels":   {"ada@почта.example.org", false},
		"digits_and_hyphens_are_common": {"жук-2@example.org", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, err := Parse(c.in)
			if err != nil {
				t.Fatalf("Parse: %v", err)
			}
			if got := a.LookAlike(); got != c.want {
				t.Errorf("LookAlike(%+q) = %v, want %v", c.in, got, c.want)
			}
		})
	}
}

func TestReserved(t *testing.T) {
	t.Parallel()
	const every = "admin administrator hostmaster postmaster webmaster abuse ftp news noc security usenet uucp www " +
		"daemon do-not-reply donotreply mailer-daemon no-reply nobody noreply root sysadmin system"
	for name := range strings.FieldsSeq(every) {
		if a, err := Parse(name + "@example.org"); err != nil || !a.Reserved() {
			t.Errorf("%s is not reserved, %v", name, err)
		}
	}
	for in, want := range map[string]bool{
		"admin@example.org": true, "ADMIN@example.org": true, "Postmaster@example.org": true,
		"admin+tag@example.org": true, "no-reply@example.org": true, "root@example.org": true,
		"administrator@example.org": true, "abuse@example.org": true, "security@example.org": true,
		"ada@example.org": false, "admins@example.org": false, "ada+admin@example.org": false,
		"info@example.org": false, "sales@example.org": false, "admin.smith@example.org": false,
	} {
		a, err := Parse(in)
		if err != nil {
			t.Fatalf("Parse(%q): %v", in, err)
		}
		if got := a.Reserved(); got != want {
			t.Errorf("Reserved(%q) = %v, want %v", in, got, want)
		}
	}
}

func TestSafeDomain(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`"ada"@Example.ORG`: "example.org", "a@b@example.org": "example.org", "a..b@exämple.de": "xn--exmple-cua.de",
		"ada": "", "example.org": "", "ada@": "", "@ada": "", "ada@localhost": "", "ada@10.0.0.1": "", "a@b c.org": "", "ada@example.org.": "",
		"Ada <ada@example.org>": "", "ada@\u202eexample.org": "", "ada@" + strings.Repeat("x", 64<<10) + ".org": "",
	} {
		if got := SafeDomain(in); got != want {
			t.Errorf("SafeDomain(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestAddress_tells_only_its_domain(t *testing.T) {
	t.Parallel()
	a, err := Parse("ada.lovelace@example.org")
	if err != nil {
		t.Fatal(err)
	}
	if got := a.String(); strings.Contains(got, "ada") || !strings.Contains(got, "example.org") {
		t.Errorf("String() = %q", got)
	}
}

// FuzzParse checks that the quick and the whole parser agree, and that accepted
// addresses have what events and mail rely on.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"ada@example.org", "a.b+c@EXAMPLE.org", "a@exämple.de", `"a b"@b.com`, "a@[127.0.0.1]", "a@b.c.", "\u0430dmin@xn--pple-43d.com",
		"a@xn--.org", "a@1.2.3.4", "a@ab--c.de", "a\x00@b.de", "太郎@例え.jp", "a@b@c.de", "a@b.1-", "=?a?q?b?=@c.de", "=?utf-8?q?=41?=b@c.DE", "a%b@c.de",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		quick, quickErr := Parse(in)
		if len(in) <= maxAddress {
			whole, wholeErr := parse(in)
			if quick.Domain != whole.Domain || !errors.Is(quickErr, wholeErr) {
				t.Fatalf("quick: %q, %v; whole: %q, %v", quick.Domain, quickErr, whole.Domain, wholeErr)
			}
		}
		if quickErr != nil {
			if quick != (Address{}) {
				t.Fatalf("a refused text left %v", quick)
			}
			if d := SafeDomain(in); d != "" {
				checkDomain(t, d)
			}
			return
		}
		checkDomain(t, quick.Domain)
		if quick.local+"@"+quick.typed != in {
			t.Fatalf("%q is not the input %q", quick.local+"@"+quick.typed, in)
		}
		if decoded, err := new(mime.WordDecoder).DecodeHeader(quick.local); err != nil || decoded != quick.local {
			t.Fatalf("%q is decoded to %q, %v", quick.local, decoded, err)
		}
		quick.LookAlike() // must not panic
		quick.Reserved()
		again, err := Parse("x@" + quick.Domain)
		if err != nil || again.Domain != quick.Domain {
			t.Fatalf("domain %q is not stable: %q, %v", quick.Domain, again.Domain, err)
		}
	})
}

func checkDomain(t *testing.T, d string) {
	t.Helper()
	if len(d) > 253 || !strings.Contains(d, ".") || strings.Trim(d, "abcdefghijklmnopqrstuvwxyz0123456789.-") != "" ||
		strings.HasPrefix(d, ".") || strings.HasSuffix(d, ".") || strings.Contains(d, "..") {
		t.Fatalf("domain %q may not leave the function", d)
	}
}

package address

import (
	"mime"
	"strings"
	"testing"
)

// TestRewritten is the table of forms that mail software rewrites, after the published
// attacks on parsers, and of harmless ones that look like them.
func TestRewritten(t *testing.T) {
	t.Parallel()
	const at = "@example.org"
	for name, c := range map[string]struct {
		in      string
		refused bool
	}{
		"q_encoding":                {"=?utf-8?q?admin?=" + at, true},
		"q_encoding_upper_case":     {"=?UTF-8?Q?admin?=" + at, true},
		"q_encoded_at":              {"=?utf-8?q?eve=40evil.example=3e=00?=" + at, true},
		"q_encoded_with_a_rest":     {"=?iso-8859-1?q?=61=62=63?=foo" + at, true},
		"q_encoded_space":           {"=?utf-8?q?eve=40evil.example_?=" + at, true},
		"b_encoding":                {"=?utf-8?b?ZXZlQGV2aWwuZXhhbXBsZQ==?=" + at, true},
		"b_encoding_upper_case":     {"=?Utf-8?B?ZXZl?=" + at, true},
		"charset_x":                 {"=?x?q?=41=42=43?=" + at, true},
		"no_charset":                {"=??q?=41?=" + at, true},
		"utf7_in_q":                 {"=?utf-7?q?&AGYAbwBv-?=" + at, true},
		"utf7_in_b":                 {"=?utf-7?b?JkFHWUFid0J2LQ==?=" + at, true},
		"utf16":                     {"=?utf-16be?q?=00=61?=" + at, true},
		"language_tag":              {"=?utf-8*en?q?admin?=" + at, true}, // RFC 2231, section 5
		"unknown_encoding":          {"=?utf-8?z?admin?=" + at, true},
		"nested":                    {"=?utf-8?q?=?utf-8?q?admin?=?=" + at, true},
		"nested_in_q":               {"=?x?q?=3d=3fx=3fq=3fadmin=3f=3d?=" + at, true},
		"two_words":                 {"=?utf-8?q?ad?==?utf-8?q?min?=" + at, true},
		"two_words_with_a_dot":      {"=?utf-8?q?ad?=.=?utf-8?q?min?=" + at, true},
		"inside_an_atom":            {"a=?utf-8?q?=40?=b" + at, true},
		"in_a_tag":                  {"ada+=?utf-8?q?=40?=" + at, true},
		"without_an_end":            {"=?utf-8?q?=61" + at, true},
		"half_an_end":               {"=?utf-8?q?=61?" + at, true},
		"without_a_begin":           {"utf-8?q?=61?=" + at, true},
		"only_the_begin":            {"=?" + at, true},
		"quoted":                    {`"=?utf-8?q?admin?="` + at, true},
		"at_an_upper_case_domain":   {"=?utf-8?q?admin?=@EXAMPLE.org", true},
		"beyond_ascii":              {"=?utf-8?q?jürgen?=" + at, true},
		"full_width_question_mark":  {"=\uff1futf-8\uff1fq\uff1fadmin\uff1f=" + at, true},
		"in_the_domain":             {"ada@=?utf-8?q?evil?=.org", true},
		"percent_route":             {"eve%evil.example" + at, true},
		"percent_encoded":           {"eve%40evil.example" + at, true},
		"percent_route_beyond":      {"jürgen%evil.example" + at, true},
		"bang_path":                 {"evil.example!eve" + at, true},
		"source_route":              {"@evil.example:ada" + at, true},
		"punycode_of_an_at":         {"ada@xn--evil-0049.org", true},
		"punycode_of_a_comma":       {"ada@xn--0117.example.org", true},
		"punycode_of_a_full_stop":   {"ada@xn--0.example.org", true},
		"punycode_of_a_space":       {"ada@xn---.example.org", true},
		"punycode_within_punycode":  {"ada@xn--xn--a-ecp.org", true},
		"punycode_upper_case_ascii": {"ada@XN--ABC-.org", true},

		"equals_sign":          {"ada=lovelace" + at, false},
		"question_mark":        {"who?" + at, false},
		"equals_at_the_end":    {"ada=" + at, false},
		"separated":            {"=a?b=c?" + at, false},
		"quoted_printable":     {"a=40b" + at, false}, // decoded in encoded words only
		"utf7_as_a_tag":        {"ada+AGYAbwBv-" + at, false},
		"utf7_of_imap":         {"&AGYAbwBv-" + at, false},
		"punycode":             {"ada@xn--exmple-cua.de", false},
		"overflow_of_one_byte": {"ada\u0140evil" + at, false}, // its low byte is an @, as that of letters of ordinary names
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, err := Parse(c.in)
			if (err != nil) != c.refused {
				t.Errorf("Parse(%q) = %v, %v; want refused: %v", c.in, a, err, c.refused)
			}
		})
	}
}

// FuzzEncodedWord forms encoded words that no list has, and looks for one that is
// accepted.
func FuzzEncodedWord(f *testing.F) {
	f.Add("utf-8", "q", "=61", "", "")
	f.Add("x", "B", "YQ==", "ada+", ".b")
	f.Add("utf-7*de", "Q", "&AGE-", "=?", "?=")
	f.Fuzz(func(t *testing.T, charset, encoding, text, before, after string) {
		word := "=?" + charset + "?" + encoding + "?" + text
		for _, local := range []string{before + word + "?=" + after, before + word, word + after, strings.ToUpper(word)} {
			for _, domain := range []string{"example.org", "EXAMPLE.org"} {
				if a, err := Parse(local + "@" + domain); err == nil {
					t.Fatalf("Parse(%q) = %v", local+"@"+domain, a)
				}
			}
		}
		for _, local := range []string{mime.QEncoding.Encode(charset, before+"\u00e4"), mime.BEncoding.Encode(charset, after+"\u00e4")} {
			if a, err := Parse(local + "@example.org"); err == nil {
				t.Fatalf("Parse(%q) = %v", local, a)
			}
		}
	})
}

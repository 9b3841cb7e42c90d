package custommessage

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"gatehouse.example/lambdakit/language"
)

// cognitos are the placeholders that Cognito usually sends.
var cognitos = Placeholders{Code: "{####}", UserName: "{username}"}

// written is a message of each kind in each language, by "language/kind".
func written(t *testing.T) map[string]Message {
	t.Helper()
	all := map[string]Message{}
	for _, lang := range language.All() {
		for _, kind := range Kinds() {
			m, err := Write(kind, lang, cognitos)
			if err != nil {
				t.Fatalf("%s in %s: %v", kind, lang, err)
			}
			all[lang+"/"+strings.TrimPrefix(string(kind), source)] = m
		}
	}
	return all
}

// TestMessages compares each message with the one that is kept. UPDATE=messages writes them.
func TestMessages(t *testing.T) {
	t.Parallel()
	for name, m := range written(t) {
		file := "testdata/messages/" + name + ".html"
		got := "<!-- " + m.Subject + " -->\n<!-- " + m.SMS + " -->\n" + m.HTML
		if os.Getenv("UPDATE") == "messages" {
			if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s: not as kept; UPDATE=messages go test ./internal/custommessage (-want +got):\n%s", file, diff)
		}
	}
}

// TestLimits: each message is one that Cognito accepts when its placeholders are filled in.
func TestLimits(t *testing.T) {
	t.Parallel()
	for name, m := range written(t) {
		// A temporary password that Cognito makes has eight characters, an address 254 at most.
		filled := strings.NewReplacer("{####}", "Aa1!Aa1!", "{username}", strings.Repeat("a", 254))
		if n := utf8.RuneCountInString(filled.Replace(m.HTML)); n > 20_000 {
			t.Errorf("%s: the mail has %d characters", name, n)
		}
		if n := utf8.RuneCountInString(m.Subject); n > 140 || n == 0 {
			t.Errorf("%s: the subject has %d characters", name, n)
		}
		if n := utf8.RuneCountInString(strings.ReplaceAll(m.SMS, "{####}", "123456")); n > 140 || n == 0 {
			t.Errorf("%s: the text message has %d characters", name, n)
		}
		wantNames := 0
		if strings.HasSuffix(name, "/AdminCreateUser") {
			wantNames = 1
		}
		for what, part := range map[string]string{"mail": m.HTML, "text message": m.SMS} {
			if n := strings.Count(part, "{####}"); n != 1 {
				t.Errorf("%s: the %s has %d codes", name, what, n)
			}
			if n := strings.Count(part, "{username}"); n != wantNames {
				t.Errorf("%s: the %s has %d names", name, what, n)
			}
		}
		if strings.ContainsAny(m.Subject, "{}<>") || strings.Contains(m.HTML+m.SMS, "{{") {
			t.Errorf("%s: something is not filled in", name)
		}
	}
}

// TestTextsAreComplete: each language has the kinds of the trigger, each with all its texts.
func TestTextsAreComplete(t *testing.T) {
	t.Parallel()
	found, err := filepath.Glob("texts/*.json")
	if err != nil {
		t.Fatal(err)
	}
	var languages []string
	for _, file := range found {
		languages = append(languages, strings.TrimSuffix(filepath.Base(file), ".json"))
	}
	if diff := cmp.Diff(language.All(), languages); diff != "" {
		t.Errorf("files of languages (-want +got):\n%s", diff)
	}
	for _, lang := range language.All() {
		var x texts
		if err := read("texts/"+lang+".json", &x); err != nil {
			t.Fatal(err)
		}
		if slices.Contains([]string{x.CodeLabel, x.PasswordLabel, x.UserLabel, x.Footer}, "") {
			t.Errorf("%s: a text is missing: %+v", lang, x)
		}
		if len(x.Kinds) != len(Kinds()) {
			t.Errorf("%s: %d kinds", lang, len(x.Kinds))
		}
		subjects := map[string]bool{}
		for name, w := range x.Kinds {
			if slices.Contains([]string{w.Subject, w.Heading, w.Lead, w.Note, w.SMS}, "") {
				t.Errorf("%s: %s: a text is missing: %+v", lang, name, w)
			}
			subjects[w.Subject] = true
		}
		if len(subjects) != len(Kinds()) {
			t.Errorf("%s: two kinds have one subject", lang)
		}
	}
}

// TestRefusedByCognito: a message that Cognito would not accept is not written.
func TestRefusedByCognito(t *testing.T) {
	t.Parallel()
	const signUp = source + "SignUp"
	for name, tc := range map[string]struct {
		kind     Kind
		language string
		p        Placeholders
		want     error
	}{
		"usual":                {signUp, "de", cognitos, nil},
		"of_the_documentation": {invitation, "en", Placeholders{"####", "username"}, nil},
		"no_name_needed":       {signUp, "en", Placeholders{Code: "{####}"}, nil},
		"no_code":              {signUp, "en", Placeholders{UserName: "{username}"}, errPlaceholder},
		"no_name":              {invitation, "en", Placeholders{Code: "{####}"}, errPlaceholder},
		"needs_escaping":       {signUp, "en", Placeholders{Code: "<b>"}, errPlaceholder},
		"name_needs_escaping":  {invitation, "en", Placeholders{"{####}", `"`}, errPlaceholder},
		"space_of_no_break":    {signUp, "en", Placeholders{Code: "\u00a0"}, errCharacter},
		"ideographic_space":    {signUp, "en", Placeholders{Code: "a\u3000b"}, errCharacter},
		"invisible":            {signUp, "en", Placeholders{Code: "a\u200bb"}, errCharacter},
		"control":              {signUp, "en", Placeholders{Code: "a\x00"}, errCharacter},
		"delete":               {signUp, "en", Placeholders{Code: "a\x7f"}, errCharacter},
		"not_utf8":             {signUp, "en", Placeholders{Code: "a\xff"}, errCharacter},
		"long_text_message":    {signUp, "en", Placeholders{Code: strings.Repeat("a", 140)}, errLength},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := Write(tc.kind, tc.language, tc.p); err != tc.want { //nolint:errorlint // compared as a value
				t.Errorf("Write = %v, want %v", err, tc.want)
			}
		})
	}
	for _, kind := range []Kind{"", "CustomMessage_", "CustomMessage_Other", "SignUp", "PreSignUp_SignUp"} {
		if _, err := Write(kind, "en", cognitos); err == nil {
			t.Errorf("%q is written", kind)
		}
	}
	if _, err := Write(signUp, "../texts/en", cognitos); err == nil {
		t.Error("an unknown language is written")
	}
}

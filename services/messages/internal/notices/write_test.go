package notices

import (
	"encoding/json"
	"html"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"gatehouse.example/lambdakit/language"
)

// sample is when everything in the kept mails happened.
var sample = time.Date(2026, 11, 30, 20, 35, 0, 0, time.UTC)

// written is a mail of each kind in each language, by "language/kind".
func written(t *testing.T) map[string]Mail {
	t.Helper()
	all := map[string]Mail{}
	for _, lang := range language.All() {
		for _, kind := range Kinds() {
			m, err := Write(kind, lang, sample)
			if err != nil {
				t.Fatalf("%s in %s: %v", kind, lang, err)
			}
			all[lang+"/"+string(kind)] = m
		}
	}
	return all
}

// TestMessages compares each mail with the one that is kept. UPDATE=messages writes them.
func TestMessages(t *testing.T) {
	t.Parallel()
	for name, m := range written(t) {
		for file, got := range map[string]string{name + ".html": "<!-- " + m.Subject + " -->\n" + m.HTML, name + ".txt": m.Text} {
			file = "testdata/messages/" + file
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
				t.Errorf("%s: not as kept; UPDATE=messages go test ./internal/notices (-want +got):\n%s", file, diff)
			}
		}
	}
}

var tags = regexp.MustCompile(`(?s)<style>.*?</style>|<[^>]+>`)

// TestMails: both forms say the same, and a security notice says when, what to do, and that
// it cannot be unsubscribed. There is no link that a forged mail could imitate.
func TestMails(t *testing.T) {
	t.Parallel()
	for name, m := range written(t) {
		shown := html.UnescapeString(tags.ReplaceAllString(m.HTML, "\n"))
		for _, line := range strings.Split(strings.ReplaceAll(m.Text, "-- \n", ""), "\n\n") {
			line = strings.TrimSpace(line)
			if label, when, found := strings.Cut(line, ": 2026-"); found {
				if !strings.Contains(shown, label) || !strings.Contains(shown, "2026-"+when) {
					t.Errorf("%s: the mail lacks %q", name, line)
				}
			} else if !strings.Contains(shown, line) {
				t.Errorf("%s: the mail lacks %q", name, line)
			}
		}
		welcome := strings.HasSuffix(name, "/Welcome")
		if strings.Contains(m.Text, "2026-11-30 20:35 UTC") == welcome {
			t.Errorf("%s: the time: %s", name, m.Text)
		}
		if strings.Contains(m.Text+m.HTML, "{{") || strings.Contains(m.Text+m.HTML, "http") || strings.Contains(m.Text+m.HTML, "<!--") {
			t.Errorf("%s: a slot, a link or a comment in %s", name, m.HTML)
		}
		if n := utf8.RuneCountInString(m.Subject); n == 0 || n > 78 || strings.ContainsAny(m.Subject, "\r\n") || m.Sender != "Gatehouse" {
			t.Errorf("%s: subject %q of %q", name, m.Subject, m.Sender)
		}
		for _, line := range strings.Split(m.Text, "\n") {
			if len(line) > 998 { // https://www.rfc-editor.org/rfc/rfc5322#section-2.1.1
				t.Errorf("%s: a line of %d octets", name, len(line))
			}
		}
	}
	for _, c := range []struct {
		kind Kind
		lang string
	}{{"Other", "en"}, {Welcome, "xx"}, {Welcome, "../texts/en"}} {
		if _, err := Write(c.kind, c.lang, sample); err == nil {
			t.Errorf("%s in %s is written", c.kind, c.lang)
		}
	}
}

// TestTextsAreComplete: each language has all texts of all kinds.
func TestTextsAreComplete(t *testing.T) {
	t.Parallel()
	found, err := filepath.Glob("texts/*.json")
	if err != nil {
		t.Fatal(err)
	}
	var languages []string
	for _, file := range found {
		lang := strings.TrimSuffix(filepath.Base(file), ".json")
		languages = append(languages, lang)
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var x texts
		if err := json.Unmarshal(raw, &x); err != nil {
			t.Fatal(err)
		}
		if slices.Contains([]string{x.TimeLabel, x.Warning, x.WelcomeFooter, x.SecurityFooter, x.Kinds[Welcome].Note}, "") || len(x.Kinds) != len(Kinds()) {
			t.Errorf("%s: a text is missing: %+v", lang, x)
		}
		subjects := map[string]bool{}
		for name, w := range x.Kinds {
			if slices.Contains([]string{w.Subject, w.Heading, w.Lead}, "") || name != Welcome && w.Note != "" {
				t.Errorf("%s: %s: a text is missing or not used: %+v", lang, name, w)
			}
			subjects[w.Subject] = true
		}
		if len(subjects) != len(Kinds()) {
			t.Errorf("%s: two kinds have one subject", lang)
		}
	}
	if diff := cmp.Diff(language.All(), languages); diff != "" {
		t.Errorf("files of languages (-want +got):\n%s", diff)
	}
}

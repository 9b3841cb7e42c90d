package layout_test

import (
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"gatehouse.example/lambdakit/language"
	"gatehouse.example/services/messages/internal/custommessage"
	"gatehouse.example/services/messages/internal/notices"
)

// document reads a mail.
func document(t testing.TB, source string) *html.Node {
	t.Helper()
	root, err := html.Parse(strings.NewReader(source))
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// mail is what the tests read of one.
type mail struct{ Subject, HTML string }

// sample is when everything happened.
var sample = time.Date(2026, 11, 30, 20, 35, 0, 0, time.UTC)

// written is every mail in each language, by "language/kind": Cognito's and the notices.
func written(t *testing.T) map[string]mail {
	t.Helper()
	all := map[string]mail{}
	for _, lang := range language.All() {
		for _, kind := range custommessage.Kinds() {
			m, err := custommessage.Write(kind, lang, custommessage.Placeholders{Code: "{####}", UserName: "{username}"})
			if err != nil {
				t.Fatalf("%s in %s: %v", kind, lang, err)
			}
			all[lang+"/"+strings.TrimPrefix(string(kind), "CustomMessage_")] = mail{m.Subject, m.HTML}
		}
		for _, kind := range notices.Kinds() {
			m, err := notices.Write(kind, lang, sample)
			if err != nil {
				t.Fatalf("%s in %s: %v", kind, lang, err)
			}
			all[lang+"/"+string(kind)] = mail{m.Subject, m.HTML}
		}
	}
	return all
}

// gallery is the page of all mails.
const gallery = "testdata/gallery.html"

// page frames the kept mails: a row for each kind, a column for each language.
func page() string {
	var b strings.Builder
	b.WriteString("<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>All mails in all languages</title>\n" +
		"<style>:root { color-scheme: light dark; } body { font: 16px system-ui, sans-serif; } iframe { width: 400px; height: 600px; border: 1px solid; }</style>\n<table>\n")
	row := func(folder, id, file string) {
		b.WriteString("<tr id=\"" + id + "\"><th colspan=\"" + strconv.Itoa(len(language.All())) + "\">" + id + "</th></tr>\n<tr>")
		for _, lang := range language.All() {
			b.WriteString("<td><iframe sandbox title=\"" + lang + "\" src=\"../../" + folder + "/testdata/messages/" + lang + "/" + file + ".html\"></iframe></td>")
		}
		b.WriteString("</tr>\n")
	}
	for _, kind := range custommessage.Kinds() {
		row("custommessage", string(kind), strings.TrimPrefix(string(kind), "CustomMessage_"))
	}
	for _, kind := range notices.Kinds() {
		row("notices", string(kind), string(kind))
	}
	return b.String() + "</table>\n</html>\n"
}

// TestGallery: the page shows all mails, and each of them is kept. UPDATE=messages writes it.
func TestGallery(t *testing.T) {
	t.Parallel()
	want := page()
	if os.Getenv("UPDATE") == "messages" {
		if err := os.WriteFile(gallery, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(gallery)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s: not as kept; UPDATE=messages go test ./internal/layout", gallery)
	}
	frames := regexp.MustCompile(`src="([^"]+)"`).FindAllStringSubmatch(want, -1)
	if len(frames) != len(written(t)) {
		t.Errorf("%d frames, %d mails", len(frames), len(written(t)))
	}
	for _, frame := range frames {
		if _, err := os.Stat("testdata/" + frame[1]); err != nil {
			t.Errorf("os.Stat: %v", err)
		}
	}
}

// TestMailsAreAccessible: what screen readers and mail readers need.
func TestMailsAreAccessible(t *testing.T) {
	t.Parallel()
	for name, m := range written(t) {
		for _, problem := range lint(document(t, m.HTML), name[:2], m.Subject) {
			t.Errorf("%s: %s", name, problem)
		}
	}
}

// lint is what is wrong with a mail.
func lint(root *html.Node, language, subject string) []string {
	var out []string
	seen := map[string]int{}
	for n := range root.Descendants() {
		if n.Type == html.CommentNode {
			out = append(out, "a comment")
		}
		if n.Type != html.ElementNode {
			continue
		}
		seen[n.Data]++
		switch lang := attribute(n, "lang"); {
		case n.Data == "html" && lang != language, attribute(n, "role") == "article" && lang != language:
			out = append(out, n.Data+": lang is "+lang)
		case n.Data == "table" && attribute(n, "role") != "presentation":
			out = append(out, "a table that is read as data")
		case n.Data == "img" && attribute(n, "alt") == "":
			out = append(out, "a picture without a text")
		case n.Data == "title" && (n.FirstChild == nil || n.FirstChild.Data != subject):
			out = append(out, "the title is not the subject")
		case slices.Contains([]string{"script", "form", "iframe", "link", "object", "video", "svg", "input"}, n.Data):
			out = append(out, "mail readers remove "+n.Data)
		}
		for _, a := range n.Attr {
			if strings.HasPrefix(a.Key, "on") || a.Key == "src" || a.Key == "background" || strings.Contains(a.Val, "url(") || strings.Contains(a.Val, "http") {
				out = append(out, n.Data+": "+a.Key+" loads or runs something")
			}
			if a.Key == "style" && regexp.MustCompile(`(^|;) *(position|float|display: *(flex|grid))`).MatchString(a.Val) {
				out = append(out, n.Data+": a style that mail readers do not have: "+a.Val)
			}
		}
	}
	for element, n := range map[string]int{"h1": 1, "title": 1, "style": 1} {
		if seen[element] != n {
			out = append(out, strconv.Itoa(seen[element])+" elements "+element)
		}
	}
	return out
}

func TestMailsAreAccessiblePlanted(t *testing.T) {
	t.Parallel()
	m := written(t)["en/SignUp"]
	for name, p := range map[string][3]string{
		"as_it_is":      {"", "", ""},
		"no_language":   {`<html lang="en"`, `<html`, "lang is"},
		"other_article": {`lang="en" dir="ltr">` + "\n<table", `lang="de" dir="ltr">` + "\n<table", "lang is de"},
		"data_table":    {`<table role="presentation"`, "<table", "read as data"},
		"picture":       {"<h1", `<img src="cid:x"><h1`, "a picture without a text"},
		"remote":        {"<h1", `<img alt="x" src="https://x.example/x.png"><h1`, "loads or runs"},
		"script":        {"<h1", "<script></script><h1", "mail readers remove script"},
		"no_heading":    {"h1", "h2", "elements h1"},
		"comment":       {"<h1", "<!-- x --><h1", "a comment"},
		"flex":          {`style="margin: 0 0 12px;`, `style="display: flex;`, "a style that mail readers"},
		"no_title":      {"<title>" + m.Subject, "<title>", "the title is not"},
	} {
		broken := strings.Replace(m.HTML, p[0], p[1], 1)
		if p[0] == "h1" {
			broken = strings.ReplaceAll(m.HTML, p[0], p[1])
		}
		got := strings.Join(lint(document(t, broken), "en", m.Subject), "\n")
		if (got == "") != (p[2] == "") || !strings.Contains(got, p[2]) {
			t.Errorf("%s: %q, want one with %q", name, got, p[2])
		}
	}
}

// pair is a colour of text and the colour behind it.
type pair struct{ text, back string }

var declaration = regexp.MustCompile(`(background-color|color): *(#[0-9a-f]{6})`)

// meeting are the colours that meet in a mail. classes are the colours of each class in
// dark mode, which take precedence; they are nil for the light one.
func meeting(n *html.Node, around pair, classes map[string]pair) []pair {
	if n.Type == html.TextNode && strings.TrimSpace(n.Data) != "" {
		return []pair{around}
	}
	if n.Type == html.ElementNode && (n.Data == "head" || strings.HasPrefix(attribute(n, "style"), "display: none")) {
		return nil
	}
	own := colourOf(attribute(n, "style"))
	if dark := classes[attribute(n, "class")]; classes != nil {
		own = dark // light colours without a dark one would show
		if colourOf(attribute(n, "style")).text != "" && dark.text == "" || colourOf(attribute(n, "style")).back != "" && dark.back == "" {
			own = pair{"#ffffff", "#ffffff"}
		}
	}
	if own.text != "" {
		around.text = own.text
	}
	if own.back != "" {
		around.back = own.back
	}
	var out []pair
	for child := range n.ChildNodes() {
		out = append(out, meeting(child, around, classes)...)
	}
	return out
}

func colourOf(style string) pair {
	var p pair
	for _, m := range declaration.FindAllStringSubmatch(style, -1) {
		if m[1] == "color" {
			p.text = m[2]
		} else {
			p.back = m[2]
		}
	}
	return p
}

// TestContrast: text is readable in light and dark mode (WCAG 2.2, AA).
func TestContrast(t *testing.T) {
	t.Parallel()
	m := written(t)["en/AdminCreateUser"] // it has all parts
	_, dark, _ := strings.Cut(m.HTML, "(prefers-color-scheme: dark)")
	dark, _, _ = strings.Cut(dark, "</style>")
	classes := map[string]pair{}
	for _, rule := range regexp.MustCompile(`\.([a-z]+) \{([^}]+)\}`).FindAllStringSubmatch(dark, -1) {
		classes[rule[1]] = colourOf(rule[2])
	}
	if len(classes) != 5 {
		t.Errorf("colours of dark mode: %v", classes)
	}
	for scheme, of := range map[string]map[string]pair{"light": nil, "dark": classes} {
		pairs := meeting(document(t, m.HTML), pair{}, of)
		if len(pairs) < 8 {
			t.Errorf("%s: %d texts", scheme, len(pairs))
		}
		for _, p := range pairs {
			if got := contrast(t, p.text, p.back); got < 4.5 {
				t.Errorf("%s: %s on %s is %.2f to 1, want 4.5", scheme, p.text, p.back, got)
			}
		}
	}
}

// contrast is the ratio of https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio.
func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	lighter, darker := luminance(t, a), luminance(t, b)
	return (max(lighter, darker) + 0.05) / (min(lighter, darker) + 0.05)
}

func luminance(t *testing.T, colour string) float64 {
	t.Helper()
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(colour[1+2*i:3+2*i], 16, 8)
		if err != nil {
			t.Fatalf("%q is not #rrggbb", colour)
		}
		c := float64(n) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}

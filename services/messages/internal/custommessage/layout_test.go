package custommessage

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"
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

// structure is a mail without its texts: elements and the names of their attributes, with
// the values of those that are not texts.
func structure(t testing.TB, source string) []string {
	t.Helper()
	var out []string
	for n := range document(t, source).Descendants() {
		if n.Type == html.TextNode {
			continue
		}
		line := strconv.Itoa(int(n.Type)) + " " + n.Data
		for _, a := range n.Attr {
			if line += " " + a.Key; a.Key != "aria-label" && a.Key != "lang" {
				line += "=" + a.Val
			}
		}
		out = append(out, line)
	}
	return out
}

// TestMailsAreOneLayout: only the words differ, and an invitation has one field more.
func TestMailsAreOneLayout(t *testing.T) {
	t.Parallel()
	all := written(t)
	code, invited := structure(t, all["en/SignUp"].HTML), structure(t, all["en/AdminCreateUser"].HTML)
	if len(invited) != len(code)+2 {
		t.Errorf("an invitation has %d elements, another mail %d", len(invited), len(code))
	}
	for name, m := range all {
		want := code
		if strings.HasSuffix(name, "/AdminCreateUser") {
			want = invited
		}
		if diff := cmp.Diff(want, structure(t, m.HTML)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
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
	m := written(t)["en/AdminCreateUser"]
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

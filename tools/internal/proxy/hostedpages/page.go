package hostedpages

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/html"
)

//go:embed page.html app.html mail.html signin.html
var files embed.FS

//go:embed app.js
var script []byte

//go:embed signin.js
var signInScript []byte

// Page is what a person reads and fills in. Every step of every flow is one form of this
// kind, so that names for screen readers, errors and the look are right in one place. The
// pages work without scripts.
type Page struct {
	Title string
	Lead  string
	// Problem is an error, Notice a success; screen readers read both aloud.
	Problem string
	// ProblemLang is the language of a problem that is not in English, for screen readers.
	ProblemLang string
	Notice      string
	// SetUp is what an authenticator app needs.
	SetUp *setUp
	// Local is help that only the local system gives, about a mail.
	Local  string
	Action string // of the form; without one the page has none
	// GoesTo is the app that the form may lead to, as it is registered.
	GoesTo  string
	Hidden  []Hidden
	Fields  []Field
	Buttons []Button
	Links   []Link
}

// Hidden is a value that goes from page to page.
type Hidden struct{ Name, Value string }

// Field is an input with its label.
type Field struct {
	Name, Label, Type, Autocomplete, InputMode, Value string
	// Hint is below the field and part of its description.
	Hint string
	// Invalid marks a field that the problem is about.
	Invalid bool
}

// Described lists the ids of what describes the field: the problem, then the hint.
func (f Field) Described() string {
	var ids []string
	if f.Invalid {
		ids = append(ids, "problem")
	}
	if f.Hint != "" {
		ids = append(ids, f.Name+"-hint")
	}
	return strings.Join(ids, " ")
}

// Button sends the form, to another address if it names one; a quiet one is not
// the first choice.
type Button struct {
	Text, Name, Value, Action string
	Quiet                     bool
}

// Link leads to another page.
type Link struct{ Text, URL string }

// marked marks the fields that the problem is about.
func (p Page) marked(fields ...string) Page {
	for i := range p.Fields {
		p.Fields[i].Invalid = slices.Contains(fields, p.Fields[i].Name)
	}
	return p
}

// templates draws pages in the colours of the brand.
type templates struct {
	branding
	layout *template.Template
}

// newTemplates reads the templates, and the branding of the repository at root.
func newTemplates(root string) (*templates, error) {
	brand, err := readBranding(root)
	if err != nil {
		return nil, fmt.Errorf("branding: %w", err)
	}
	layout, err := template.ParseFS(files, "*.html")
	if err != nil {
		return nil, fmt.Errorf("template.ParseFS: %w", err)
	}
	return &templates{brand, layout}, nil
}

// assetsPrefix is where assets are served.
const assetsPrefix = "/_gatehouse/brand/"

// assets serves the stylesheet, the logo and the scripts of the app pages.
func (t *templates) assets(w http.ResponseWriter, r *http.Request) {
	protect(w.Header(), "style-src 'unsafe-inline'")
	w.Header().Set("Cache-Control", "no-cache")
	name := strings.TrimPrefix(r.URL.Path, assetsPrefix)
	content := map[string][]byte{"pages.css": t.style, "logo.svg": t.logo, "app.js": script, "signin.js": signInScript}[name]
	if content == nil {
		http.NotFound(w, r)
		return
	}
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(content))
}

// write answers with the page.
func (t *templates) write(w http.ResponseWriter, status int, page Page) error {
	allowed := "style-src 'self'; img-src 'self'; form-action " + formAction(page.GoesTo)
	return t.draw(w, status, "page.html", allowed, struct {
		Page
		Brand   string
		Prefix  string
		Mailbox string
		First   int
	}{page, t.Name, assetsPrefix, MailPath, first(page.Fields)})
}

func (t *templates) draw(w http.ResponseWriter, status int, name, allowed string, values any) error {
	var b bytes.Buffer
	if err := t.layout.ExecuteTemplate(&b, name, values); err != nil {
		http.Error(w, "The page could not be drawn.", http.StatusInternalServerError)
		return fmt.Errorf("template.Execute: %w", err)
	}
	protect(w.Header(), allowed)
	w.Header().Del("Content-Length")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
	return nil
}

// first is the field that takes the focus: the first of those to correct that is empty,
// else the first to correct, else the first that is empty. A wrong password leaves the
// address as it was typed, so the focus goes to the password.
func first(fields []Field) int {
	for _, wanted := range []func(Field) bool{
		func(f Field) bool { return f.Invalid && f.Value == "" },
		func(f Field) bool { return f.Invalid },
		func(f Field) bool { return f.Value == "" },
	} {
		if i := slices.IndexFunc(fields, wanted); i >= 0 {
			return i
		}
	}
	return -1
}

// protect sets what keeps others from framing the page, adding to it, and
// learning its address, which holds the app's state.
func protect(h http.Header, allowed string) {
	h.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; "+allowed)
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
}

// formAction allows the app too, because browsers hold the redirect that answers
// a form to the same rule.
func formAction(to string) string {
	target, err := url.Parse(to)
	if err != nil || to == "" || target.Scheme == "" {
		return "'self'"
	}
	source := target.Scheme + ":"
	if target.Scheme == "http" || target.Scheme == "https" {
		source += "//" + target.Host
	}
	if strings.ContainsAny(source, " ;,'\"\r\n\t") {
		return "'self'"
	}
	return "'self' " + source
}

// readPage parses a page of the emulator: the fields of its form and the error that it
// shows. ok is false for anything without a form.
func readPage(body []byte) (page Page, ok bool) {
	root, err := html.Parse(bytes.NewReader(body))
	if err != nil {
		return Page{}, false
	}
	labels := map[string]string{}
	for n := range root.Descendants() {
		switch {
		case n.Type != html.ElementNode:
		case n.Data == "h1":
			page.Title = text(n)
		case n.Data == "div" && attr(n, "class") == "error":
			page.Problem = text(n)
		case n.Data == "form":
			page.Action, ok = attr(n, "action"), true
		case n.Data == "label":
			labels[attr(n, "for")] = text(n)
		case n.Data == "input" && attr(n, "type") == "hidden":
			page.Hidden = append(page.Hidden, Hidden{attr(n, "name"), attr(n, "value")})
		case n.Data == "input":
			page.Fields = append(page.Fields, Field{
				Name: attr(n, "name"), Label: labels[attr(n, "id")], Type: attr(n, "type"),
				Autocomplete: attr(n, "autocomplete"), InputMode: attr(n, "inputmode"), Value: attr(n, "value"),
			})
		case n.Data == "button":
			page.Buttons = append(page.Buttons, Button{Text: text(n), Name: attr(n, "name"), Value: attr(n, "value")})
		}
	}
	return page, ok
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func text(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

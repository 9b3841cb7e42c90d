// Package layout is the look of every mail of Gatehouse: one file of HTML with slots, in
// the name and the colours of the sign-in pages. It loads nothing and needs no template
// engine, so that a trigger that uses it starts like an empty one.
package layout

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"slices"
	"strings"
)

// Part is a part of the layout that not every mail has.
type Part string

// The parts, and the slots that they have.
const (
	// Detail has "detailLabel" and "detail".
	Detail Part = "detail"
	// Code has "codeLabel" and "code".
	Code Part = "code"
)

// Branding is a copy of the platform's settings.json; a rule compares the two.
type Branding struct {
	Name        string
	Light, Dark map[string]string
}

//go:embed layout.html branding.json
var files embed.FS

// ReadBranding reads the branding. It is done per mail, so that nothing is done at a cold start.
func ReadBranding() (Branding, error) {
	raw, err := files.ReadFile("branding.json")
	if err != nil {
		return Branding{}, errors.New("layout: the branding is missing")
	}
	var b Branding
	if err := json.Unmarshal(raw, &b); err != nil {
		return Branding{}, fmt.Errorf("json.Unmarshal: %w", err)
	}
	return b, nil
}

// HTML is the mail with these words in its slots, all of which are escaped. Every mail has
// "lang", "subject", "heading", "lead", "note" and "footer".
func (b Branding) HTML(words map[string]string, parts ...Part) (string, error) {
	raw, err := files.ReadFile("layout.html")
	if err != nil {
		return "", errors.New("layout: the layout is missing")
	}
	page := string(raw)
	for _, part := range []Part{Detail, Code} {
		page = keep(page, part, slices.Contains(parts, part))
	}
	fill := append(colours("light", b.Light), colours("dark", b.Dark)...)
	fill = append(fill, "{{name}}", html.EscapeString(b.Name))
	for slot, text := range words {
		fill = append(fill, "{{"+slot+"}}", html.EscapeString(text))
	}
	return strings.NewReplacer(fill...).Replace(page), nil
}

// colours are the slots of a scheme, with their values.
func colours(scheme string, values map[string]string) []string {
	var out []string
	for role, value := range values {
		out = append(out, "{{"+scheme+"."+role+"}}", html.EscapeString(value))
	}
	return out
}

// keep keeps or removes a part, which is a comment in the file.
func keep(page string, part Part, wanted bool) string {
	before, rest, _ := strings.Cut(page, "<!-- "+string(part)+"\n")
	inner, after, _ := strings.Cut(rest, "-->\n")
	if wanted {
		return before + inner + after
	}
	return before + after
}

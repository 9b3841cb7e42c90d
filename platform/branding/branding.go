// Package branding is the one place of how the pages look that people sign up
// and in on: name, colours, logo and styles. The local pages embed it, and
// Cognito's own pages on AWS get what they allow of it, so that both look like
// one product and a new colour is one edit.
package branding

import (
	"embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/template"
)

//go:embed settings.json pages.css logo.svg cognito.css.tmpl
var files embed.FS

// Settings is the name of the product and its colours, as #rrggbb by role, for
// browsers that ask for light and for dark pages.
type Settings struct {
	Name  string            `json:"name"`
	Light map[string]string `json:"light"`
	Dark  map[string]string `json:"dark"`
}

// Read returns the settings.
func Read() (Settings, error) {
	var s Settings
	text, err := files.ReadFile("settings.json")
	if err != nil {
		return s, fmt.Errorf("files.ReadFile: %w", err)
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return s, fmt.Errorf("settings.json: %w", err)
	}
	return s, nil
}

// Logo is an SVG that needs nothing from elsewhere.
func Logo() ([]byte, error) {
	logo, err := files.ReadFile("logo.svg")
	if err != nil {
		return nil, fmt.Errorf("files.ReadFile: %w", err)
	}
	return logo, nil
}

// Stylesheet is for pages of our own: the colours as custom properties, then pages.css.
func (s Settings) Stylesheet() ([]byte, error) {
	rules, err := files.ReadFile("pages.css")
	if err != nil {
		return nil, fmt.Errorf("files.ReadFile: %w", err)
	}
	var b strings.Builder
	b.WriteString(":root {\n" + properties(s.Light) + "}\n")
	b.WriteString("@media (prefers-color-scheme: dark) {\n:root {\n" + properties(s.Dark) + "}\n}\n")
	b.Write(rules)
	return []byte(b.String()), nil
}

func properties(colours map[string]string) string {
	var b strings.Builder
	for _, role := range slices.Sorted(maps.Keys(colours)) {
		fmt.Fprintf(&b, "  --%s: %s;\n", role, colours[role])
	}
	return b.String()
}

// CognitoCSS is for Cognito's own pages, which take a few properties of a few
// classes and no dark variant.
func (s Settings) CognitoCSS() (string, error) {
	text, err := files.ReadFile("cognito.css.tmpl")
	if err != nil {
		return "", fmt.Errorf("files.ReadFile: %w", err)
	}
	css, err := template.New("cognito.css").Option("missingkey=error").Parse(string(text))
	if err != nil {
		return "", fmt.Errorf("template.Parse: %w", err)
	}
	var b strings.Builder
	if err := css.Execute(&b, s.Light); err != nil {
		return "", fmt.Errorf("template.Execute: %w", err)
	}
	return b.String(), nil
}

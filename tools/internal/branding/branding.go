// Package branding reads platform/branding, the one place for how the pages for
// sign-up and sign-in look: name, colours, logo and styles. The local pages use
// all of it, and Cognito's own pages on AWS what they accept, so that both look
// like one product and a new colour is one edit.
package branding

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
)

// Branding is the name of the product and its colours, as #rrggbb by role, for
// browsers that ask for light and for dark pages.
type Branding struct {
	Name  string            `json:"name"`
	Light map[string]string `json:"light"`
	Dark  map[string]string `json:"dark"`

	files fs.FS
}

// Read reads the branding of the repository at root.
func Read(root string) (Branding, error) {
	b := Branding{files: os.DirFS(filepath.Join(root, "platform", "branding"))}
	text, err := fs.ReadFile(b.files, "settings.json")
	if err != nil {
		return b, fmt.Errorf("fs.ReadFile: %w", err)
	}
	if err := json.Unmarshal(text, &b); err != nil {
		return b, fmt.Errorf("settings.json: %w", err)
	}
	return b, nil
}

// Logo is an SVG that refers to no other file.
func (b Branding) Logo() ([]byte, error) {
	logo, err := fs.ReadFile(b.files, "logo.svg")
	if err != nil {
		return nil, fmt.Errorf("fs.ReadFile: %w", err)
	}
	return logo, nil
}

// Stylesheet is for the local pages: the colours as custom properties, then pages.css.
func (b Branding) Stylesheet() ([]byte, error) {
	rules, err := fs.ReadFile(b.files, "pages.css")
	if err != nil {
		return nil, fmt.Errorf("fs.ReadFile: %w", err)
	}
	var css strings.Builder
	css.WriteString(":root {\n" + properties(b.Light) + "}\n")
	css.WriteString("@media (prefers-color-scheme: dark) {\n:root {\n" + properties(b.Dark) + "}\n}\n")
	css.Write(rules)
	return []byte(css.String()), nil
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
func (b Branding) CognitoCSS() (string, error) {
	text, err := fs.ReadFile(b.files, "cognito.css.tmpl")
	if err != nil {
		return "", fmt.Errorf("fs.ReadFile: %w", err)
	}
	css, err := template.New("cognito.css").Option("missingkey=error").Parse(string(text))
	if err != nil {
		return "", fmt.Errorf("template.Parse: %w", err)
	}
	var out strings.Builder
	if err := css.Execute(&out, b.Light); err != nil {
		return "", fmt.Errorf("template.Execute: %w", err)
	}
	return out.String(), nil
}

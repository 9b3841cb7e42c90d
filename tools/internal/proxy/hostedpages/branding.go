package hostedpages

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// branding is the name of the product and its colours, as #rrggbb by role, for browsers
// that ask for light and for dark pages. platform/branding is the one place for how the
// pages look, here and on AWS.
type branding struct {
	Name  string            `json:"name"`
	Light map[string]string `json:"light"`
	Dark  map[string]string `json:"dark"`

	style, logo []byte
}

// readBranding reads the branding of the repository at root.
func readBranding(root string) (branding, error) {
	var b branding
	var texts [3][]byte
	for i, name := range []string{"settings.json", "pages.css", "logo.svg"} {
		var err error
		if texts[i], err = os.ReadFile(filepath.Join(root, "platform", "branding", name)); err != nil {
			return b, fmt.Errorf("os.ReadFile: %w", err)
		}
	}
	if err := json.Unmarshal(texts[0], &b); err != nil {
		return b, fmt.Errorf("settings.json: %w", err)
	}
	b.style = fmt.Appendf(nil, ":root {\n%s}\n@media (prefers-color-scheme: dark) {\n:root {\n%s}\n}\n%s",
		properties(b.Light), properties(b.Dark), texts[1])
	b.logo = texts[2]
	return b, nil
}

func properties(colours map[string]string) string {
	var b strings.Builder
	for _, role := range slices.Sorted(maps.Keys(colours)) {
		fmt.Fprintf(&b, "  --%s: %s;\n", role, colours[role])
	}
	return b.String()
}

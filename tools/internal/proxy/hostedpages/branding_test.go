package hostedpages

import (
	"encoding/base64"
	"fmt"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/template"
)

const root = "../../../.."

func branded(t *testing.T) branding {
	t.Helper()
	s, err := readBranding(root)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestContrast holds every pair of colours that meet to WCAG 2.2: 4.5 to 1 for
// text, 3 to 1 for the border of an input.
func TestContrast(t *testing.T) {
	t.Parallel()
	s := branded(t)
	for name, colours := range map[string]map[string]string{"light": s.Light, "dark": s.Dark} {
		for _, pair := range []struct {
			front, back string
			least       float64
		}{
			{"text", "background", 4.5}, {"text", "surface", 4.5}, {"text", "note-surface", 4.5},
			{"muted", "background", 4.5}, {"muted", "surface", 4.5},
			{"accent", "surface", 4.5}, {"accent-hover", "surface", 4.5},
			{"on-accent", "accent", 4.5}, {"on-accent", "accent-hover", 4.5}, {"accent-hover", "note-surface", 4.5},
			{"problem", "problem-surface", 4.5}, {"problem", "surface", 4.5}, {"line", "surface", 3},
		} {
			if got := contrast(t, colours[pair.front], colours[pair.back]); got < pair.least {
				t.Errorf("%s: %s on %s is %.2f to 1, want %.1f", name, pair.front, pair.back, got, pair.least)
			}
		}
	}
}

// contrast is the ratio of https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio.
func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	light, dark := luminance(t, a), luminance(t, b)
	if light < dark {
		light, dark = dark, light
	}
	return (light + 0.05) / (dark + 0.05)
}

func luminance(t *testing.T, colour string) float64 {
	t.Helper()
	if !regexp.MustCompile(`^#[0-9a-f]{6}$`).MatchString(colour) {
		t.Fatalf("%q is not #rrggbb", colour)
	}
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(colour[1+2*i:3+2*i], 16, 8)
		if err != nil {
			t.Fatal(err)
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

// TestStylesheet: every colour that the rules use exists, and nothing is fetched
// from elsewhere.
func TestStylesheet(t *testing.T) {
	t.Parallel()
	s := branded(t)
	for _, m := range regexp.MustCompile(`var\(--([a-z-]+)\)`).FindAllStringSubmatch(string(s.style), -1) {
		if s.Light[m[1]] == "" || s.Dark[m[1]] == "" {
			t.Errorf("no colour %s", m[1])
		}
	}
	text := string(s.style) + strings.ReplaceAll(string(s.logo), `xmlns="http://www.w3.org/2000/svg"`, "")
	for _, bad := range []string{"http", "url(", "@import", "<script", "href"} {
		if strings.Contains(text, bad) {
			t.Errorf("%s in stylesheet or logo", bad)
		}
	}
}

// allowed are the classes and properties that Cognito takes, from
// https://docs.aws.amazon.com/cognito/latest/developerguide/hosted-ui-classic-branding.html
func allowed() map[string][]string {
	return map[string][]string{
		"background-customizable":         {"background-color"},
		"banner-customizable":             {"padding", "background-color"},
		"errorMessage-customizable":       {"margin", "padding", "font-size", "width", "background", "border", "color", "box-sizing"},
		"inputField-customizable":         {"width", "height", "color", "background-color", "border"},
		"inputField-customizable:focus":   {"border-color", "outline"},
		"label-customizable":              {"font-weight"},
		"submitButton-customizable":       {"font-size", "font-weight", "margin", "width", "height", "color", "background-color"},
		"submitButton-customizable:hover": {"color", "background-color"},
		"textDescription-customizable":    {"padding-top", "padding-bottom", "display", "font-size"},
	}
}

// cognitoCSS is for Cognito's own pages, which take a few properties of a few classes
// and no dark variant.
func cognitoCSS(t *testing.T) string {
	t.Helper()
	css, err := template.New("cognito.css.tmpl").Option("missingkey=error").ParseFiles(root + "/platform/branding/cognito.css.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := css.Execute(&out, branded(t).Light); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestCognitoCSS(t *testing.T) {
	t.Parallel()
	css := cognitoCSS(t)
	if len(css) > 3000 {
		t.Errorf("%d bytes, Cognito takes 3 KB", len(css))
	}
	lines := strings.Split(strings.TrimSpace(css), "\n")
	for _, line := range lines {
		m := regexp.MustCompile(`^\.(\S+) \{ (.*); \}$`).FindStringSubmatch(line)
		if m == nil {
			t.Fatalf("cannot read %q", line)
		}
		properties, known := allowed()[m[1]]
		if !known {
			t.Errorf("class %s is not Cognito's", m[1])
		}
		for declaration := range strings.SplitSeq(m[2], "; ") {
			property, value, _ := strings.Cut(declaration, ": ")
			if !slices.Contains(properties, property) || value == "" {
				t.Errorf("%s does not take %q", m[1], declaration)
			}
		}
	}
	if len(lines) != len(allowed()) {
		t.Errorf("%d classes, want %d", len(lines), len(allowed()))
	}
}

// TestTemplateHasTheseColours: CloudFormation cannot read a file, so the template
// holds a copy.
func TestTemplateHasTheseColours(t *testing.T) {
	t.Parallel()
	css := cognitoCSS(t)
	template, err := os.ReadFile(root + "/platform/template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(template), "CSS: |\n")
	var got []string
	for line := range strings.Lines(after) {
		if !strings.HasPrefix(line, "        .") {
			break
		}
		got = append(got, strings.TrimSpace(line))
	}
	if strings.Join(got, "\n") != strings.TrimSpace(css) {
		t.Errorf("platform/template.yaml has other styles; put these below CSS: |\n%s", "        "+strings.ReplaceAll(strings.TrimSpace(css), "\n", "\n        "))
	}
}

// managedLogin is for version 2 of Cognito's pages, whose colours are rrggbbaa.
func managedLogin(t *testing.T) string {
	t.Helper()
	colours := branded(t).Light
	settings, err := template.New("managedlogin.tmpl").Funcs(template.FuncMap{"colour": func(role string) (string, error) {
		hex, ok := strings.CutPrefix(colours[role], "#")
		if !ok {
			return "", fmt.Errorf("no colour %s", role)
		}
		return hex + "ff", nil
	}}).ParseFiles(root + "/platform/branding/managedlogin.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := settings.Execute(&out, nil); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(out.String())
}

// TestManagedLoginHasTheseColours: CloudFormation cannot read a file, so the template
// holds a copy of the settings and of the logo.
func TestManagedLoginHasTheseColours(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(root + "/platform/managedlogin.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want := "        - " + strings.ReplaceAll(managedLogin(t), "\n", "\n          ")
	if !strings.Contains(string(raw), "Settings: !If\n        - Styled\n"+want+"\n        - !Ref AWS::NoValue\n") {
		t.Errorf("platform/managedlogin.yaml has other settings; put these below - Styled:\n%s", want)
	}
	if logo := base64.StdEncoding.EncodeToString([]byte(branded(t).logo)); !strings.Contains(string(raw), "Bytes: "+logo+"}") {
		t.Errorf("platform/managedlogin.yaml has another logo; write Bytes: %s", logo)
	}
}

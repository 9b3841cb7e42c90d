package custommessage

import (
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

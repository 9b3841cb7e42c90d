package e2e

import (
	"net/http"
	"net/url"
	"testing"

	"golang.org/x/net/html"
)

// formOf reads the fields of the first form of a page as a browser would.
func formOf(t *testing.T, page *http.Response) url.Values {
	t.Helper()
	defer page.Body.Close()
	if page.StatusCode != http.StatusOK {
		t.Fatalf("the page answers %s", page.Status)
	}
	root := must(html.Parse(page.Body))(t)
	fields := url.Values{}
	for node := range root.Descendants() {
		if node.Type != html.ElementNode || node.Data != "input" {
			continue
		}
		attr := map[string]string{}
		for _, a := range node.Attr {
			attr[a.Key] = a.Val
		}
		if attr["name"] != "" {
			fields.Set(attr["name"], attr["value"])
		}
	}
	if len(fields) == 0 {
		t.Fatal("the page has no form")
	}
	return fields
}

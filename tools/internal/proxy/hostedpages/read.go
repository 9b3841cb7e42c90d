package hostedpages

import (
	"bytes"
	"strings"

	"golang.org/x/net/html"
)

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

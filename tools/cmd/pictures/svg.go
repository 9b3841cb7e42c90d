package main

import (
	"bytes"
	"fmt"
	"html"
	"unicode/utf8"
)

// style works on GitHub's light and dark pages: text stands on filled boxes only.
const style = `<style>text{font:12px ui-sans-serif,system-ui,Helvetica,Arial,sans-serif;fill:#1f2328}.t{font-size:15px;font-weight:600}.m{fill:#59636e}
.b{fill:#f6f8fa;stroke:#8c959f}@media(prefers-color-scheme:dark){text{fill:#f0f6fc}.m{fill:#9198a1}.b{fill:#151b23;stroke:#656c76}}</style>`

// colours are readable on light and on dark boxes.
var colours = []string{"#0969da", "#bf5700", "#1a7f37", "#8250df", "#cf222e", "#9a6700", "#0e7c86", "#bf3989", "#6e7781"}

func colour(i int) string { return colours[i%len(colours)] }

// picture is an SVG under construction.
type picture struct{ bytes.Buffer }

func (p *picture) add(format string, args ...any) { fmt.Fprintf(p, format+"\n", args...) }

func (p *picture) text(x, y float64, class, text string) {
	p.add(`<text x="%g" y="%g" class="%s">%s</text>`, x, y, class, html.EscapeString(text))
}

func (p *picture) box(x, y, width, height float64) {
	p.add(`<rect x="%g" y="%g" width="%g" height="%g" rx="6" class="b"/>`, x, y, width, height)
}

// done puts the frame around what was drawn.
func (p *picture) done(width, height float64, title string) []byte {
	var out bytes.Buffer
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %g %g" width="%g" height="%g" role="img">`+"\n<title>%s</title>\n%s\n%s</svg>\n",
		width, height, width, height, html.EscapeString(title), style, p.String())
	return out.Bytes()
}

// wide is about the width of a text in the picture's font.
func wide(text string) float64 { return 6.6 * float64(utf8.RuneCountInString(text)) }

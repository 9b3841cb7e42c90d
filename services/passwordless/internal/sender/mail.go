package sender

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"gatehouse.example/services/passwordless/internal/letter"
)

// Writer writes mails.
type Writer struct {
	// App is the name of the app in the mails.
	App string
	// Link is the page of the app that links lead to; empty for mails with a code only. It is
	// a parameter of the stack: an address that came with a request could be anybody's.
	Link string
}

// Mail is a written mail.
type Mail struct{ Subject, Text, HTML string }

// words are what a mail says in one language.
type words struct{ Subject, Lead, Code, Link, Browser, Note, Button string }

//go:embed mail.html texts.json
var files embed.FS

// fallback is the language of people whose own has no texts.
const fallback = "en"

// Write writes the mail of a letter, which can be used for the time left.
//
// The link's secret is in its fragment, which no program sends to a server: a scanner that
// opens each link of a mail gets the page, and the page's server learns nothing. ses:no-track
// keeps SES from putting an address of its own in front of it
// (https://docs.aws.amazon.com/ses/latest/dg/faqs-metrics.html).
func (w Writer) Write(l letter.Letter, left time.Duration) (Mail, error) {
	t, language, err := textsOf(l.Language)
	if err != nil {
		return Mail{}, err
	}
	link := ""
	if w.Link != "" {
		link = w.Link + "#signin=" + url.QueryEscape(l.Token)
	}
	fill := strings.NewReplacer("{{app}}", w.App, "{{minutes}}", strconv.Itoa(max(1, int(math.Floor(left.Minutes())))))
	code := l.Code[:len(l.Code)/2] + " " + l.Code[len(l.Code)/2:]
	m := Mail{Subject: fill.Replace(t.Subject)}
	lines := []string{fill.Replace(t.Lead), t.Code + " " + code}
	if link != "" {
		lines = append(lines, t.Link+"\n"+link, t.Browser)
	}
	m.Text = strings.Join(append(lines, fill.Replace(t.Note)), "\n\n") + "\n"
	layout, err := files.ReadFile("mail.html")
	if err != nil {
		return Mail{}, errors.New("sender: the layout is missing")
	}
	var page []string
	for slot, value := range map[string]string{
		"lang": language, "subject": m.Subject, "lead": fill.Replace(t.Lead), "codeLabel": t.Code, "code": code,
		"button": t.Button, "browser": t.Browser, "note": fill.Replace(t.Note), "link": link,
	} {
		page = append(page, "{{"+slot+"}}", html.EscapeString(value))
	}
	m.HTML = strings.NewReplacer(page...).Replace(withLink(string(layout), link != ""))
	return m, nil
}

// withLink keeps or removes the part of the layout that only a mail with a link has.
func withLink(layout string, keep bool) string {
	before, rest, _ := strings.Cut(layout, "<!-- link\n")
	part, after, _ := strings.Cut(rest, "-->\n")
	if keep {
		return before + part + after
	}
	return before + after
}

// textsOf are the texts of a locale such as de-AT, of which the language counts.
func textsOf(locale string) (t words, language string, err error) {
	raw, err := files.ReadFile("texts.json")
	if err != nil {
		return words{}, "", errors.New("sender: the texts are missing")
	}
	var all map[string]words
	if err := json.Unmarshal(raw, &all); err != nil {
		return words{}, "", fmt.Errorf("json.Unmarshal: %w", err)
	}
	language, _, _ = strings.Cut(strings.ToLower(strings.ReplaceAll(locale, "_", "-")), "-")
	if t, ok := all[language]; ok {
		return t, language, nil
	}
	return all[fallback], fallback, nil
}

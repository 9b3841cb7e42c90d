package notices

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"gatehouse.example/services/messages/internal/layout"
)

// Mail is what is sent, in both forms.
type Mail struct{ Sender, Subject, HTML, Text string }

// texts are the file of a language.
type texts struct {
	// TimeLabel is what the time of an act is called.
	TimeLabel string
	// Warning is the note of every security notice.
	Warning string
	// WelcomeFooter and SecurityFooter say why the mail came.
	WelcomeFooter, SecurityFooter string
	Kinds                         map[Kind]wording
}

// wording is what differs between the kinds.
type wording struct{ Subject, Heading, Lead, Note string }

//go:embed texts/*.json
var files embed.FS

// Write writes a mail about what happened at a time.
func Write(kind Kind, lang string, at time.Time) (Mail, error) {
	raw, err := files.ReadFile("texts/" + lang + ".json")
	if err != nil {
		return Mail{}, errors.New("notices: not a language of the texts")
	}
	var t texts
	if err := json.Unmarshal(raw, &t); err != nil {
		return Mail{}, fmt.Errorf("json.Unmarshal: %w", err)
	}
	w, ok := t.Kinds[kind]
	if !ok {
		return Mail{}, errors.New("notices: not a kind of mail")
	}
	b, err := layout.ReadBranding()
	if err != nil {
		return Mail{}, fmt.Errorf("layout.ReadBranding: %w", err)
	}
	note, footer, when := t.Warning, t.SecurityFooter, at.UTC().Format("2006-01-02 15:04 UTC")
	parts := []layout.Part{layout.Detail}
	if kind == Welcome {
		note, footer, parts = w.Note, t.WelcomeFooter, nil
	}
	fill := strings.NewReplacer("{{name}}", b.Name)
	m := Mail{Sender: b.Name, Subject: fill.Replace(w.Subject)}
	lines := []string{fill.Replace(w.Heading), fill.Replace(w.Lead)}
	if kind != Welcome {
		lines = append(lines, t.TimeLabel+": "+when)
	}
	m.Text = strings.Join(append(lines, fill.Replace(note), "-- \n"+fill.Replace(footer)), "\n\n") + "\n"
	m.HTML, err = b.HTML(map[string]string{
		"lang": lang, "subject": m.Subject, "heading": lines[0], "lead": lines[1], "detailLabel": t.TimeLabel, "detail": when,
		"note": fill.Replace(note), "footer": fill.Replace(footer),
	}, parts...)
	if err != nil {
		return Mail{}, fmt.Errorf("layout.HTML: %w", err)
	}
	return m, nil
}

package custommessage

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"strings"
)

// Kind is a trigger source, which says what a message is for
// (https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-lambda-custom-message.html).
type Kind string

// source begins each trigger source.
const source = "CustomMessage_"

// invitation has a user name and a temporary password instead of a code.
const invitation Kind = source + "AdminCreateUser"

// Kinds are all that Cognito sends.
func Kinds() []Kind {
	return []Kind{
		invitation, source + "Authentication", source + "ForgotPassword", source + "ResendCode", source + "SignUp",
		source + "UpdateUserAttribute", source + "VerifyUserAttribute",
	}
}

// Placeholders are what Cognito replaces in a message. AWS recommends to take them from
// the event.
type Placeholders struct {
	// Code stands for the code, or the temporary password.
	Code string
	// UserName stands for the name in an invitation; other messages have none.
	UserName string
}

// Message is one in the form that Cognito takes. Cognito sends HTML alone: there is no
// field for a plain text.
type Message struct {
	Subject string
	HTML    string
	SMS     string
}

// texts are the file of a language.
type texts struct {
	CodeLabel, PasswordLabel, UserLabel, Footer string
	Kinds                                       map[string]wording
}

// wording is what differs between the kinds.
type wording struct{ Subject, Heading, Lead, Note, SMS string }

// branding is a copy of the platform's settings.json; a rule compares the two.
type branding struct {
	Name        string
	Light, Dark map[string]string
}

//go:embed layout.html branding.json texts/*.json
var files embed.FS

// read reads a file of this package. It is done per call, so that nothing is done at a
// cold start; a call reads one language.
func read(name string, into any) error {
	raw, err := files.ReadFile(name)
	if err != nil {
		return errors.New("custommessage: a file is missing")
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("json.Unmarshal: %w", err)
	}
	return nil
}

// Write writes a message. An error means that Cognito would not accept it.
func Write(kind Kind, language string, p Placeholders) (Message, error) {
	var t texts
	if err := read("texts/"+language+".json", &t); err != nil {
		return Message{}, err
	}
	var b branding
	if err := read("branding.json", &b); err != nil {
		return Message{}, err
	}
	w, ok := t.Kinds[strings.TrimPrefix(string(kind), source)]
	if !ok || !strings.HasPrefix(string(kind), source) {
		return Message{}, errors.New("custommessage: not a trigger source of CustomMessage")
	}
	layout, err := files.ReadFile("layout.html")
	if err != nil {
		return Message{}, errors.New("custommessage: the layout is missing")
	}
	label := t.CodeLabel
	if kind == invitation {
		label = t.PasswordLabel
	}
	fill := filler(b, p)
	m := Message{Subject: fill.Replace(w.Subject), SMS: fill.Replace(w.SMS)}
	page := append(colours("light", b.Light), colours("dark", b.Dark)...)
	for slot, words := range map[string]string{
		"lang": language, "name": b.Name, "subject": m.Subject, "heading": fill.Replace(w.Heading), "lead": fill.Replace(w.Lead),
		"note": fill.Replace(w.Note), "footer": fill.Replace(t.Footer), "userLabel": t.UserLabel, "codeLabel": label,
		"code": p.Code, "username": p.UserName,
	} {
		page = append(page, "{{"+slot+"}}", html.EscapeString(words))
	}
	m.HTML = strings.NewReplacer(page...).Replace(forKind(string(layout), kind))
	return m, m.check(kind, p)
}

// filler replaces what texts contain.
func filler(b branding, p Placeholders) *strings.Replacer {
	return strings.NewReplacer("{{name}}", b.Name, "{{code}}", p.Code, "{{username}}", p.UserName)
}

// colours are the slots of a scheme, with their values.
func colours(scheme string, values map[string]string) []string {
	var out []string
	for role, value := range values {
		out = append(out, "{{"+scheme+"."+role+"}}", html.EscapeString(value))
	}
	return out
}

// forKind keeps or removes the part of the layout that only an invitation has.
func forKind(layout string, kind Kind) string {
	before, rest, _ := strings.Cut(layout, "<!-- invitation\n")
	part, after, _ := strings.Cut(rest, "-->\n")
	if kind == invitation {
		return before + part + after
	}
	return before + after
}

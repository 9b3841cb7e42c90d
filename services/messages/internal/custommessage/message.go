package custommessage

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"gatehouse.example/services/messages/internal/layout"
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

//go:embed texts/*.json
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
func Write(kind Kind, lang string, p Placeholders) (Message, error) {
	var t texts
	if err := read("texts/"+lang+".json", &t); err != nil {
		return Message{}, err
	}
	b, err := layout.ReadBranding()
	if err != nil {
		return Message{}, fmt.Errorf("layout.ReadBranding: %w", err)
	}
	w, ok := t.Kinds[strings.TrimPrefix(string(kind), source)]
	if !ok || !strings.HasPrefix(string(kind), source) {
		return Message{}, errors.New("custommessage: not a trigger source of CustomMessage")
	}
	label, parts := t.CodeLabel, []layout.Part{layout.Code}
	if kind == invitation {
		label, parts = t.PasswordLabel, append(parts, layout.Detail)
	}
	fill := strings.NewReplacer("{{name}}", b.Name, "{{code}}", p.Code, "{{username}}", p.UserName)
	m := Message{Subject: fill.Replace(w.Subject), SMS: fill.Replace(w.SMS)}
	m.HTML, err = b.HTML(map[string]string{
		"lang": lang, "subject": m.Subject, "heading": fill.Replace(w.Heading), "lead": fill.Replace(w.Lead), "note": fill.Replace(w.Note),
		"footer": fill.Replace(t.Footer), "detailLabel": t.UserLabel, "detail": p.UserName, "codeLabel": label, "code": p.Code,
	}, parts...)
	if err != nil {
		return Message{}, fmt.Errorf("layout.HTML: %w", err)
	}
	return m, m.check(kind, p)
}

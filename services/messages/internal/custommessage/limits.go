package custommessage

import (
	"errors"
	"html"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What Cognito accepts
// (https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_MessageTemplateType.html,
// https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-lambda-custom-message.html).
const (
	longestMail    = 20_000
	longestSubject = 140
	longestSMS     = 140
)

var (
	errLength      = errors.New("custommessage: longer than Cognito accepts")
	errCharacter   = errors.New("custommessage: a character that Cognito does not accept")
	errPlaceholder = errors.New("custommessage: the placeholders are not those that Cognito needs")
)

// check reports a message that Cognito would not accept. Placeholders that escaping
// changes would not be found by Cognito.
func (m Message) check(kind Kind, p Placeholders) error {
	switch {
	case utf8.RuneCountInString(m.HTML) > longestMail, utf8.RuneCountInString(m.SMS) > longestSMS, utf8.RuneCountInString(m.Subject) > longestSubject:
		return errLength
	case strings.ContainsFunc(m.HTML+m.SMS+m.Subject, refused), !utf8.ValidString(m.HTML + m.SMS):
		return errCharacter
	case !placed(m, p.Code), kind == invitation && !placed(m, p.UserName):
		return errPlaceholder
	}
	return nil
}

// refused reports a character outside of [\p{L}\p{M}\p{S}\p{N}\p{P}\s], such as a space that
// is not ASCII, or an invisible character: Cognito answers with a validation error
// (https://github.com/aws/aws-lambda-go/issues/330).
func refused(r rune) bool {
	if r < unicode.MaxASCII { // without DEL
		return r < ' ' && !strings.ContainsRune("\t\n\v\f\r", r)
	}
	return !unicode.In(r, unicode.L, unicode.M, unicode.S, unicode.N, unicode.P)
}

// placed reports whether a placeholder is in the mail and in the text message.
func placed(m Message, placeholder string) bool {
	return placeholder != "" && html.EscapeString(placeholder) == placeholder &&
		strings.Contains(m.HTML, placeholder) && strings.Contains(m.SMS, placeholder)
}

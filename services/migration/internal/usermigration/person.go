package usermigration

import (
	"context"
	"errors"
	"maps"
	"regexp"
	"unicode/utf8"
)

// Person is a user of the old system.
type Person struct {
	// Attributes are what the pool stores of them, as Cognito names them.
	Attributes map[string]string
	// Verified says that the old system has proved the address to be theirs.
	Verified bool
}

// Source is the old system, or what was exported of it.
type Source interface {
	// SignIn returns the person with this address and password, or ErrRefused.
	SignIn(ctx context.Context, address, password string) (Person, error)
	// Find returns the person with this address, or ErrRefused.
	Find(ctx context.Context, address string) (Person, error)
}

// ErrRefused is the one error of a wrong password and of an address that nobody has.
var ErrRefused = errors.New("usermigration: refused")

// ErrBadPerson is the error of a person that Cognito would not take, or who would be
// somebody else.
var ErrBadPerson = errors.New("usermigration: the old system gave attributes that no user may have")

const (
	maxAttributes = 50
	maxValue      = 2048
)

// attributeName is a custom attribute or one of the standard ones of OpenID Connect that a
// person may have from elsewhere. The address is not among them: it is what was typed.
var attributeName = regexp.MustCompile(`^(custom:[\w.-]{1,20}|name|given_name|family_name|middle_name|nickname|preferred_username|profile|picture|website|gender|birthdate|zoneinfo|locale|phone_number|address)$`)

// stored are the attributes of the user that Cognito makes. The address is the one that
// was typed, whatever the old system says: with another one the person would get the
// account of somebody else.
func stored(p Person, address string) (map[string]string, error) {
	out := map[string]string{"email": address}
	if p.Verified {
		out["email_verified"] = "true"
	}
	given := maps.Clone(p.Attributes)
	if theirs, is := Address(given["email"]); given["email"] != "" && (!is || theirs != address) {
		return nil, ErrBadPerson
	}
	delete(given, "email")
	if len(given) > maxAttributes {
		return nil, ErrBadPerson
	}
	for name, value := range given {
		if !attributeName.MatchString(name) || !utf8.ValidString(value) || utf8.RuneCountInString(value) > maxValue {
			return nil, ErrBadPerson
		}
		out[name] = value
	}
	return out, nil
}

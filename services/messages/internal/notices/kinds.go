package notices

import (
	"encoding/json"

	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
)

// Kind is what a mail is about.
type Kind string

// The mails. All but the first are security notices.
const (
	Welcome       Kind = "Welcome"
	NewDevice     Kind = "NewDevice"
	Password      Kind = "Password"
	Details       Kind = "Details"
	SignInMethods Kind = "SignInMethods"
)

// Kinds are all mails.
func Kinds() []Kind { return []Kind{Welcome, NewDevice, Password, Details, SignInMethods} }

// kindOf is the mail about an event. If there is none, dropped says why, or is empty for
// the events that no mail is about.
func kindOf(ev event.Event) (kind Kind, dropped string, err error) {
	var d struct {
		Via       string `json:"via"`
		NewDevice bool   `json:"newDevice"`
		How       string `json:"how"`
		Change    string `json:"change"`
	}
	if json.Unmarshal(ev.Data(), &d) != nil {
		return "", "", anotherShape
	}
	if contracts.IsSynthetic(ev) {
		return "", "synthetic", nil
	}
	switch ev.Type() {
	case contracts.TypeUserCreated:
		if d.Via == contracts.ViaAdmin {
			return "", "invited", nil // Cognito has mailed an invitation
		}
		return Welcome, "", nil
	case contracts.TypeSigninSucceeded:
		if d.NewDevice {
			return NewDevice, "", nil
		}
	case contracts.TypePasswordReset:
		return Password, "", nil
	case contracts.TypePasswordChanged:
		if d.How == "invalidated" {
			return "", "code_sent", nil // Cognito has mailed a code for a new one
		}
		return Password, "", nil
	case contracts.TypeAttributesChanged:
		if d.Change == "linked" || d.Change == "unlinked" {
			return SignInMethods, "", nil
		}
		return Details, "", nil
	case contracts.TypeMFAChanged:
		return SignInMethods, "", nil
	}
	return "", "", nil
}

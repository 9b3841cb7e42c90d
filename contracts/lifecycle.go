package contracts

import (
	"errors"
	"strings"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/uuid"
)

// The events that are made from CloudTrail's records: what happens to an account or to the
// pool itself. Their id is that of the record.
const (
	TypeUserDeleted       = "gatehouse.user.deleted.v1"
	TypeUserDisabled      = "gatehouse.user.disabled.v1"
	TypeUserEnabled       = "gatehouse.user.enabled.v1"
	TypeAttributesChanged = "gatehouse.user.attributes.changed.v1"
	TypePasswordChanged   = "gatehouse.user.password.changed.v1"
	TypeMFAChanged        = "gatehouse.user.mfa.changed.v1"
	TypeGroupAdded        = "gatehouse.user.group.added.v1"
	TypeGroupRemoved      = "gatehouse.user.group.removed.v1"
	TypeSignedOut         = "gatehouse.user.signedout.v1"
	TypePoolChanged       = "gatehouse.pool.changed.v1"
	TypeTokenIssued       = "gatehouse.client.token.issued.v1"
	TypeTokenRefused      = "gatehouse.client.token.refused.v1"
)

// Who did something.
const (
	ByUser    = "user"
	ByRole    = "role"
	ByIAMUser = "iam-user"
	ByRoot    = "root"
	ByService = "service"
)

// By is who did something, without a person's name.
type By struct {
	// Kind is one of ByUser, ByRole, ByIAMUser, ByRoot and ByService.
	Kind string `json:"kind"`
	// Name is a role's name, the id of an IAM user, or a service's host; see [IsActorName].
	Name string `json:"name,omitempty"`
}

// AccountChanged is the data of [TypeUserDeleted], [TypeUserDisabled], [TypeUserEnabled]
// and [TypeSignedOut].
type AccountChanged struct {
	By By `json:"by"`
}

// AttributesChanged is the data of [TypeAttributesChanged]. Nothing says which attribute
// changed: Cognito hides names and values from CloudTrail.
type AttributesChanged struct {
	By By `json:"by"`
	// Change is updated, verified, deleted, linked or unlinked.
	Change string `json:"change"`
}

// PasswordChanged is the data of [TypePasswordChanged].
type PasswordChanged struct {
	By By `json:"by"`
	// How is changed, set or invalidated.
	How string `json:"how"`
}

// MFAChanged is the data of [TypeMFAChanged].
type MFAChanged struct {
	By By `json:"by"`
	// Change is preference, software-token, passkey-added or passkey-removed.
	Change string `json:"change"`
}

// GroupChanged is the data of [TypeGroupAdded] and [TypeGroupRemoved].
type GroupChanged struct {
	By By `json:"by"`
	// Group is empty if its name is not one of [IsGroupName].
	Group string `json:"group,omitempty"`
}

// PoolChanged is the data of [TypePoolChanged].
type PoolChanged struct {
	By By `json:"by"`
	// Change is a stable word for what was changed, such as client-secret.
	Change string `json:"change"`
	// Operation is Cognito's name of the call, such as AddUserPoolClientSecret.
	Operation string `json:"operation"`
}

// TokenIssued is the data of [TypeTokenIssued]; it has no fields yet.
type TokenIssued struct{}

// TokenRefused is the data of [TypeTokenRefused].
type TokenRefused struct {
	// Reason is an error code of OAuth 2.0 with hyphens, or throttled, server-error or
	// unspecified.
	Reason string `json:"reason"`
}

// NewUserDeleted makes an event of [TypeUserDeleted].
func NewUserDeleted(a Act, d AccountChanged) (event.Event, error) {
	return ofUser(TypeUserDeleted, a, d.By, d)
}

// NewUserDisabled makes an event of [TypeUserDisabled].
func NewUserDisabled(a Act, d AccountChanged) (event.Event, error) {
	return ofUser(TypeUserDisabled, a, d.By, d)
}

// NewUserEnabled makes an event of [TypeUserEnabled].
func NewUserEnabled(a Act, d AccountChanged) (event.Event, error) {
	return ofUser(TypeUserEnabled, a, d.By, d)
}

// NewSignedOut makes an event of [TypeSignedOut].
func NewSignedOut(a Act, d AccountChanged) (event.Event, error) {
	return ofUser(TypeSignedOut, a, d.By, d)
}

// NewAttributesChanged makes an event of [TypeAttributesChanged].
func NewAttributesChanged(a Act, d AttributesChanged) (event.Event, error) {
	return ofUser(TypeAttributesChanged, a, d.By, d)
}

// NewPasswordChanged makes an event of [TypePasswordChanged].
func NewPasswordChanged(a Act, d PasswordChanged) (event.Event, error) {
	return ofUser(TypePasswordChanged, a, d.By, d)
}

// NewMFAChanged makes an event of [TypeMFAChanged].
func NewMFAChanged(a Act, d MFAChanged) (event.Event, error) {
	return ofUser(TypeMFAChanged, a, d.By, d)
}

// NewGroupAdded makes an event of [TypeGroupAdded].
func NewGroupAdded(a Act, d GroupChanged) (event.Event, error) { return ofGroup(TypeGroupAdded, a, d) }

// NewGroupRemoved makes an event of [TypeGroupRemoved].
func NewGroupRemoved(a Act, d GroupChanged) (event.Event, error) {
	return ofGroup(TypeGroupRemoved, a, d)
}

// NewPoolChanged makes an event of [TypePoolChanged]. a.ClientID is the app client that was
// changed.
func NewPoolChanged(a Act, d PoolChanged) (event.Event, error) {
	if a.Subject != "" || a.Synthetic {
		return event.Event{}, errors.New("contracts: a change of the pool has no subject")
	}
	return ofRecord(TypePoolChanged, a, d.By, d)
}

// NewTokenIssued makes an event of [TypeTokenIssued].
func NewTokenIssued(a Act) (event.Event, error) {
	if a.ClientID == "" {
		return event.Event{}, errors.New("contracts: a token needs a client")
	}
	return ofToken(TypeTokenIssued, a, TokenIssued{})
}

// NewTokenRefused makes an event of [TypeTokenRefused].
func NewTokenRefused(a Act, d TokenRefused) (event.Event, error) {
	return ofToken(TypeTokenRefused, a, d)
}

func ofUser(typ string, a Act, by By, data any) (event.Event, error) {
	if a.Subject == "" {
		return event.Event{}, errors.New("contracts: what happened to a user needs a subject")
	}
	a.ClientID = "" // a record of a user's act names none
	return ofRecord(typ, a, by, data)
}

func ofGroup(typ string, a Act, d GroupChanged) (event.Event, error) {
	if d.Group != "" && !IsGroupName(d.Group) {
		return event.Event{}, errors.New("contracts: the name of the group is not well-formed")
	}
	return ofUser(typ, a, d.By, d)
}

func ofToken(typ string, a Act, data any) (event.Event, error) {
	if a.Subject != "" || a.Synthetic {
		return event.Event{}, errors.New("contracts: a token of a client has no subject")
	}
	return ofRecord(typ, a, By{Kind: ByUser}, data)
}

func ofRecord(typ string, a Act, by By, data any) (event.Event, error) {
	switch by.Kind {
	case ByUser, ByRole, ByIAMUser, ByRoot, ByService:
	default:
		return event.Event{}, errors.New("contracts: unknown kind of actor")
	}
	switch {
	case by.Name != "" && !IsActorName(by.Name):
		return event.Event{}, errors.New("contracts: the name of the actor is not well-formed")
	case a.ID == "":
		return event.Event{}, errors.New("contracts: what a record says needs the id of the record")
	}
	return newEvent(typ, a, data)
}

// isName reports whether s has 1 to 128 letters, digits, underscores and others. It is not a
// regular expression, because every trigger would compile that at its start.
func isName(s, others string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"
	return s != "" && len(s) <= 128 && strings.Trim(s, letters+others) == ""
}

// IsGroupName reports whether the name of a group may be published: Cognito admits almost
// every text, an address included.
func IsGroupName(s string) bool { return isName(s, ".-") }

// IsActorName reports whether the name of a role, the id of an IAM user or the host of a
// service may be published: what IAM admits in a role's name, except the @.
func IsActorName(s string) bool { return isName(s, "+=,.-") }

// IsSub reports whether s can be a user's sub, and nothing else, such as an address or a
// part of a query. It accepts what events may have; see [IsCognitoSub].
func IsSub(s string) bool { return s != "" && isSub(s) }

// IsCognitoSub reports whether s has the form of Cognito's own subs, a UUID. It is stricter
// than [IsSub], for texts that a person may have typed: a name in one word passes IsSub.
func IsCognitoSub(s string) bool { return len(s) == 36 && uuid.Validate(s) == nil }

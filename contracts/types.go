package contracts

// The event types that Gatehouse publishes. A change that would break a reader
// gets a new type with the suffix .v2 next to the old one.
const (
	TypeSignupAllowed   = "gatehouse.user.signup.allowed.v1"
	TypeSignupRejected  = "gatehouse.user.signup.rejected.v1"
	TypeUserCreated     = "gatehouse.user.created.v1"
	TypePasswordReset   = "gatehouse.user.password.reset.v1"
	TypeSigninAttempted = "gatehouse.user.signin.attempted.v1"
	TypeSigninSucceeded = "gatehouse.user.signin.succeeded.v1"
	TypeSigninFailed    = "gatehouse.user.signin.failed.v1"
	TypeAppEvent        = "gatehouse.app.event.v1"
)

// Types lists every event type, in the order of the catalogue.
func Types() []string {
	return []string{
		TypeSignupAllowed, TypeSignupRejected, TypeUserCreated,
		TypePasswordReset, TypeSigninAttempted, TypeSigninSucceeded, TypeSigninFailed,
		TypeChallengeSent, TypeChallengePassed, TypeChallengeFailed,
		TypeUserDeleted, TypeUserDisabled, TypeUserEnabled, TypeAttributesChanged, TypePasswordChanged,
		TypeMFAChanged, TypeGroupAdded, TypeGroupRemoved, TypeSignedOut,
		TypePoolChanged, TypeTokenIssued, TypeTokenRefused, TypeAppEvent,
		TypeSecurityFinding,
	}
}

// How a user is created.
const (
	ViaSignup     = "signup"
	ViaAdmin      = "admin"
	ViaFederation = "federation"
	ViaMigration  = "migration"
)

// SignupAllowed is the data of [TypeSignupAllowed]: the address passed every
// rule. The user does not exist yet: Cognito may still refuse.
type SignupAllowed struct {
	// Via is one of ViaSignup, ViaAdmin and ViaFederation.
	Via string `json:"via"`
	// Domain is the registered domain of the address in lower-case ASCII; empty if there
	// was no address.
	Domain string `json:"domain,omitempty"`
	// Relay is set for privacy relays such as Apple's and Firefox's.
	Relay bool `json:"relay,omitempty"`
	// ListVersion is the date of the disposable-domain list, as YYYY-MM-DD.
	ListVersion string `json:"listVersion"`
}

// SignupRejected is the data of [TypeSignupRejected].
type SignupRejected struct {
	Via string `json:"via"`
	// Domain is empty if the address had no well-formed domain.
	Domain string `json:"domain,omitempty"`
	// Reason is a stable code of signup-guard's refusal table.
	Reason string `json:"reason"`
	// Rule names the rule that refused, such as "disposable-list".
	Rule        string `json:"rule"`
	ListVersion string `json:"listVersion"`
}

// UserCreated is the data of [TypeUserCreated].
type UserCreated struct {
	// Via is one of ViaSignup, ViaAdmin, ViaFederation and ViaMigration.
	Via string `json:"via"`
}

// PasswordReset is the data of [TypePasswordReset]; it has no fields yet.
type PasswordReset struct{}

// SigninAttempted is the data of [TypeSigninAttempted]. An attempt is not a
// failure: the user only started to sign in.
type SigninAttempted struct {
	// UserNotFound reports an unknown user. Cognito sets it if the app client
	// prevents user-existence errors.
	UserNotFound bool `json:"userNotFound,omitempty"`
}

// SigninSucceeded is the data of [TypeSigninSucceeded]. Cognito fires the
// trigger before it issues tokens.
type SigninSucceeded struct {
	NewDevice bool `json:"newDevice,omitempty"`
	// Via is ViaFederation for the first sign-in of a federated user, which
	// Cognito reports to PostConfirmation only; otherwise it is empty.
	Via string `json:"via,omitempty"`
}

// Who sent an app event: the holder of a guest's or of a user's credentials.
const (
	WhoGuest = "guest"
	WhoUser  = "user"
)

// AppEvent is the data of [TypeAppEvent]: something that happened in an app. Only
// Who is known for certain. Nothing proves which guest or user sent it, so the
// event never has a subject.
type AppEvent struct {
	// Who is WhoGuest or WhoUser.
	Who string `json:"who"`
	// Name of what happened: words of [IsWord], joined by dots.
	Name string `json:"name"`
	// ClaimedAt is the time according to the app, in RFC 3339 and UTC.
	ClaimedAt string `json:"claimedAt,omitempty"`
	// Values are words, booleans, and integers of at most MaxAppNumber, by word.
	Values map[string]any `json:"values,omitempty"`
}

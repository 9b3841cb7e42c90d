package contracts

import "github.com/cloudevents/sdk-go/v2/event"

// The event types of a sign-in without a password. None of them has the code, the link or
// the address.
const (
	TypeChallengeSent   = "gatehouse.user.challenge.sent.v1"
	TypeChallengePassed = "gatehouse.user.challenge.passed.v1"
	TypeChallengeFailed = "gatehouse.user.challenge.failed.v1"
)

// ChallengeSent is the data of [TypeChallengeSent]: SES has accepted the mail.
type ChallengeSent struct {
	// Link reports whether the mail has a link next to the code.
	Link bool `json:"link,omitempty"`
}

// What a challenge was answered with.
const (
	WithCode = "code"
	WithLink = "link"
)

// ChallengePassed is the data of [TypeChallengePassed]: the answer was right, and Cognito
// was told to issue tokens.
type ChallengePassed struct {
	// With is WithCode or WithLink.
	With string `json:"with"`
}

// ChallengeFailed is the data of [TypeChallengeFailed]: no mail was sent, or an answer was
// refused.
type ChallengeFailed struct {
	// Reason is one of ChallengeReasons.
	Reason string `json:"reason"`
}

// The reasons of a failed challenge. They are stable codes.
const (
	// ChallengeUnknownUser is a user that does not exist. No mail was sent.
	ChallengeUnknownUser = "unknown-user"
	// ChallengeNoAddress is a user without a verified address, or one who has not confirmed
	// the sign-up. No mail was sent.
	ChallengeNoAddress = "no-verified-address"
	// ChallengeTooManyForUser is a request above the limit of one address. No mail was sent.
	ChallengeTooManyForUser = "too-many-for-address"
	// ChallengeTooManyForClient is a request above the limit of an app client. No mail was sent.
	ChallengeTooManyForClient = "too-many-for-client"
	// ChallengeLate is a mail that could not be sent before its code had expired.
	ChallengeLate = "sent-too-late"
	// ChallengeRefused is a mail that SES does not accept.
	ChallengeRefused = "mail-refused"
	// ChallengeWrong is a wrong code or link.
	ChallengeWrong = "wrong-answer"
	// ChallengeExpired is an answer after the code has expired.
	ChallengeExpired = "expired"
	// ChallengeUsed is an answer with a code or link that has signed somebody in before.
	ChallengeUsed = "used"
	// ChallengeTooManyAnswers is an answer after too many wrong ones.
	ChallengeTooManyAnswers = "too-many-answers"
)

// ChallengeReasons are all reasons of a failed challenge.
func ChallengeReasons() []string {
	return []string{
		ChallengeUnknownUser, ChallengeNoAddress, ChallengeTooManyForUser, ChallengeTooManyForClient, ChallengeLate,
		ChallengeRefused, ChallengeWrong, ChallengeExpired, ChallengeUsed, ChallengeTooManyAnswers,
	}
}

// NewChallengeSent makes an event of [TypeChallengeSent]. Its id should be derived from the
// challenge, so that a mail that is sent again is one event.
func NewChallengeSent(a Act, d ChallengeSent) (event.Event, error) {
	return newEvent(TypeChallengeSent, a, d)
}

// NewChallengePassed makes an event of [TypeChallengePassed].
func NewChallengePassed(a Act, d ChallengePassed) (event.Event, error) {
	return newEvent(TypeChallengePassed, a, d)
}

// NewChallengeFailed makes an event of [TypeChallengeFailed].
func NewChallengeFailed(a Act, d ChallengeFailed) (event.Event, error) {
	return newEvent(TypeChallengeFailed, a, d)
}

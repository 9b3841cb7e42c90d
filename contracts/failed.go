package contracts

import "github.com/cloudevents/sdk-go/v2/event"

// SigninFailed is the data of [TypeSigninFailed]. It is made from CloudTrail's record of
// the refusal, which AWS delivers minutes later and without a promise.
type SigninFailed struct {
	// Reason is one of FailureReasons.
	Reason string `json:"reason"`
	// Challenge is what was answered, such as "email-otp"; empty for the first step and
	// where the record does not tell.
	Challenge string `json:"challenge,omitempty"`
	// Via is ViaPage or ViaAPI.
	Via string `json:"via"`
}

// Where a user signs in: at Cognito's hosted pages, or in an app that calls the API.
const (
	ViaPage = "page"
	ViaAPI  = "api"
)

// The reasons of a failed sign-in. They are stable codes: docs and dashboards name them.
const (
	// FailedPassword is a wrong password, or a user that does not exist. Cognito gives both
	// one answer if the app client prevents user-existence errors.
	FailedPassword = "wrong-password-or-unknown-user"
	// FailedUnknownUser is a user that does not exist, where the app client reports it.
	FailedUnknownUser = "unknown-user"
	// FailedNotConfirmed is a user who has not confirmed the sign-up.
	FailedNotConfirmed = "not-confirmed"
	// FailedResetRequired is a user who has to set a new password first.
	FailedResetRequired = "reset-required"
	// FailedLockedOut is a user whose password was given wrongly too often.
	FailedLockedOut = "locked-out"
	// FailedDisabled is a user that an administrator disabled.
	FailedDisabled = "disabled"
	// FailedTemporaryPassword is a temporary password that was not used in time.
	FailedTemporaryPassword = "temporary-password-expired"
	// FailedNewPassword is a new password that the pool's policy refuses.
	FailedNewPassword = "new-password-refused"
	// FailedAlias is an address or name, given while signing in, that another user has.
	FailedAlias = "alias-taken"
	// FailedCodeWrong is a wrong code.
	FailedCodeWrong = "code-wrong"
	// FailedCodeExpired is a code that was not used in time.
	FailedCodeExpired = "code-expired"
	// FailedCodeUsed is a code of an authenticator app that was used before.
	FailedCodeUsed = "code-used"
	// FailedSessionExpired is an answer that came too late, three minutes by default.
	FailedSessionExpired = "session-expired"
	// FailedSessionInvalid is an answer to a challenge that was already answered.
	FailedSessionInvalid = "session-invalid"
	// FailedMFAMissing is a user without a second factor that could be used.
	FailedMFAMissing = "mfa-missing"
	// FailedThrottled is a request above the account's quota.
	FailedThrottled = "throttled"
	// FailedBlocked is a request that threat protection or the firewall refused.
	FailedBlocked = "blocked"
	// FailedByTrigger is a refusal by a trigger of the pool.
	FailedByTrigger = "refused-by-trigger"
	// FailedTrigger is a trigger that crashed, timed out or answered nonsense.
	FailedTrigger = "trigger-failed"
	// FailedClient is an app that asks for what its client may not do, or asks wrongly.
	FailedClient = "misconfigured-client"
	// FailedPool is a pool that may not send its messages, or is misconfigured otherwise.
	FailedPool = "misconfigured-pool"
	// FailedNotAllowed is a back end whose IAM role may not sign users in.
	FailedNotAllowed = "caller-not-allowed"
	// FailedService is an error inside of Cognito.
	FailedService = "service-error"
	// FailedUnspecified is a refusal whose record does not say why.
	FailedUnspecified = "unspecified"
)

// FailureReasons are all reasons of a failed sign-in.
func FailureReasons() []string {
	return []string{
		FailedPassword, FailedUnknownUser, FailedNotConfirmed, FailedResetRequired, FailedLockedOut, FailedDisabled,
		FailedTemporaryPassword, FailedNewPassword, FailedAlias, FailedCodeWrong, FailedCodeExpired, FailedCodeUsed,
		FailedSessionExpired, FailedSessionInvalid, FailedMFAMissing, FailedThrottled, FailedBlocked, FailedByTrigger,
		FailedTrigger, FailedClient, FailedPool, FailedNotAllowed, FailedService, FailedUnspecified,
	}
}

// Challenges are the words for the steps of a sign-in, by Cognito's names
// (https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_RespondToAuthChallenge.html).
func Challenges() map[string]string {
	return map[string]string{
		"ADMIN_NO_SRP_AUTH": "admin-no-srp-auth", "CUSTOM_CHALLENGE": "custom-challenge",
		"DEVICE_PASSWORD_VERIFIER": "device-password-verifier", "DEVICE_SRP_AUTH": "device-srp-auth", "EMAIL_OTP": "email-otp",
		"MFA_SETUP": "mfa-setup", "NEW_PASSWORD_REQUIRED": "new-password-required", "PASSWORD": "password",
		"PASSWORD_SRP": "password-srp", "PASSWORD_VERIFIER": "password-verifier", "SELECT_CHALLENGE": "select-challenge",
		"SELECT_MFA_TYPE": "select-mfa-type", "SMS_MFA": "sms-mfa", "SMS_OTP": "sms-otp",
		"SOFTWARE_TOKEN_MFA": "software-token-mfa", "WEB_AUTHN": "web-authn",
	}
}

// NewSigninFailed makes an event of [TypeSigninFailed]. Its id should be that of
// CloudTrail's record, so that copies of the record are one event.
func NewSigninFailed(a Act, d SigninFailed) (event.Event, error) {
	return newEvent(TypeSigninFailed, a, d)
}

package signinrecords

import (
	"slices"
	"strings"

	"gatehouse.example/contracts"
)

// Source says how sure a line of a table is.
type Source string

// The sources, the surest first. Nothing is 'seen on AWS' yet: docs/limits.md.
const (
	SeenOnAWS     Source = "seen on AWS"
	PublicCapture Source = "public capture"
	Documentation Source = "documentation"
	Inferred      Source = "inferred"
)

// weaker is the less sure of two sources.
func weaker(a, b Source) Source {
	order := []Source{SeenOnAWS, PublicCapture, Documentation, Inferred}
	return order[max(slices.Index(order, a), slices.Index(order, b))]
}

// Refusal is a line of the table of reasons: a record with this errorCode, and with this
// text in its errorMessage, is a failed sign-in for this reason.
type Refusal struct {
	Code string
	// Text is a part of the message, in lower case; a line without one matches every
	// other message of its code, so it comes last.
	Text   string
	Reason string
	Source Source
}

// Refusals are all reasons that records give. The first line that fits counts. The codes
// are those of the four calls in AWS's model of the API and in its documentation
// (https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_RespondToAuthChallenge.html#API_RespondToAuthChallenge_Errors).
// CloudTrail writes the message that the service gave; Cognito's messages are documented
// nowhere, and those marked as captures come from what other projects published.
func Refusals() []Refusal {
	return []Refusal{
		{"NotAuthorizedException", "incorrect username or password", contracts.FailedPassword, PublicCapture},
		{"NotAuthorizedException", "password attempts exceeded", contracts.FailedLockedOut, Documentation},
		{"NotAuthorizedException", "user is disabled", contracts.FailedDisabled, PublicCapture},
		{"NotAuthorizedException", "temporary password has expired", contracts.FailedTemporaryPassword, Inferred},
		{"NotAuthorizedException", "session is expired", contracts.FailedSessionExpired, PublicCapture},
		{"NotAuthorizedException", "invalid session", contracts.FailedSessionInvalid, PublicCapture},
		{"NotAuthorizedException", "because of security reasons", contracts.FailedBlocked, Inferred},
		{"NotAuthorizedException", "secret hash", contracts.FailedClient, Inferred},
		{"NotAuthorizedException", "", contracts.FailedUnspecified, Documentation},
		{"UserNotFoundException", "", contracts.FailedUnknownUser, Documentation},
		{"UserNotConfirmedException", "", contracts.FailedNotConfirmed, Documentation},
		{"PasswordResetRequiredException", "", contracts.FailedResetRequired, Documentation},
		{"InvalidPasswordException", "", contracts.FailedNewPassword, Documentation},
		{"PasswordHistoryPolicyViolationException", "", contracts.FailedNewPassword, Documentation},
		{"AliasExistsException", "", contracts.FailedAlias, Documentation},
		{"CodeMismatchException", "", contracts.FailedCodeWrong, PublicCapture},
		{"ExpiredCodeException", "already been used", contracts.FailedCodeUsed, PublicCapture},
		{"ExpiredCodeException", "", contracts.FailedCodeExpired, Documentation},
		{"EnableSoftwareTokenMFAException", "", contracts.FailedCodeWrong, Inferred},
		{"MFAMethodNotFoundException", "", contracts.FailedMFAMissing, Documentation},
		{"SoftwareTokenMFANotFoundException", "", contracts.FailedMFAMissing, Documentation},
		{"TooManyRequestsException", "", contracts.FailedThrottled, Documentation},
		{"ThrottlingException", "", contracts.FailedThrottled, Inferred},
		{"LimitExceededException", "", contracts.FailedThrottled, Inferred},
		{"ForbiddenException", "", contracts.FailedBlocked, Documentation},
		{"UserLambdaValidationException", "", contracts.FailedByTrigger, Documentation},
		{"UnexpectedLambdaException", "", contracts.FailedTrigger, Documentation},
		{"InvalidLambdaResponseException", "", contracts.FailedTrigger, Documentation},
		{"InvalidParameterException", "", contracts.FailedClient, PublicCapture},
		{"ResourceNotFoundException", "", contracts.FailedClient, Documentation},
		{"UnsupportedOperationException", "", contracts.FailedClient, Documentation},
		{"InvalidEmailRoleAccessPolicyException", "", contracts.FailedPool, Documentation},
		{"InvalidSmsRoleAccessPolicyException", "", contracts.FailedPool, Documentation},
		{"InvalidSmsRoleTrustRelationshipException", "", contracts.FailedPool, Documentation},
		{"InvalidUserPoolConfigurationException", "", contracts.FailedPool, Documentation},
		{"AccessDeniedException", "", contracts.FailedNotAllowed, Inferred},
		{"AccessDenied", "", contracts.FailedNotAllowed, Inferred},
		{"InternalErrorException", "", contracts.FailedService, Documentation},
	}
}

// refusalOf is the line for an error; not found if the table does not have its code.
func refusalOf(code, message string) (Refusal, bool) {
	message = strings.ToLower(message)
	for _, line := range Refusals() {
		if line.Code == code && strings.Contains(message, line.Text) {
			return line, true
		}
	}
	return Refusal{}, false
}

package signinrecords

import (
	"slices"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/cloudtrail"
)

// Name is a line of the table of records: what a record of this eventName is about.
// Upper and lower case differ, and both kinds of hosted pages occur in one account.
type Name struct {
	EventName string
	// Page is set for a request to the hosted pages.
	Page bool
	// Challenge is the step of the sign-in that a page is for, if the page's name shows it.
	Challenge string
	// Counted is set for a page that ends a sign-in with an identity provider. Such
	// records are counted and become no event: no source says what the record of a
	// failure looks like. Without the count, an environment whose people all come from a
	// provider would have attempts and no records, and an alarm would fire.
	Counted bool
	// Fails are the statuses of a page that refuse. A record with another known status,
	// and no errorCode, is a step that passed.
	Fails  []int
	Source Source
}

// The statuses that hosted pages answer with. AWS documents 200 and 302 only: 302 for
// each form that was accepted
// (https://docs.aws.amazon.com/cognito/latest/developerguide/understanding-amazon-cognito-entries.html).
const (
	statusPage      = 200
	statusOnward    = 302
	statusElsewhere = 303
)

// again are the statuses of a form that was not accepted: the page is shown once more,
// or the answer is an error.
func again() []int { return []int{statusPage, 400, 401, 403, 429, 500, 502, 503, 504} }

// refusal are the statuses of an error.
func refusal() []int { return again()[1:] }

// every are all known statuses, for a page that exists for errors only.
func every() []int { return append(again(), statusOnward, statusElsewhere) }

// Names are the records that this function reads. The rule in records.yaml selects them,
// and a test compares the two. There is no Get or List among them: the function's own
// calls must not feed it. AWS publishes the names of the pages, and no record of a form
// with a password
// (https://docs.aws.amazon.com/cognito/latest/developerguide/logging-using-cloudtrail.html).
func Names() []Name {
	return []Name{
		{EventName: "InitiateAuth", Source: PublicCapture},
		{EventName: "RespondToAuthChallenge", Source: PublicCapture},
		{EventName: "AdminInitiateAuth", Source: Documentation},
		{EventName: "AdminRespondToAuthChallenge", Source: Documentation},
		// The classic pages: one name for seeing the form and for sending it.
		{EventName: "CognitoAuthentication", Page: true, Fails: refusal(), Source: Inferred},
		{EventName: "Login_Error_POST", Page: true, Fails: every(), Source: Inferred},
		{EventName: "Mfa_POST", Page: true, Fails: again(), Source: Inferred},
		{EventName: "MfaOption_POST", Page: true, Fails: refusal(), Source: Inferred},
		// Managed login.
		{EventName: "login_POST", Page: true, Fails: again(), Source: Inferred},
		{EventName: "login_continue_POST", Page: true, Fails: refusal(), Source: Inferred},
		{EventName: "login_passkey_POST", Page: true, Challenge: "WEB_AUTHN", Fails: again(), Source: Inferred},
		{EventName: "selectChallenge_POST", Page: true, Fails: refusal(), Source: Inferred},
		{EventName: "verifyCode_POST", Page: true, Fails: again(), Source: Inferred},
		{EventName: "mfa_back_POST", Page: true, Fails: refusal(), Source: Inferred},
		{EventName: "mfa_options_POST", Page: true, Fails: refusal(), Source: Inferred},
		{EventName: "mfa_phone_register_POST", Page: true, Challenge: "MFA_SETUP", Fails: refusal(), Source: Inferred},
		{EventName: "mfa_phone_resendCode_POST", Page: true, Challenge: "SMS_MFA", Fails: refusal(), Source: Inferred},
		{EventName: "mfa_phone_verify_POST", Page: true, Challenge: "SMS_MFA", Fails: again(), Source: Inferred},
		{EventName: "mfa_totp_POST", Page: true, Challenge: "SOFTWARE_TOKEN_MFA", Fails: again(), Source: Inferred},
		// The answers of identity providers, by OpenID Connect, OAuth 2.0 and SAML.
		{EventName: "OAuth2Response_GET", Page: true, Counted: true, Source: Documentation},
		{EventName: "OAuth2Response_POST", Page: true, Counted: true, Source: Documentation},
		{EventName: "SAML2Response_POST", Page: true, Counted: true, Source: Documentation},
		{EventName: "Beta_SAML2Response_POST", Page: true, Counted: true, Source: Documentation},
	}
}

// statusReason is the reason that a page's status gives.
func statusReason(status int) string {
	switch {
	case status == 403:
		return contracts.FailedBlocked
	case status == 429:
		return contracts.FailedThrottled
	case status >= 500:
		return contracts.FailedService
	}
	return contracts.FailedUnspecified
}

// nameOf is the line of a record; not found if the table has no such name and kind.
func nameOf(r cloudtrail.Record) (Name, bool) {
	all := Names()
	at := slices.IndexFunc(all, func(n Name) bool { return n.EventName == r.Name && n.Page == r.Page })
	if at < 0 {
		return Name{}, false
	}
	return all[at], true
}

package accountrecords

import (
	"strings"

	"gatehouse.example/contracts"
)

// Provenance is how it is known what the records of an operation look like.
type Provenance string

// The kinds of provenance. A record that somebody saw on AWS becomes a fixture in
// testdata, and its row here says so.
const (
	Documented Provenance = "documentation"
	Captured   Provenance = "public capture" // a record, or code that reads such records, in a public repository
	SeenOnAWS  Provenance = "seen on AWS"
	Inferred   Provenance = "inferred" // from the API's parameters and the records that are known
)

// Row says what becomes of the successful records of an operation.
type Row struct {
	// Operation is CloudTrail's eventName.
	Operation string
	// Page is set for what browsers and machines request; the others are calls of the API.
	Page bool
	// Type is the event's type. It is empty if the operation is ignored, and Why says why.
	Type, Why string
	// Change is the word that the event has for what changed, where its type has several.
	Change string
	From   Provenance
}

// Why operations are ignored.
const (
	bySignIns  = "a sign-in, which signin-audit reads"
	byTrigger  = "a trigger announces it"
	nothingYet = "nothing has changed yet"
	oneDevice  = "one session or one device"
	feedback   = "an opinion on a sign-in"
	newPool    = "another pool"
	reads      = "it changes nothing"
	nobodyKnow = "no document says whose request it was, or whether it succeeded"
)

// Rows are all operations that are known, in the order of the README.
func Rows() []Row {
	var out []Row
	of := func(typ, change string, from Provenance, operations ...string) {
		for _, o := range operations {
			out = append(out, Row{Operation: o, Type: typ, Change: change, From: from})
		}
	}
	of(contracts.TypeUserCreated, "", Captured, "AdminCreateUser")
	of(contracts.TypeUserDeleted, "", Captured, "AdminDeleteUser", "DeleteUser")
	of(contracts.TypeUserDisabled, "", Inferred, "AdminDisableUser")
	of(contracts.TypeUserEnabled, "", Inferred, "AdminEnableUser")
	of(contracts.TypeAttributesChanged, "updated", Captured, "AdminUpdateUserAttributes", "UpdateUserAttributes")
	of(contracts.TypeAttributesChanged, "verified", Inferred, "VerifyUserAttribute")
	of(contracts.TypeAttributesChanged, "deleted", Inferred, "AdminDeleteUserAttributes", "DeleteUserAttributes")
	of(contracts.TypeAttributesChanged, "linked", Inferred, "AdminLinkProviderForUser")
	of(contracts.TypeAttributesChanged, "unlinked", Inferred, "AdminDisableProviderForUser")
	of(contracts.TypePasswordChanged, "changed", Inferred, "ChangePassword")
	of(contracts.TypePasswordChanged, "set", Inferred, "AdminSetUserPassword")
	of(contracts.TypePasswordChanged, "invalidated", Inferred, "AdminResetUserPassword")
	of(contracts.TypeMFAChanged, "preference", Inferred, "AdminSetUserMFAPreference", "AdminSetUserSettings", "SetUserMFAPreference", "SetUserSettings")
	of(contracts.TypeMFAChanged, "software-token", Inferred, "VerifySoftwareToken")
	of(contracts.TypeMFAChanged, "passkey-added", Inferred, "CompleteWebAuthnRegistration")
	of(contracts.TypeMFAChanged, "passkey-removed", Inferred, "DeleteWebAuthnCredential")
	of(contracts.TypeGroupAdded, "", Captured, "AdminAddUserToGroup")
	of(contracts.TypeGroupRemoved, "", Captured, "AdminRemoveUserFromGroup")
	of(contracts.TypeSignedOut, "", Inferred, "AdminUserGlobalSignOut", "GlobalSignOut")
	for _, pool := range [][]string{
		{"pool", "DeleteUserPool", "UpdateUserPool"},
		{"schema", "AddCustomAttributes"},
		{"client", "CreateUserPoolClient", "DeleteUserPoolClient", "UpdateUserPoolClient"},
		{"client-secret", "AddUserPoolClientSecret", "DeleteUserPoolClientSecret"},
		{"identity-provider", "CreateIdentityProvider", "DeleteIdentityProvider", "UpdateIdentityProvider"},
		{"mfa", "SetUserPoolMfaConfig"},
		{"domain", "CreateUserPoolDomain", "DeleteUserPoolDomain", "UpdateUserPoolDomain"},
		{"resource-server", "CreateResourceServer", "DeleteResourceServer", "UpdateResourceServer"},
		{"group", "CreateGroup", "DeleteGroup", "UpdateGroup"},
		{"branding", "CreateManagedLoginBranding", "DeleteManagedLoginBranding", "SetUICustomization", "UpdateManagedLoginBranding"},
		{"risk", "SetRiskConfiguration"},
		{"replica", "CreateUserPoolReplica", "DeleteUserPoolReplica", "UpdateUserPoolReplica"},
		{"terms", "CreateTerms", "DeleteTerms", "UpdateTerms"},
		{"log-delivery", "SetLogDeliveryConfiguration"},
		{"import", "CreateUserImportJob", "StartUserImportJob", "StopUserImportJob"},
		{"tags", "TagResource", "UntagResource"},
	} {
		of(contracts.TypePoolChanged, pool[0], Inferred, pool[1:]...)
	}
	return append(append(out, tokens()...), ignored()...)
}

// tokens are requests for a machine's token, and others at the same address. The type is
// that of a success.
func tokens() []Row {
	return []Row{
		{Operation: "Token_POST", Page: true, Type: contracts.TypeTokenIssued, From: Documented},
		{Operation: "Beta_Token_POST", Page: true, Type: contracts.TypeTokenIssued, From: Inferred},
	}
}

// ignored are the operations that no event is made of.
func ignored() []Row {
	var out []Row
	of := func(page bool, why, operations string) {
		for o := range strings.FieldsSeq(operations) {
			out = append(out, Row{Operation: o, Page: page, Why: why, From: Documented})
		}
	}
	of(false, bySignIns, "AdminInitiateAuth AdminRespondToAuthChallenge InitiateAuth RespondToAuthChallenge GetTokensFromRefreshToken")
	of(false, byTrigger, "AdminConfirmSignUp ConfirmForgotPassword ConfirmSignUp ForgotPassword SignUp")
	of(false, nothingYet, "AssociateSoftwareToken GetUserAttributeVerificationCode ResendConfirmationCode StartWebAuthnRegistration")
	of(false, oneDevice, "AdminForgetDevice AdminUpdateDeviceStatus ConfirmDevice ForgetDevice RevokeToken UpdateDeviceStatus")
	of(false, feedback, "AdminUpdateAuthEventFeedback UpdateAuthEventFeedback")
	of(false, newPool, "CreateUserPool")
	of(false, reads, "AdminGetDevice AdminGetUser AdminListDevices AdminListGroupsForUser AdminListUserAuthEvents IntrospectToken")
	// The pages, of both families: https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-info-in-cloudtrail.html
	of(true, bySignIns, `Beta_Authorize_GET CognitoAuthentication Login_Error_POST Login_GET Login_OIDC_SAML_POST
		Mfa_GET Mfa_POST MfaOption_GET MfaOption_POST OAuth2_Authorize_GET OAuth2Response_GET OAuth2Response_POST
		SAML2Response_POST Beta_SAML2Response_POST login_POST login_continue_POST login_passkey_POST mfa_back_POST
		mfa_options_POST mfa_phone_resendCode_POST mfa_phone_verify_POST mfa_totp_POST selectChallenge_POST`)
	of(true, byTrigger, `Confirm_GET Confirm_POST Confirm_With_Link_GET ConfirmForgotPassword_GET ConfirmForgotPassword_POST
		ForgotPassword_GET ForgotPassword_POST ResetPassword_GET ResetPassword_POST Signup_GET Signup_POST
		confirmUser_GET forgotPassword_POST signup_POST signup_confirm_POST verifyCode_POST`)
	of(true, nothingYet, "ResendCode_POST passkeys_add_GET")
	of(true, oneDevice, "Logout SAML2Logout_POST")
	of(true, nobodyKnow, "MfaRegister_GET MfaRegister_POST mfa_phone_register_POST passkeys_add_POST")
	of(true, feedback, "Event_Feedback_GET")
	of(true, reads, "Error_GET UserInfo_GET UserInfo_POST")
	return out
}

// isRead reports whether the name of an operation says that it changes nothing.
func isRead(operation string) bool {
	for _, verb := range []string{"Describe", "Get", "List"} {
		if strings.HasPrefix(operation, verb) {
			return true
		}
	}
	return false
}

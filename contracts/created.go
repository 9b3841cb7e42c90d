package contracts

// CreatedVia says how a user was created, by the status that Cognito shows
// (https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_UserType.html).
// It reports false for a user who was not created in the sense of [TypeUserCreated]: one
// who has not confirmed, or whose status is not known here.
//
// The status tells less than the trigger that was missed: a user that an administrator
// created, or who was imported, and who has set a password since, looks like a sign-up.
func CreatedVia(status string) (via string, created bool) {
	switch status {
	case "CONFIRMED", "RESET_REQUIRED":
		return ViaSignup, true
	case "EXTERNAL_PROVIDER":
		return ViaFederation, true
	case "FORCE_CHANGE_PASSWORD":
		return ViaAdmin, true
	}
	return "", false
}

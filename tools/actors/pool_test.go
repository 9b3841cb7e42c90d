package actors_test

import (
	"reflect"
	"strings"
	"testing"

	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/google/go-cmp/cmp"

	"gatehouse.example/tools/actors"
)

// notPassedBack are the settings of a pool that UpdateUserPool does not take, and why.
var notPassedBack = map[string]string{
	"AliasAttributes":           "fixed when the pool is created",
	"Arn":                       "Cognito's",
	"CreationDate":              "Cognito's",
	"CustomDomain":              "a resource of its own: CreateUserPoolDomain",
	"Domain":                    "a resource of its own: CreateUserPoolDomain",
	"EmailConfigurationFailure": "a state",
	"EstimatedNumberOfUsers":    "a state",
	"Id":                        "it is UserPoolId in the request",
	"LastModifiedDate":          "Cognito's",
	"MfaConfiguration":          "SetUserPoolMfaConfig sets it",
	"Name":                      "it is PoolName in the request",
	"SchemaAttributes":          "AddCustomAttributes adds to it",
	"SmsConfigurationFailure":   "a state",
	"Status":                    "no longer used",
	"UsernameAttributes":        "fixed when the pool is created",
	"UsernameConfiguration":     "fixed when the pool is created",
}

// A newer version of the SDK may know more settings. Each is passed back, or it is in the
// list above with the reason.
func TestPoolRequest_has_every_setting_of_the_SDK(t *testing.T) {
	t.Parallel()
	pool, request := reflect.TypeFor[types.UserPoolType](), reflect.TypeFor[cognito.UpdateUserPoolInput]()
	filled := map[string]any{}
	for _, f := range reflect.VisibleFields(pool) {
		filled[f.Name] = "x"
	}
	got := actors.PoolRequest(filled)
	for _, f := range reflect.VisibleFields(pool) {
		if !f.IsExported() {
			continue
		}
		in, taken := request.FieldByName(f.Name)
		switch reason := notPassedBack[f.Name]; {
		case reason != "" && got[f.Name] != nil:
			t.Errorf("%s is passed back, and the list says: %s", f.Name, reason)
		case reason == "" && !taken:
			t.Errorf("UpdateUserPool does not take %s: say in notPassedBack why it is not lost", f.Name)
		case reason == "" && in.Type != f.Type:
			t.Errorf("%s is a %s in the pool and a %s in the request", f.Name, f.Type, in.Type)
		case reason == "" && got[f.Name] == nil:
			t.Errorf("%s is not passed back, so Cognito would reset it", f.Name)
		}
	}
	for _, f := range reflect.VisibleFields(request) {
		if f.IsExported() && f.Name != "MfaConfiguration" && got[f.Name] == nil {
			t.Errorf("the request lacks %s: which setting of the pool is it?", f.Name)
		}
	}
}

// The MFA configuration is read and set as a whole.
func TestMFA_is_set_as_it_is_read(t *testing.T) {
	t.Parallel()
	set := reflect.TypeFor[cognito.SetUserPoolMfaConfigInput]()
	for _, f := range reflect.VisibleFields(reflect.TypeFor[cognito.GetUserPoolMfaConfigOutput]()) {
		if in, is := set.FieldByName(f.Name); f.IsExported() && f.Name != "ResultMetadata" && (!is || in.Type != f.Type) {
			t.Errorf("SetUserPoolMfaConfig does not take %s as GetUserPoolMfaConfig answers it", f.Name)
		}
	}
}

func TestPoolRequest(t *testing.T) {
	t.Parallel()
	object := func(more ...any) map[string]any {
		out := map[string]any{}
		for i := 0; i+1 < len(more); i += 2 {
			out[more[i].(string)] = more[i+1]
		}
		return out
	}
	for name, tc := range map[string]struct{ pool, want map[string]any }{
		"former_and_present_limit": {
			object("AdminCreateUserConfig", object("AllowAdminCreateUserOnly", false, "UnusedAccountValidityDays", 7.0),
				"Policies", object("PasswordPolicy", object("TemporaryPasswordValidityDays", 7.0))),
			object("AdminCreateUserConfig", object("AllowAdminCreateUserOnly", false),
				"Policies", object("PasswordPolicy", object("TemporaryPasswordValidityDays", 7.0))),
		},
		"former_limit_only": {
			object("AdminCreateUserConfig", object("UnusedAccountValidityDays", 30.0), "Policies", object("PasswordPolicy", object("MinimumLength", 8.0))),
			object("AdminCreateUserConfig", object("UnusedAccountValidityDays", 30.0), "Policies", object("PasswordPolicy", object("MinimumLength", 8.0))),
		},
		"former_and_present_texts": {
			object("EmailVerificationMessage", "{####}", "SmsVerificationMessage", "{####}", "VerificationMessageTemplate", object("EmailMessage", "{####}", "SmsMessage", "{####}")),
			object("VerificationMessageTemplate", object("EmailMessage", "{####}", "SmsMessage", "{####}")),
		},
		"former_texts_only": {
			object("EmailVerificationMessage", "{####}", "VerificationMessageTemplate", object("DefaultEmailOption", "CONFIRM_WITH_CODE")),
			object("EmailVerificationMessage", "{####}", "VerificationMessageTemplate", object("DefaultEmailOption", "CONFIRM_WITH_CODE")),
		},
		"tags_of_aws": {
			object("UserPoolTags", object("aws:cloudformation:stack-name", "a", "team", "b")),
			object("UserPoolTags", object("team", "b")),
		},
		"tags_of_aws_only":    {object("UserPoolTags", object("aws:cloudformation:stack-name", "a")), object()},
		"empty_configuration": {object("SmsConfiguration", object(), "AutoVerifiedAttributes", []any{}, "EmailConfiguration", object()), object()},
		"every_device_remembered": {
			object("DeviceConfiguration", object("ChallengeRequiredOnNewDevice", false, "DeviceOnlyRememberedOnUserPrompt", false)),
			object("DeviceConfiguration", object("ChallengeRequiredOnNewDevice", false, "DeviceOnlyRememberedOnUserPrompt", false)),
		},
		"mfa_and_schema": {object("MfaConfiguration", "OPTIONAL", "SchemaAttributes", []any{object("Name", "sub")}), object()},
	} {
		tc.pool["Id"], tc.pool["Name"] = "eu-central-1_a", "customers"
		tc.want["UserPoolId"], tc.want["PoolName"] = "eu-central-1_a", "customers"
		before := cmp.Diff(nil, tc.pool)
		if diff := cmp.Diff(tc.want, actors.PoolRequest(tc.pool)); diff != "" {
			t.Errorf("%s: (-want +got):\n%s", name, diff)
		}
		if after := cmp.Diff(nil, tc.pool); strings.Count(after, "\n") != strings.Count(before, "\n") {
			t.Errorf("%s: what was read is changed", name)
		}
	}
}

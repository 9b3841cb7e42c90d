package actors

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"strings"

	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
)

// PoolUpdate is PoolRequest for the SDK's types. A setting that the SDK does not know is
// not in it, so Cognito may reset it.
func PoolUpdate(pool types.UserPoolType) (*cognito.UpdateUserPoolInput, error) {
	var settings map[string]any
	// The members have the same names in Go and in JSON.
	if err := Convert(pool, &settings); err != nil {
		return nil, err
	}
	var in cognito.UpdateUserPoolInput
	if err := Convert(PoolRequest(settings), &in); err != nil {
		return nil, err
	}
	return &in, nil
}

// PoolRequest is the request that sets every setting of a user pool to what it is, made
// of what DescribeUserPool answers about the pool. Change one setting in it, because
// UpdateUserPool resets what is not in the request. So with the protection alone Cognito
// answers "All attributes in AttributesRequireVerificationBeforeUpdate must exist in
// AutoVerifiedAttributes" (ekristen/aws-nuke#477). Not passed back are
//   - what UpdateUserPool does not take, such as the attributes' schema;
//   - MfaConfiguration: with it Cognito requires a configuration of SMS, which a pool for
//     apps has not, and it is not reset without it (go-to-k/cdkd#2675);
//   - UnusedAccountValidityDays, which Cognito refuses besides its replacement in the
//     password policy (hashicorp/terraform-provider-aws#8845);
//   - the texts of messages that VerificationMessageTemplate contains too;
//   - AWS's own tags, which nobody else may set
//     (https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html);
//   - what is empty: a configuration of SMS without its role is not accepted.
func PoolRequest(settings map[string]any) map[string]any {
	out := map[string]any{"UserPoolId": settings["Id"], "PoolName": settings["Name"]}
	taken := reflect.TypeFor[cognito.UpdateUserPoolInput]()
	for name, value := range settings {
		if field, is := taken.FieldByName(name); is && field.IsExported() && name != "MfaConfiguration" {
			out[name] = copied(value)
		}
	}
	if tags, is := out["UserPoolTags"].(map[string]any); is {
		maps.DeleteFunc(tags, func(name string, _ any) bool { return strings.HasPrefix(strings.ToLower(name), "aws:") })
	}
	// The former limit of a temporary password, if the pool has the present one.
	if password := member(member(out["Policies"])["PasswordPolicy"]); isSet(password["TemporaryPasswordValidityDays"]) {
		delete(member(out["AdminCreateUserConfig"]), "UnusedAccountValidityDays")
	}
	// The former texts, if the pool has the present ones.
	texts := member(out["VerificationMessageTemplate"])
	for former, present := range map[string]string{
		"EmailVerificationMessage": "EmailMessage", "EmailVerificationSubject": "EmailSubject", "SmsVerificationMessage": "SmsMessage",
	} {
		if isSet(texts[present]) {
			delete(out, former)
		}
	}
	withoutEmpty(out)
	return out
}

// member is an object inside of a JSON object. A missing one has no members.
func member(value any) map[string]any {
	object, _ := value.(map[string]any)
	return object
}

// isSet reports whether a value is not the zero value of its kind.
func isSet(value any) bool {
	switch v := value.(type) {
	case nil:
		return false
	case string:
		return v != ""
	case float64:
		return v != 0
	case json.Number:
		return v != "0"
	}
	return true
}

// copied is a copy of a JSON value that shares no objects with it.
func copied(value any) any {
	switch v := value.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, below := range v {
			out[name] = copied(below)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, below := range v {
			out[i] = copied(below)
		}
		return out
	}
	return value
}

// Convert makes one type of another by their members' names, which are the same in
// templates, in answers of AWS and in the SDK.
func Convert(from, to any) error {
	raw, err := json.Marshal(from)
	if err != nil {
		return fmt.Errorf("json.Marshal: %w", err)
	}
	if err := json.Unmarshal(raw, to); err != nil {
		return fmt.Errorf("json.Unmarshal: %w", err)
	}
	return nil
}

// withoutEmpty removes what is not set, at any depth. It is nil if nothing is left.
func withoutEmpty(value any) any {
	switch v := value.(type) {
	case map[string]any:
		maps.DeleteFunc(v, func(_ string, below any) bool { return withoutEmpty(below) == nil })
		if len(v) == 0 {
			return nil
		}
	case []any:
		if len(v) == 0 {
			return nil
		}
	case string:
		if v == "" {
			return nil
		}
	}
	return value
}

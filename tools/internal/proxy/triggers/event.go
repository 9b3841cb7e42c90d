package triggers

import (
	"maps"
	"strings"

	"gatehouse.example/tools/internal/proxy/upstream"
)

// event is what a trigger receives: the shape of AWS's own payloads. A test compares it
// key by key with aws-lambda-go's events/testdata. Real pools send validationData as
// null when the caller gave none and omit clientMetadata
// (https://github.com/aws-powertools/powertools-lambda-typescript/pull/3729).
type event struct {
	Version       string        `json:"version"`
	Region        string        `json:"region"`
	UserPoolID    string        `json:"userPoolId"`
	UserName      string        `json:"userName"`
	CallerContext callerContext `json:"callerContext"`
	TriggerSource string        `json:"triggerSource"`
	Request       any           `json:"request"`
	Response      any           `json:"response"`
}

type callerContext struct {
	AWSSDKVersion string `json:"awsSdkVersion"`
	ClientID      string `json:"clientId"`
}

type preAuthenticationRequest struct {
	UserAttributes map[string]string `json:"userAttributes"`
	ValidationData map[string]string `json:"validationData"`
	UserNotFound   bool              `json:"userNotFound"`
}

type postAuthenticationRequest struct {
	UserAttributes map[string]string `json:"userAttributes"`
	NewDeviceUsed  bool              `json:"newDeviceUsed"`
	ClientMetadata map[string]string `json:"clientMetadata,omitempty"`
}

type postConfirmationRequest struct {
	UserAttributes map[string]string `json:"userAttributes"`
	ClientMetadata map[string]string `json:"clientMetadata,omitempty"`
}

type preSignUpRequest struct {
	UserAttributes map[string]string `json:"userAttributes"`
	ValidationData map[string]string `json:"validationData"`
	ClientMetadata map[string]string `json:"clientMetadata,omitempty"`
}

type preSignUpResponse struct {
	AutoConfirmUser bool `json:"autoConfirmUser"`
	AutoVerifyEmail bool `json:"autoVerifyEmail"`
	AutoVerifyPhone bool `json:"autoVerifyPhone"`
}

// adminClient is what AWS names as the client of a user that an administrator
// makes (https://github.com/localstack/localstack/issues/2964).
const adminClient = "CLIENT_ID_NOT_APPLICABLE"

// newEvent fills what every trigger's event has in common.
func newEvent(p upstream.Pool, source, clientID, userName string, request any) event {
	region, _, _ := strings.Cut(p.ID, "_")
	return event{
		Version:       "1",
		Region:        region,
		UserPoolID:    p.ID,
		UserName:      userName,
		CallerContext: callerContext{AWSSDKVersion: "aws-sdk-unknown-unknown", ClientID: clientID},
		TriggerSource: source,
		Request:       request,
		Response:      struct{}{},
	}
}

// attributesOf lists a user's attributes as triggers see them: Cognito adds the
// account's status (https://github.com/floci-io/floci/issues/3850).
func attributesOf(u upstream.User) map[string]string {
	attributes := maps.Clone(u.Attributes)
	if attributes == nil {
		attributes = map[string]string{}
	}
	if u.Status != "" {
		attributes["cognito:user_status"] = u.Status
	}
	return attributes
}

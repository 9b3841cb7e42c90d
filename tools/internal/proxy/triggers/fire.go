// Package triggers calls the functions that a user pool names, where the emulator does
// not: PreAuthentication, PostAuthentication, PostConfirmation, CustomMessage, UserMigration, and PreSignUp
// of users that an administrator creates. It also holds a new address back until its owner has
// proved it. Each file names its gap and what makes it superfluous.
package triggers

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"

	"gatehouse.example/tools/internal/proxy/upstream"
)

// Triggers calls the functions that a pool names, as Cognito does.
type Triggers struct {
	up         *upstream.Client
	timeout    time.Duration // of one attempt
	log        *slog.Logger
	operations map[string]upstream.Operation
	sent       sync.Map // from address to the value that a code was sent to
}

// New calls triggers by way of the emulator.
func New(up *upstream.Client, log *slog.Logger) *Triggers {
	t := &Triggers{up: up, timeout: timeout, log: log}
	t.operations = map[string]upstream.Operation{
		"InitiateAuth": t.initiateAuth, "AdminInitiateAuth": t.initiateAuth,
		"RespondToAuthChallenge": t.respondToChallenge, "AdminRespondToAuthChallenge": t.respondToChallenge,
		"ConfirmSignUp": t.confirmSignUp, "AdminConfirmSignUp": t.confirmSignUp,
		"ConfirmForgotPassword":            t.confirmForgotPassword,
		"ForgotPassword":                   t.forgotPassword,
		"AdminResetUserPassword":           t.codeSent("CustomMessage_ForgotPassword", upstream.ResetCode),
		"ResendConfirmationCode":           t.codeSent("CustomMessage_ResendCode", upstream.VerificationCode),
		recordMessage:                      t.unknown,
		migrateUser:                        t.unknown,
		"SignUp":                           t.signUp,
		"AdminCreateUser":                  t.adminCreateUser,
		"UpdateUserAttributes":             t.updateUserAttributes,
		"GetUserAttributeVerificationCode": t.sendCode,
		"VerifyUserAttribute":              t.verify,
	}
	return t
}

// Handler answers the calls that fire a trigger or prove an address; it is nil for every other request.
func (t *Triggers) Handler(r *http.Request) http.HandlerFunc {
	return t.up.Cognito(r, t.operations, t.log)
}

// forward passes a call on as it came.
func (t *Triggers) forward(ctx context.Context, c upstream.Call) *upstream.Answer {
	return t.up.Forward(ctx, c.Request, c.Body)
}

// Cognito gives a trigger five seconds and may call it more than once when no answer
// comes in time. A 5xx of Lambda's Invoke is not retried
// (https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-working-with-lambda-triggers.html).
const (
	timeout  = 5 * time.Second
	attempts = 3
)

// refused is the answer when the function itself returned an error.
func refused(trigger, text string) *upstream.CognitoError {
	return upstream.Refuse("UserLambdaValidationException", fmt.Sprintf("%s failed with error %s.", trigger, text))
}

// notInvoked is the answer when Lambda did not run the function to its end.
func notInvoked(trigger, reason string) *upstream.CognitoError {
	return upstream.Refuse("UnexpectedLambdaException", fmt.Sprintf("%s invocation failed due to error %s.", trigger, reason))
}

// fire calls the function that the pool names for the trigger; without one it does
// nothing. The error is always a *upstream.CognitoError.
func (t *Triggers) fire(ctx context.Context, p upstream.Pool, trigger string, ev event, trace string) error {
	_, err := t.answered(ctx, p, trigger, ev, trace)
	return err
}

// answered is fire with the function's answer.
func (t *Triggers) answered(ctx context.Context, p upstream.Pool, trigger string, ev event, trace string) ([]byte, error) {
	arn := p.Function(trigger)
	if arn == "" {
		return nil, nil
	}
	if err := t.allowed(ctx, p, trigger); err != nil {
		return nil, err
	}
	payload, err := json.Marshal(ev)
	if err != nil {
		return nil, notInvoked(trigger, "SerializationException")
	}
	for range attempts {
		answer, err := t.attempt(ctx, trigger, arn, payload, trace)
		if !errors.Is(err, context.DeadlineExceeded) {
			return answer, err
		}
		t.log.WarnContext(ctx, "trigger timed out", "trigger", trigger, "function", arn)
	}
	return nil, notInvoked(trigger, "Socket timeout while invoking Lambda function")
}

// attempt invokes the function once. A timeout is the one error that is not an
// *upstream.CognitoError.
func (t *Triggers) attempt(ctx context.Context, trigger, arn string, payload []byte, trace string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, t.timeout)
	defer cancel()
	res, err := t.up.Invoke(ctx, arn, "RequestResponse", trace, payload)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, context.DeadlineExceeded
	case err != nil:
		t.log.WarnContext(ctx, "trigger unreachable", "trigger", trigger, "error", err.Error())
		return nil, notInvoked(trigger, "ServiceException")
	case res.Status != http.StatusOK:
		return nil, notInvoked(trigger, cmp.Or(res.Err().Code, "ServiceException"))
	case res.Header.Get("X-Amz-Function-Error") != "":
		return nil, refused(trigger, functionError(res.Body, res.Header.Get("X-Amz-Function-Error")))
	}
	return res.Body, checkAnswer(res.Body)
}

// functionError is the text of a function's error: its message, which for a crash
// or a timeout is the one that the runtime writes.
func functionError(body []byte, kind string) string {
	var failure struct {
		Message string `json:"errorMessage"`
	}
	if err := json.Unmarshal(body, &failure); err != nil || strings.TrimSpace(failure.Message) == "" {
		return kind
	}
	return failure.Message
}

// checkAnswer refuses an answer that is not the event given back.
func checkAnswer(body []byte) error {
	if !json.Valid(body) {
		return upstream.Refuse("InvalidLambdaResponseException", "Invalid lambda function output : Invalid JSON")
	}
	var ev struct {
		Request  map[string]json.RawMessage `json:"request"`
		Response map[string]json.RawMessage `json:"response"`
	}
	if err := json.Unmarshal(body, &ev); err != nil || ev.Request == nil || ev.Response == nil {
		return upstream.Refuse("InvalidLambdaResponseException", "Unrecognizable lambda output")
	}
	return nil
}

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

type customMessageRequest struct {
	UserAttributes    map[string]string `json:"userAttributes"`
	CodeParameter     string            `json:"codeParameter"`
	UsernameParameter *string           `json:"usernameParameter"`
	ClientMetadata    map[string]string `json:"clientMetadata,omitempty"`
}

type customMessageResponse struct {
	SMSMessage   *string `json:"smsMessage"`
	EmailMessage *string `json:"emailMessage"`
	EmailSubject *string `json:"emailSubject"`
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
	attributes := map[string]string{}
	maps.Copy(attributes, u.Attributes)
	if u.Status != "" {
		attributes["cognito:user_status"] = u.Status
	}
	return attributes
}

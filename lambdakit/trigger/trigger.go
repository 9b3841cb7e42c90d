// Package trigger runs every Cognito trigger of Gatehouse: it reads the few fields
// that Gatehouse needs, calls the service's function, and answers with the bytes of
// the request.
//
// It ensures that no trigger breaks a sign-in. Cognito fails a person's request on
// any error of a trigger
// (https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-working-with-lambda-triggers.html),
// so only a [Refusal] and a payload that Cognito cannot have sent are returned as
// errors. Everything else, a panic included, is logged and ignored.
package trigger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/function"
	"gatehouse.example/lambdakit/language"
)

// Refusal is the one error that a person sees. Cognito shows its text, so it is
// short, plain and without internals.
type Refusal struct {
	// Code is stable and for programs.
	Code string
	// Text is for people.
	Text string
}

// Error is the text that Cognito passes on.
func (r Refusal) Error() string { return r.Text }

// Func does the work of one trigger. A Refusal turns the person away; any other
// error is logged and the person continues.
type Func func(ctx context.Context, call Call) error

// Handler is a lambda.Handler, because it must see and return raw bytes.
type Handler struct {
	Run Func
	Log *slog.Logger
	Now func() time.Time
}

// Invoke answers one call of Cognito.
func (h *Handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	call, err := Read(ctx, payload, h.Now())
	if err != nil {
		h.Log.ErrorContext(ctx, "payload is not a Cognito trigger event", "error", err.Error())
		return nil, fmt.Errorf("trigger: %w", err)
	}
	err = h.run(ctx, call)
	refusal, refused := asRefusal(err)
	switch {
	case refused:
		h.Log.InfoContext(ctx, "refused", "source", call.Source, "code", refusal.Code)
		return nil, refusal
	case err != nil:
		h.Log.ErrorContext(ctx, "forgiven", "source", call.Source, "error", err.Error())
	}
	return payload, nil
}

// asRefusal finds a Refusal in err, by value or by pointer. If a refusal were taken
// for another error, the person would be let in.
func asRefusal(err error) (Refusal, bool) {
	var value Refusal
	if errors.As(err, &value) {
		return value, true
	}
	var pointer *Refusal
	if errors.As(err, &pointer) && pointer != nil {
		return *pointer, true
	}
	return Refusal{}, false
}

// run turns a panic into an error, without its value, which may contain an address.
func (h *Handler) run(ctx context.Context, call Call) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("trigger: panic of type %T", p)
		}
	}()
	return h.Run(ctx, call)
}

// noClient is what Cognito sends if no app client is involved.
const noClient = "CLIENT_ID_NOT_APPLICABLE"

// Call is what Gatehouse reads of a trigger's payload. Nothing else is decoded.
type Call struct {
	// Source is the trigger source, such as PreSignUp_SignUp.
	Source string
	// UserName may be an address: it never leaves the function.
	UserName string
	// Attributes are the user's string attributes: they never leave the function.
	Attributes map[string]string
	// Language is that of the person: of the user's attribute locale, else of locale or lang
	// in the client's metadata, else English. Nothing else of the metadata is read.
	Language string
	// UserNotFound is set by PreAuthentication for an unknown user.
	UserNotFound bool
	// NewDevice is set by PostAuthentication.
	NewDevice bool
	// Act is where and when it happened, ready for an event.
	Act contracts.Act
}

// payload has the parameters that all triggers share. Fields that are missing or of
// another type are left empty, because AWS adds and moves fields.
type payload struct {
	TriggerSource string `json:"triggerSource"`
	Region        string `json:"region"`
	UserPoolID    string `json:"userPoolId"`
	UserName      string `json:"userName"`
	CallerContext struct {
		ClientID string `json:"clientId"`
	} `json:"callerContext"`
	Request struct {
		UserAttributes lenientStrings `json:"userAttributes"`
		UserNotFound   lenientBool    `json:"userNotFound"`
		NewDeviceUsed  lenientBool    `json:"newDeviceUsed"`
		ClientMetadata struct {
			Locale lenientString `json:"locale"`
			Lang   lenientString `json:"lang"`
		} `json:"clientMetadata"`
	} `json:"request"`
}

// Read reads a payload, for a trigger whose answer is not the payload itself.
func Read(ctx context.Context, raw []byte, now time.Time) (Call, error) {
	var p payload
	var otherType *json.UnmarshalTypeError
	// Decoding continues after a field of another type, so that is not an error.
	if err := json.Unmarshal(raw, &p); err != nil && !errors.As(err, &otherType) {
		// The text of a decoding error can quote the payload, so it is not passed on.
		return Call{}, errors.New("the payload is not JSON of the expected shape")
	}
	switch {
	case p.TriggerSource == "":
		return Call{}, errors.New("the payload has no triggerSource")
	case p.UserPoolID == "":
		return Call{}, errors.New("the payload has no userPoolId")
	}
	poolARN, err := poolARN(ctx, p.Region, p.UserPoolID)
	if err != nil {
		return Call{}, err
	}
	client := p.CallerContext.ClientID
	if client == noClient {
		client = ""
	}
	metadata := p.Request.ClientMetadata
	return Call{
		Source: p.TriggerSource, UserName: p.UserName, Attributes: p.Request.UserAttributes,
		Language:     language.Of(p.Request.UserAttributes["locale"], string(metadata.Locale), string(metadata.Lang)),
		UserNotFound: bool(p.Request.UserNotFound), NewDevice: bool(p.Request.NewDeviceUsed),
		Act: contracts.Act{
			PoolARN: poolARN, Subject: sub(p.Request.UserAttributes), ClientID: client,
			Time: now, TraceParent: function.TraceParent(ctx),
			Synthetic: contracts.IsSyntheticAddress(p.Request.UserAttributes["email"]),
		},
	}, nil
}

// sub is the user's sub, or empty. At sign-up the attributes are what the person
// typed, so only what has the form of Cognito's own subs may become a subject.
func sub(attributes map[string]string) string {
	if s := attributes["sub"]; contracts.IsCognitoSub(s) {
		return s
	}
	return ""
}

// poolARN makes the pool's ARN from the function's own: the function's policy allows
// only pools of its own account.
func poolARN(ctx context.Context, region, poolID string) (string, error) {
	lc, ok := lambdacontext.FromContext(ctx)
	if !ok {
		return "", errors.New("no Lambda context")
	}
	part := strings.Split(lc.InvokedFunctionArn, ":")
	if len(part) < 7 || part[0] != "arn" {
		return "", errors.New("the function's ARN is malformed")
	}
	if region == "" {
		region = part[3]
	}
	return fmt.Sprintf("arn:%s:cognito-idp:%s:%s:userpool/%s", part[1], region, part[4], poolID), nil
}

// lenientStrings keeps the string values of an object and drops the rest.
type lenientStrings map[string]string

// UnmarshalJSON never fails.
func (s *lenientStrings) UnmarshalJSON(raw []byte) error {
	var values map[string]json.RawMessage
	if json.Unmarshal(raw, &values) != nil {
		return nil
	}
	*s = make(lenientStrings, len(values))
	for name, value := range values {
		var text *string
		if json.Unmarshal(value, &text) == nil && text != nil {
			(*s)[name] = *text
		}
	}
	return nil
}

// lenientString is empty for everything that is not a text.
type lenientString string

// UnmarshalJSON never fails.
func (s *lenientString) UnmarshalJSON(raw []byte) error {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		*s = lenientString(text)
	}
	return nil
}

// lenientBool is false for everything that is not true.
type lenientBool bool

// UnmarshalJSON never fails.
func (b *lenientBool) UnmarshalJSON(raw []byte) error {
	*b = lenientBool(string(raw) == "true")
	return nil
}

package upstream

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
)

// CognitoTarget begins the X-Amz-Target of every call of the Cognito API.
const CognitoTarget = "AWSCognitoIdentityProviderService."

// VerificationCode is the code that the emulator takes at ConfirmSignUp.
const VerificationCode = "123456"

// ResetCode is the code that the emulator sends for a forgotten password.
const ResetCode = "654321"

// PublicOperations are the operations that Cognito answers without AWS credentials: "No
// authentication" and "Token authentication" in
// https://docs.aws.amazon.com/cognito/latest/developerguide/authentication-flows-public-server-side.html
func PublicOperations() []string {
	return []string{
		"AssociateSoftwareToken", "ChangePassword", "CompleteWebAuthnRegistration", "ConfirmDevice", "ConfirmForgotPassword",
		"ConfirmSignUp", "DeleteUser", "DeleteUserAttributes", "DeleteWebAuthnCredential", "ForgetDevice", "ForgotPassword",
		"GetDevice", "GetTokensFromRefreshToken", "GetUser", "GetUserAttributeVerificationCode", "GetUserAuthFactors",
		"GlobalSignOut", "InitiateAuth", "ListDevices", "ListWebAuthnCredentials", "ResendConfirmationCode",
		"RespondToAuthChallenge", "RevokeToken", "SetUserMFAPreference", "SetUserSettings", "SignUp",
		"StartWebAuthnRegistration", "UpdateAuthEventFeedback", "UpdateDeviceStatus", "UpdateUserAttributes",
		"VerifySoftwareToken", "VerifyUserAttribute",
	}
}

var errNoTokenUser = errors.New("the access token names no user")

// Call is one call of the Cognito API that a gap looks at.
type Call struct {
	Action  string
	Request *http.Request
	Body    []byte
	Trace   string
	// Input holds the fields that a gap decides by.
	Input struct {
		ClientID       string `json:"ClientId"`
		UserPoolID     string `json:"UserPoolId"`
		AuthFlow       string
		AuthParameters map[string]string
		Username       string
		AccessToken    string
		AttributeName  string
		Code           string
		MessageAction  string
		ClientMetadata map[string]string
		UserAttributes []Attribute
		ValidationData []Attribute
	}
}

// Admin reports whether the call is signed and names its pool itself.
func (c Call) Admin() bool { return strings.HasPrefix(c.Action, "Admin") }

// Operation answers one call of the Cognito API in the emulator's place. Of an error
// that is not a CognitoError, the caller learns only that there was one.
type Operation func(context.Context, Call) (*Answer, error)

// Cognito finds the operation of a call of the Cognito API; it returns nil for every
// other request.
func (c *Client) Cognito(r *http.Request, operations map[string]Operation, log *slog.Logger) http.HandlerFunc {
	action, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), CognitoTarget)
	operation := operations[action]
	if !ok || r.Method != http.MethodPost || operation == nil {
		return nil
	}
	return func(w http.ResponseWriter, r *http.Request) { c.operate(w, r, action, operation, log) }
}

// operate reads the call, runs the operation, and answers. The work continues when the
// caller hangs up, as it does on AWS: a trigger that has begun is not cancelled.
func (c *Client) operate(w http.ResponseWriter, r *http.Request, action string, operation Operation, log *slog.Logger) {
	ctx := context.WithoutCancel(r.Context())
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	if err != nil {
		if errors.As(err, new(*http.MaxBytesError)) {
			(&CognitoError{"SerializationException", "Request body is too large."}).write(w, nil)
		}
		return // otherwise the caller went away
	}
	call := Call{Action: action, Request: r, Body: body, Trace: r.Header.Get(TraceHeader)}
	if json.Unmarshal(body, &call.Input) != nil {
		c.Forward(ctx, r, body).Release(w) // the emulator has the error text
		return
	}
	reply, err := operation(ctx, call)
	if err == nil {
		reply.Release(w)
		return
	}
	var failure *CognitoError
	if !errors.As(err, &failure) {
		log.ErrorContext(ctx, "call not answered", "action", action, "error", err.Error())
		failure = &CognitoError{"InternalErrorException", "The local proxy could not read what this call needs."}
	}
	var from http.Header
	if reply != nil {
		from = reply.Header
	}
	failure.write(w, from)
}

// Claims are those of an access token that say whose it is.
type Claims struct {
	ClientID string `json:"client_id"`
	Username string `json:"username"`
	Sub      string `json:"sub"`
}

// Name is the user's name, or the sub of a token without one.
func (c Claims) Name() string {
	return cmp.Or(c.Username, c.Sub)
}

// AccessClaims reads a token that the emulator has made or checked.
func AccessClaims(token string) (Claims, error) {
	var c Claims
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return c, errNoTokenUser
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(payload, &c) != nil || c.Name() == "" {
		return Claims{}, errNoTokenUser
	}
	return c, nil
}

// Masked leaves the first letters of an address's two parts, as Cognito does.
func Masked(address string) string {
	at := strings.LastIndexByte(address, '@')
	if at < 1 || at == len(address)-1 {
		return "***"
	}
	return address[:1] + "***@" + address[at+1:at+2] + "***"
}

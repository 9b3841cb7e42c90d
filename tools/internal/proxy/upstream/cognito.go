package proxy

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
)

// cognitoBodyLimit is well above the largest request that Cognito accepts.
const cognitoBodyLimit = 1 << 20

// call is one call of the Cognito API that a gap looks at.
type call struct {
	action string
	body   []byte
	in     input
	trace  string
}

// input holds the request fields that decide about triggers.
type input struct {
	ClientID           string `json:"ClientId"`
	UserPoolID         string `json:"UserPoolId"`
	AuthFlow           string
	AuthParameters     map[string]string
	ChallengeResponses map[string]string
	Username           string
	AccessToken        string
	AttributeName      string
	Code               string
	MessageAction      string
	ClientMetadata     map[string]string
	UserAttributes     []attribute
	ValidationData     []attribute
}

// cognito finds the gap that a call of the Cognito API falls into, or nil.
func (h *handler) cognito(r *http.Request) http.HandlerFunc {
	action, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), cognitoTarget)
	if !ok || r.Method != http.MethodPost {
		return nil
	}
	var gap func(context.Context, *http.Request, call) (*answer, error)
	switch action {
	case "InitiateAuth", "AdminInitiateAuth":
		gap = h.initiateAuth
	case "RespondToAuthChallenge", "AdminRespondToAuthChallenge":
		gap = h.respondToChallenge
	case "ConfirmSignUp", "AdminConfirmSignUp":
		gap = h.confirmSignUp
	case "ConfirmForgotPassword":
		gap = h.confirmForgotPassword
	case "SignUp":
		gap = h.signUp
	case "AdminCreateUser":
		gap = h.adminCreateUser
	case "UpdateUserAttributes":
		gap = h.updateUserAttributes
	case "GetUserAttributeVerificationCode":
		gap = h.sendVerificationCode
	case "VerifyUserAttribute":
		gap = h.verifyUserAttribute
	default:
		return nil
	}
	return func(w http.ResponseWriter, r *http.Request) { h.inspect(w, r, action, gap) }
}

// inspect reads the call, lets its gap act, and answers. The work goes on when the
// caller hangs up, as it does on AWS: a trigger that has begun is not called off.
func (h *handler) inspect(w http.ResponseWriter, r *http.Request, action string,
	gap func(context.Context, *http.Request, call) (*answer, error),
) {
	ctx := context.WithoutCancel(r.Context())
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, cognitoBodyLimit))
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			(&cognitoError{"SerializationException", "Request body is too large."}).write(w, nil)
		}
		return // else the caller went away
	}
	c := call{action: action, body: body, trace: r.Header.Get(traceHeader)}
	if json.Unmarshal(body, &c.in) != nil {
		h.forward(ctx, r, body).release(w) // the emulator words the complaint
		return
	}
	reply, err := gap(ctx, r, c)
	if err == nil {
		reply.release(w)
		return
	}
	var failure *cognitoError
	if !errors.As(err, &failure) {
		h.log.ErrorContext(ctx, "gap failed", "action", action, "error", err.Error())
		failure = &cognitoError{"InternalErrorException", "The local edge could not read what this call needs."}
	}
	var from http.Header
	if reply != nil {
		from = reply.header
	}
	failure.write(w, from)
}

// admin tells whether the call is signed and names its pool itself.
func (c call) admin() bool { return strings.HasPrefix(c.action, "Admin") }

// clientPool finds the app client and its pool. ok is false when there is none,
// which the emulator then says itself.
func (h *handler) clientPool(ctx context.Context, clientID string) (c client, p pool, ok bool, err error) {
	c, err = h.dir.client(ctx, clientID)
	if err == nil {
		p, err = h.dir.pool(ctx, c.PoolID)
	}
	if errors.Is(err, errNoSuchClient) || isAPI(err, "ResourceNotFoundException") {
		return client{}, pool{}, false, nil
	}
	return c, p, err == nil, err
}

// authorised tells whether the caller of an admin operation may make it at all. A
// trigger runs before the operation, but never for a caller that IAM turns away,
// so the edge first sends the same credentials with a request that can only fail
// for its content.
func (h *handler) authorised(ctx context.Context, r *http.Request, poolID string) bool {
	body, err := json.Marshal(map[string]string{"UserPoolId": poolID})
	if err != nil {
		return false
	}
	a := h.forward(ctx, r, body)
	code := readError(a.result()).Code
	return code == "InvalidParameterException" || code == "ResourceNotFoundException"
}

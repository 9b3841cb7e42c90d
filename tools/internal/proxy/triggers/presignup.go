package proxy

// Gap: the emulator fires PreSignUp on SignUp, but without asking the function's
// policy and with its error wrapped in its own words; on AdminCreateUser it fires
// nothing. Delete this file when it does all three.

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// signUp checks the permission before, repairs the error text after, and fires
// PostConfirmation for a user that PreSignUp confirmed on the spot, as AWS does
// (https://github.com/KensioSoftware/yulin/pull/462).
func (h *handler) signUp(ctx context.Context, r *http.Request, c call) (*answer, error) {
	cl, p, ok, err := h.clientPool(ctx, c.in.ClientID)
	if err != nil {
		return nil, err
	}
	if !ok {
		return h.forward(ctx, r, c.body), nil
	}
	if err := h.triggers.allowed(ctx, p, "PreSignUp"); err != nil {
		return nil, err
	}
	reply := h.forward(ctx, r, c.body)
	if reply.status != http.StatusOK {
		return reply, repairSignUp(reply)
	}
	var out struct{ UserConfirmed bool }
	if json.Unmarshal(reply.body.Bytes(), &out) != nil || !out.UserConfirmed {
		return reply, nil
	}
	return reply, h.confirmed(ctx, p, "PostConfirmation_ConfirmSignUp", cl.ID, c.in.Username, c)
}

// repairSignUp words a refusal of PreSignUp as AWS does; other errors stay.
func repairSignUp(reply *answer) error {
	api := readError(reply.result())
	if api.Code != "UserLambdaValidationException" || strings.HasPrefix(api.Message, "PreSignUp failed with error ") {
		return nil
	}
	return refused("PreSignUp", emulatorText(api.Message))
}

// pythonMessage finds errorMessage in a dictionary that Python has printed.
var pythonMessage = regexp.MustCompile(`'errorMessage': ('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")`)

// emulatorText takes the function's own message out of what the emulator reports:
// the function's error as JSON, or as Python prints it.
func emulatorText(s string) string {
	var failure struct {
		Message string `json:"errorMessage"`
	}
	if json.Unmarshal([]byte(s), &failure) == nil && failure.Message != "" {
		return failure.Message
	}
	if m := pythonMessage.FindStringSubmatch(s); m != nil {
		return strings.NewReplacer(`\'`, `'`, `\"`, `"`, `\n`, "\n", `\\`, `\`).Replace(m[1][1 : len(m[1])-1])
	}
	return s
}

// adminCreateUser fires PreSignUp before the user is made. The three flags of the
// function's response are ignored there, as on AWS (same source as above).
func (h *handler) adminCreateUser(ctx context.Context, r *http.Request, c call) (*answer, error) {
	p, err := h.dir.pool(ctx, c.in.UserPoolID)
	if err != nil && !isAPI(err, "ResourceNotFoundException") {
		return nil, err
	}
	if err != nil || p.function("PreSignUp") == "" || c.in.Username == "" || c.in.MessageAction == "RESEND" ||
		!h.authorised(ctx, r, p.ID) {
		return h.forward(ctx, r, c.body), nil
	}
	_, exists, err := h.dir.user(ctx, p.ID, c.in.Username)
	if err != nil {
		return nil, err
	}
	if exists {
		return h.forward(ctx, r, c.body), nil // refused there, before any trigger
	}
	name, attributes := c.in.Username, attributeMap(c.in.UserAttributes)
	if alias := aliasOf(p, name); alias != "" {
		// The user's name will be a generated id; the emulator draws its own, so
		// this one only has the right shape.
		name = newUUID()
		if attributes[alias] == "" {
			attributes[alias] = c.in.Username
		}
	}
	ev := newEvent(p, "PreSignUp_AdminCreateUser", adminClient, name, preSignUpRequest{
		UserAttributes: attributes,
		ValidationData: validation(c.in.ValidationData),
		ClientMetadata: c.in.ClientMetadata,
	})
	ev.Response = preSignUpResponse{}
	if err := h.triggers.fire(ctx, p, "PreSignUp", ev, c.trace); err != nil {
		return nil, err
	}
	return h.forward(ctx, r, c.body), nil
}

// aliasOf tells which attribute signs a user in whose name is an address or number.
func aliasOf(p pool, name string) string {
	if strings.Contains(name, "@") && slices.Contains(p.Aliases, "email") {
		return "email"
	}
	if strings.HasPrefix(name, "+") && slices.Contains(p.Aliases, "phone_number") {
		return "phone_number"
	}
	return ""
}

func validation(list []attribute) map[string]string {
	if len(list) == 0 {
		return nil
	}
	return attributeMap(list)
}

func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails since Go 1.24
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

package triggers

// Gap: on SignUp the emulator fires PreSignUp without asking the function's policy, and
// changes the text of its error. On AdminCreateUser it fires nothing. Delete this file when it does all three.

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/google/uuid"

	"gatehouse.example/tools/internal/proxy/upstream"
)

// signUp checks the permission before, repairs the error text after, and fires
// PostConfirmation for a user that PreSignUp confirmed on the spot, as AWS does
// (https://github.com/KensioSoftware/yulin/pull/462).
func (t *Triggers) signUp(ctx context.Context, c upstream.Call) (*upstream.Answer, error) {
	cl, p, ok, err := t.up.ClientPool(ctx, c.Input.ClientID)
	if err != nil {
		return nil, err
	}
	if !ok {
		return t.forward(ctx, c), nil
	}
	if err := t.allowed(ctx, p, "PreSignUp"); err != nil {
		return nil, err
	}
	reply := t.forward(ctx, c)
	if reply.Status != http.StatusOK {
		return reply, repairSignUp(reply)
	}
	var out struct{ UserConfirmed bool }
	if json.Unmarshal(reply.Body, &out) != nil || !out.UserConfirmed {
		return reply, t.rewrite(ctx, p, "CustomMessage_SignUp", cl.ID, c, upstream.VerificationCode)
	}
	return reply, t.confirmed(ctx, p, "PostConfirmation_ConfirmSignUp", cl.ID, c.Input.Username, c)
}

// repairSignUp gives a refusal of PreSignUp AWS's text; other errors stay.
func repairSignUp(reply *upstream.Answer) error {
	api := reply.Err()
	if api.Code != "UserLambdaValidationException" || strings.HasPrefix(api.Message, "PreSignUp failed with error ") {
		return nil
	}
	return refused("PreSignUp", emulatorText(api.Message))
}

// pythonMessage finds errorMessage in a dictionary that Python has printed.
var pythonMessage = regexp.MustCompile(`'errorMessage': ('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")`)

// emulatorText extracts the function's own message from what the emulator reports:
// the function's error as JSON, or as Python prints it.
func emulatorText(s string) string {
	if text := functionError([]byte(s), ""); text != "" {
		return text
	}
	if m := pythonMessage.FindStringSubmatch(s); m != nil {
		return strings.NewReplacer(`\'`, `'`, `\"`, `"`, `\n`, "\n", `\\`, `\`).Replace(m[1][1 : len(m[1])-1])
	}
	return s
}

// adminCreateUser fires PreSignUp before the user is made. The three flags of the
// function's response are ignored there, as on AWS (same source as above).
func (t *Triggers) adminCreateUser(ctx context.Context, c upstream.Call) (*upstream.Answer, error) {
	p, found, err := t.up.Pool(ctx, c.Input.UserPoolID)
	if err != nil {
		return nil, err
	}
	if !found || p.Function("PreSignUp") == "" || c.Input.Username == "" || c.Input.MessageAction == "RESEND" ||
		!t.authorised(ctx, c, p.ID) {
		return t.forward(ctx, c), nil
	}
	_, exists, err := t.up.User(ctx, p.ID, c.Input.Username)
	if err != nil {
		return nil, err
	}
	if exists {
		return t.forward(ctx, c), nil // refused there, before any trigger
	}
	name, attributes := c.Input.Username, upstream.AttributeMap(c.Input.UserAttributes)
	if alias := aliasOf(p, name); alias != "" {
		// The user's name will be a generated id; the emulator draws its own, so
		// this one only has the right shape.
		name = uuid.NewString()
		if attributes[alias] == "" {
			attributes[alias] = c.Input.Username
		}
	}
	ev := newEvent(p, "PreSignUp_AdminCreateUser", adminClient, name, preSignUpRequest{
		UserAttributes: attributes,
		ValidationData: validation(c.Input.ValidationData),
		ClientMetadata: c.Input.ClientMetadata,
	})
	ev.Response = preSignUpResponse{}
	if err := t.fire(ctx, p, "PreSignUp", ev, c.Trace); err != nil {
		return nil, err
	}
	if c.Input.MessageAction != "SUPPRESS" { // the emulator fires CustomMessage and asks no policy
		if err := t.allowed(ctx, p, "CustomMessage"); err != nil {
			return nil, err
		}
	}
	return t.forward(ctx, c), nil
}

// aliasOf is the attribute that a user signs in with whose name is an address or number.
func aliasOf(p upstream.Pool, name string) string {
	if strings.Contains(name, "@") && slices.Contains(p.Aliases, "email") {
		return "email"
	}
	if strings.HasPrefix(name, "+") && slices.Contains(p.Aliases, "phone_number") {
		return "phone_number"
	}
	return ""
}

func validation(list []upstream.Attribute) map[string]string {
	if len(list) == 0 {
		return nil
	}
	return upstream.AttributeMap(list)
}

package usermigration

import (
	"encoding/json"
	"errors"
	"strings"

	"gatehouse.example/lambdakit/function"
)

// Trigger sources
// (https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-lambda-migrate-user.html).
const (
	sourceSignIn         = "UserMigration_Authentication"
	sourceForgotPassword = "UserMigration_ForgotPassword"
)

// call is what is read of a payload. The payload is kept: the answer is the event with a
// response.
type call struct {
	event    map[string]json.RawMessage
	source   string
	region   string
	poolID   string
	address  string
	password string
}

// The errors of parse contain nothing of the payload, which has a password.
var (
	errPayload = errors.New("usermigration: the payload is not an event of UserMigration")
	errAddress = errors.New("usermigration: the user name is not an address")
)

// maxAddress is the longest address (https://www.rfc-editor.org/errata/eid1690), and
// maxPassword the longest password that Cognito takes.
const (
	maxAddress  = 254
	maxPassword = 256
)

func parse(payload []byte) (call, error) {
	var c call
	var request struct {
		Password string `json:"password"`
	}
	if json.Unmarshal(payload, &c.event) != nil || c.event == nil {
		return call{}, errPayload
	}
	c.source, c.region, c.poolID = text(c.event["triggerSource"]), text(c.event["region"]), text(c.event["userPoolId"])
	if c.source != sourceSignIn && c.source != sourceForgotPassword || c.poolID == "" || c.event["request"] == nil {
		return call{}, errPayload
	}
	if json.Unmarshal(c.event["request"], &request) != nil {
		return call{}, errPayload
	}
	var is bool
	if c.address, is = Address(text(c.event["userName"])); !is {
		return call{}, errAddress
	}
	if c.source == sourceSignIn {
		c.password = request.Password
		if c.password == "" || len(c.password) > 4*maxPassword {
			return call{}, errPayload
		}
	}
	return c, nil
}

// Address is the form in which an address is compared, counted and stored: in lower case,
// as the pool ignores case. It is false for what is not an address.
func Address(typed string) (string, bool) {
	address := strings.ToLower(strings.TrimSpace(typed))
	local, domain, found := strings.Cut(address, "@")
	if !found || local == "" || domain == "" || strings.Contains(domain, "@") || len(address) > maxAddress {
		return "", false
	}
	// What a query or a filter could take for its own is not in an address that Cognito has.
	bad := func(r rune) bool { return r <= ' ' || r == '"' || r == '\\' || r == 0x7f || r == 0xfffd }
	return address, !strings.ContainsFunc(address, bad)
}

// text is a JSON text. Anything else is empty.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// response is what Cognito creates the user from.
type response struct {
	UserAttributes  map[string]string `json:"userAttributes"`
	FinalUserStatus string            `json:"finalUserStatus"`
	// MessageAction SUPPRESS: the person has an account, and gets no invitation.
	MessageAction          string   `json:"messageAction"`
	DesiredDeliveryMediums []string `json:"desiredDeliveryMediums"`
	// ForceAliasCreation would take the address from a user who has it.
	ForceAliasCreation bool `json:"forceAliasCreation"`
}

// respond is the event with the person. Who forgot the password has none yet, so the
// status is the one that asks for a new one.
func (c call) respond(p Person) ([]byte, error) {
	r := response{
		UserAttributes: p.Attributes, FinalUserStatus: "CONFIRMED", MessageAction: "SUPPRESS", DesiredDeliveryMediums: []string{"EMAIL"},
	}
	if c.source == sourceForgotPassword {
		r.FinalUserStatus = "RESET_REQUIRED"
	}
	raw, err := function.Encode(r)
	if err != nil {
		return nil, err
	}
	c.event["response"] = raw
	return function.Encode(c.event)
}

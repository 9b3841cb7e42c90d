package challenge

import (
	"encoding/json"
	"errors"

	"gatehouse.example/lambdakit/function"
)

// The trigger sources
// (https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-lambda-challenge.html).
const (
	define = "DefineAuthChallenge_Authentication"
	create = "CreateAuthChallenge_Authentication"
	verify = "VerifyAuthChallengeResponse_Authentication"
)

// custom is the name that Cognito gives to every challenge of one's own.
const custom = "CUSTOM_CHALLENGE"

// idKey is the private challenge parameter with the challenge's id. Cognito keeps private
// parameters and never gives them to an app.
const idKey = "challenge"

// round is one challenge of a sign-in, as Cognito reports it.
type round struct {
	Name     string `json:"challengeName"`
	Result   bool   `json:"challengeResult"`
	Metadata string `json:"challengeMetadata"`
}

// payload is what is read of an event in addition to trigger.Call. The event is kept: the
// answer is the event with another response.
type payload struct {
	event    map[string]json.RawMessage
	response map[string]json.RawMessage
	rounds   []round
	// unreadable is set if the history is there and cannot be read. It may hide a failure.
	unreadable bool
	answer     string
	id         string
}

var errPayload = errors.New("challenge: the payload is not an event of a challenge")

// parse reads a payload. The text of a decoding error can quote the payload, so it is not
// passed on. ClientMetadata is not read: Cognito does not pass that of InitiateAuth on
// (https://repost.aws/knowledge-center/cognito-clientmetadata-lambda-trigger), and anybody can forge it.
func parse(raw []byte) (payload, error) {
	var p payload
	if json.Unmarshal(raw, &p.event) != nil || json.Unmarshal(p.event["response"], &p.response) != nil || p.response == nil {
		return payload{}, errPayload
	}
	var request map[string]json.RawMessage
	if json.Unmarshal(p.event["request"], &request) != nil {
		return payload{}, errPayload
	}
	if session := request["session"]; len(session) > 0 {
		p.unreadable = json.Unmarshal(session, &p.rounds) != nil
	}
	var private map[string]json.RawMessage
	if json.Unmarshal(request["privateChallengeParameters"], &private) == nil {
		p.id = text(private[idKey])
	}
	p.answer = text(request["challengeAnswer"])
	return p, nil
}

// text is a JSON text. Anything else is empty.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// respond is the event with these members of the response.
func (p payload) respond(members map[string]any) ([]byte, error) {
	for name, value := range members {
		raw, err := function.Encode(value)
		if err != nil {
			return nil, err
		}
		p.response[name] = raw
	}
	response, err := function.Encode(p.response)
	if err != nil {
		return nil, err
	}
	p.event["response"] = response
	return function.Encode(p.event)
}

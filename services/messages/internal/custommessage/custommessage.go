// Package custommessage writes the mails and text messages that Cognito sends: it
// turns a call of the CustomMessage trigger into a subject, a mail and a text message
// in the person's language.
//
// Cognito fails the person's request if the trigger fails or answers with a message
// that Cognito does not accept. So a call that this package cannot answer is answered
// unchanged, and Cognito sends its own text. Nothing of a call is logged.
package custommessage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"gatehouse.example/lambdakit/function"
	"gatehouse.example/lambdakit/language"
)

// Handler is a lambda.Handler, because it must see and return raw bytes.
type Handler struct {
	Log *slog.Logger
}

// Invoke answers one call of Cognito. It never returns an error.
func (h *Handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	answer, err := h.answer(payload)
	if err != nil {
		h.Log.ErrorContext(ctx, "answered unchanged", "error", err.Error())
		return payload, nil
	}
	return answer, nil
}

// answer turns a panic into an error, without its value.
func (h *Handler) answer(payload []byte) (answer []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			answer, err = nil, fmt.Errorf("custommessage: panic of type %T", p)
		}
	}()
	c, err := parse(payload)
	if err != nil {
		return nil, err
	}
	m, err := Write(c.kind, c.language, c.placeholders)
	if err != nil {
		return nil, fmt.Errorf("custommessage.Write: %w", err)
	}
	return c.respond(m)
}

// call is what is read of a payload. The payload is kept: the answer is the event with
// another response.
type call struct {
	event, response map[string]json.RawMessage
	kind            Kind
	language        string
	placeholders    Placeholders
}

var errPayload = errors.New("custommessage: the payload is not an event of CustomMessage")

// parse reads the few fields that decide about a message. The text of a decoding error
// can quote the payload, so it is not passed on.
func parse(payload []byte) (call, error) {
	var c call
	if json.Unmarshal(payload, &c.event) != nil || json.Unmarshal(c.event["response"], &c.response) != nil || c.response == nil {
		return call{}, errPayload
	}
	request := members(c.event["request"])
	attributes, metadata := members(request["userAttributes"]), members(request["clientMetadata"])
	c.kind = Kind(text(c.event["triggerSource"]))
	c.language = language.Of(text(attributes["locale"]), text(metadata["locale"]), text(metadata["lang"]))
	c.placeholders = Placeholders{Code: text(request["codeParameter"]), UserName: text(request["usernameParameter"])}
	return c, nil
}

// members are those of a JSON object. Anything else has none.
func members(raw json.RawMessage) map[string]json.RawMessage {
	var m map[string]json.RawMessage
	if json.Unmarshal(raw, &m) != nil {
		return nil
	}
	return m
}

// text is a JSON text. Anything else is empty.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// respond is the event with the message.
func (c call) respond(m Message) ([]byte, error) {
	for name, value := range map[string]string{"emailSubject": m.Subject, "emailMessage": m.HTML, "smsMessage": m.SMS} {
		raw, err := function.Encode(value)
		if err != nil {
			return nil, err
		}
		c.response[name] = raw
	}
	response, err := function.Encode(c.response)
	if err != nil {
		return nil, err
	}
	c.event["response"] = response
	return function.Encode(c.event)
}

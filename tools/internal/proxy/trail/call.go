package trail

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"gatehouse.example/tools/internal/proxy/upstream"
)

// recordCall records a call of the Cognito API.
func (t *Trail) recordCall(w http.ResponseWriter, r *http.Request, action string, next http.Handler) {
	body := heard(r)
	who := newSubject(action, body)
	if action == "AdminDeleteUser" { // afterwards there is nobody to look up
		who.find(context.WithoutCancel(r.Context()), t.up)
	}
	a := listen(w, r, next)
	made, ok := t.callRecord(r, action, body, a)
	if !ok {
		return
	}
	if made.Detail["errorCode"] == denied { // IAM refused it before anybody looked for the user
		who = subject{action: action}
	}
	t.keep(r.Context(), made, func(ctx context.Context, made *record) (bool, error) {
		sub, err := who.sub(ctx, t.up, a)
		if sub != "" {
			made.Detail["additionalEventData"] = map[string]any{"sub": sub}
			return true, err
		}
		if err == nil && public(action) {
			return who.hasAccount(ctx, t.up)
		}
		return true, err
	})
}

// denied is the error of a call that IAM does not allow.
const denied = "AccessDeniedException"

// unrecorded are errors of callers that AWS could not identify, and errors that AWS does not
// have.
var unrecorded = map[string]bool{
	"InvalidAction":                true, // the emulator's name for an operation that it lacks
	"InternalError":                true, // the emulator's failure, which has another name on AWS
	"IncompleteSignatureException": true, "InvalidSignatureException": true, "MissingAuthenticationTokenException": true,
	"UnknownOperationException": true, "UnrecognizedClientException": true, "ExpiredTokenException": true,
}

// callRecord is the record of a call, without the user; ok is false if CloudTrail has none.
// AWS publishes no record of this kind. README.md says which part comes from where.
func (t *Trail) callRecord(r *http.Request, action string, body []byte, a *answer) (made record, ok bool) {
	address, userAgent := caller(r)
	detail := map[string]any{
		"eventVersion": "1.10", "eventType": "AwsApiCall", "eventName": action, "readOnly": reads(action),
		"sourceIPAddress": address, "userAgent": userAgent, "requestID": a.requestID,
		"userIdentity":      map[string]any{"type": "Unknown", "principalId": "Anonymous"},
		"requestParameters": requestParameters(action, body), "responseElements": nil,
	}
	failure := &upstream.APIError{}
	if a.status == http.StatusOK {
		detail["responseElements"] = responseElements(action, a.body)
	} else {
		failure = (&upstream.Answer{Status: a.status, Header: a.Header(), Body: a.body}).Err()
		detail["errorCode"], detail["errorMessage"] = cut(failure.Code), cut(failure.Message)
	}
	if unrecorded[failure.Code] {
		return record{}, false
	}
	if !public(action) {
		detail["userIdentity"] = identity(r, a, failure)
	}
	if failure.Code == denied {
		detail["requestParameters"] = nil
	}
	return newRecord(apiCall, "cognito-idp", "", t.up.Region, time.Now(), detail), true
}

// reads reports an operation whose records only some rules get: every name that begins with
// Describe, Get or List, and these
// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html).
func reads(action string) bool {
	name := strings.TrimPrefix(action, "Admin")
	return strings.HasPrefix(name, "Describe") || strings.HasPrefix(name, "Get") || strings.HasPrefix(name, "List")
}

// principal is what callers.py tells of the one who signed a call.
type principal struct {
	ARN string `json:"arn"`
	// ID is that of the user, or of the session's role.
	ID string `json:"id"`
	// Role is the ARN of the session's role.
	Role string `json:"role"`
	Made string `json:"made"`
}

// identity is the userIdentity of a signed call
// (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html).
func identity(r *http.Request, a *answer, failure *upstream.APIError) map[string]any {
	var p principal
	if json.Unmarshal([]byte(a.notes.Get(upstream.NoteCaller)), &p) != nil { // denied: the text says who
		_, after, _ := strings.Cut(failure.Message, "User: ")
		p.ARN, _, _ = strings.Cut(after, " ")
	}
	account := upstream.Account(p.ARN)
	key, _ := upstream.Credential(r)
	found := map[string]any{"arn": p.ARN, "accountId": account, "accessKeyId": key}
	_, resource, _ := strings.Cut(p.ARN, "::"+account+":")
	kind, name, _ := strings.Cut(resource, "/")
	switch kind {
	case "root":
		found["type"], found["principalId"] = "Root", account
	case "user":
		found["type"], found["principalId"], found["userName"] = "IAMUser", p.ID, name[strings.LastIndexByte(name, '/')+1:]
	case "assumed-role":
		role, session, _ := strings.Cut(name, "/")
		found["type"], found["principalId"] = "AssumedRole", p.ID+":"+session
		issuer := map[string]any{"type": "Role", "principalId": p.ID, "arn": p.Role, "accountId": account, "userName": role}
		if p.Role == "" {
			issuer["arn"] = "arn:aws:iam::" + account + ":role/" + role
		}
		found["sessionContext"] = map[string]any{
			"sessionIssuer": issuer, "attributes": map[string]any{"mfaAuthenticated": "false"},
		}
	default:
		return map[string]any{"type": "Unknown"}
	}
	return found
}

// object reads a JSON object with its numbers as they are; it is nil if there is none.
func object(text []byte) map[string]any {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var out map[string]any
	if decoder.Decode(&out) != nil {
		return nil
	}
	return out
}

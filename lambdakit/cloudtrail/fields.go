package cloudtrail

import (
	"encoding/json"
	"slices"
	"strings"
)

// Parameter is a parameter of the request by its name, in either shape, such as authFlow or
// grant_type. It is empty if it is missing, hidden or not a text.
func (r Record) Parameter(name string) string {
	return first(r.request.text(name), r.additional.at("requestParameters").text(name))
}

// Has reports whether the request has a parameter, whatever its type, also a hidden one.
func (r Record) Has(name string) bool {
	_, top := r.request[name]
	_, page := r.additional.at("requestParameters")[name]
	return top || page
}

// Includes reports whether a parameter of the request has a value, or is a list with it: no
// document says which one counts if a caller repeats a parameter.
func (r Record) Includes(name, value string) bool {
	return slices.Contains(r.request.texts(name), value) || slices.Contains(r.additional.at("requestParameters").texts(name), value)
}

// PoolID is the user pool's id. Calls that need no IAM permission, such as InitiateAuth,
// name no pool: see ClientID. Calls about tags name its ARN.
func (r Record) PoolID() string {
	_, tagged, _ := strings.Cut(r.request.text("resourceArn"), ":userpool/")
	return first(r.additional.text("userPoolId"), r.request.text("userPoolId"), tagged)
}

// ClientID is the app client: as Cognito names it, or as the request does. The parameters
// of a hosted page are what its caller wrote.
func (r Record) ClientID() string {
	return first(
		r.request.text("clientId"), r.additional.text("clientId"), r.additional.at("requestParameters").text("client_id"),
		r.response.at("userPoolClient").text("clientId"))
}

// Sub is the user that Cognito itself names; the parameters of a hosted page are what its
// caller wrote. A record of an unknown user has none.
func (r Record) Sub() string { return first(r.additional.text("sub"), r.response.text("userSub")) }

// Response is a text of a successful call's answer, such as challengeName.
func (r Record) Response(path ...string) string {
	last := len(path) - 1
	return r.response.at(path[:last]...).text(path[last])
}

// SignedIn reports a call whose answer has tokens.
func (r Record) SignedIn() bool { return len(r.response.at("authenticationResult")) > 0 }

// Status is the HTTP status of a hosted page, or zero. CloudTrail writes 200 and 200.0.
func (r Record) Status() int {
	var status float64
	if json.Unmarshal(r.additional.at("responseParameters")["status"], &status) != nil || status < 0 || status > 999 {
		return 0
	}
	return int(status)
}

// Actor says who made a call, without a person's name: the name of a role's session and of
// an IAM user can be a person's.
type Actor struct {
	// Kind is user for the user of the pool, and role, iam-user, root or service otherwise.
	Kind string
	// Name is a role's name, an IAM user's id such as AIDA…, or a service's host; else it is empty.
	Name string
}

// The kinds of actors.
const (
	ActorUser    = "user"
	ActorRole    = "role"
	ActorIAMUser = "iam-user"
	ActorRoot    = "root"
	ActorService = "service"
)

// Actor is who made the call. Calls without an IAM identity are those of the pool's users.
func (r Record) Actor() Actor {
	switch r.identity.text("type") {
	case "AssumedRole", "FederatedUser", "Role":
		arn := first(r.identity.at("sessionContext", "sessionIssuer").text("arn"), r.identity.text("arn"))
		return Actor{ActorRole, roleName(arn)}
	case "IAMUser":
		return Actor{ActorIAMUser, r.identity.text("principalId")}
	case "Root":
		return Actor{Kind: ActorRoot}
	case "AWSService":
		return Actor{ActorService, r.identity.text("invokedBy")}
	}
	return Actor{Kind: ActorUser}
}

// roleName is the name in the ARN of a role, with its path, or of a role's session, whose
// last part is the session's name.
func roleName(arn string) string {
	parts := strings.Split(arn, "/")
	switch {
	case len(parts) < 2:
		return ""
	case strings.Contains(parts[0], ":assumed-role"):
		return parts[1]
	case strings.Contains(parts[0], ":role"):
		return parts[len(parts)-1]
	}
	return ""
}

package accountrecords

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/cloudtrail"
	"gatehouse.example/lambdakit/consume"
)

// Why a record is kept in the dead-letter queue: a shape that nobody has seen yet. When
// the code knows it, `gatehouse events dead replay` sends the record again.
const (
	notARecord       consume.Poison = "not_a_record"
	unknownOperation consume.Poison = "unknown_operation"
	withoutAPool     consume.Poison = "without_a_pool"
	withoutASub      consume.Poison = "without_a_sub"
	withoutAClient   consume.Poison = "without_a_client"
	withoutAStatus   consume.Poison = "without_a_status"
)

// eventOf makes the event of a successful record of the pool.
func eventOf(row Row, a contracts.Act, r cloudtrail.Record) (event.Event, error) {
	by := actor(r)
	ev, err := func() (event.Event, error) {
		switch row.Type {
		case contracts.TypeUserCreated:
			return contracts.NewUserCreated(a, contracts.UserCreated{Via: contracts.ViaAdmin})
		case contracts.TypeUserDeleted:
			return contracts.NewUserDeleted(a, contracts.AccountChanged{By: by})
		case contracts.TypeUserDisabled:
			return contracts.NewUserDisabled(a, contracts.AccountChanged{By: by})
		case contracts.TypeUserEnabled:
			return contracts.NewUserEnabled(a, contracts.AccountChanged{By: by})
		case contracts.TypeSignedOut:
			return contracts.NewSignedOut(a, contracts.AccountChanged{By: by})
		case contracts.TypeAttributesChanged:
			return contracts.NewAttributesChanged(a, contracts.AttributesChanged{By: by, Change: row.Change})
		case contracts.TypePasswordChanged:
			return contracts.NewPasswordChanged(a, contracts.PasswordChanged{By: by, How: row.Change})
		case contracts.TypeMFAChanged:
			return contracts.NewMFAChanged(a, contracts.MFAChanged{By: by, Change: row.Change})
		case contracts.TypeGroupAdded:
			return contracts.NewGroupAdded(a, contracts.GroupChanged{By: by, Group: group(r)})
		case contracts.TypeGroupRemoved:
			return contracts.NewGroupRemoved(a, contracts.GroupChanged{By: by, Group: group(r)})
		}
		a.ClientID = clientOf(r)
		return contracts.NewPoolChanged(a, contracts.PoolChanged{By: by, Change: row.Change, Operation: row.Operation})
	}()
	if err != nil {
		return event.Event{}, fmt.Errorf("contracts: %w", err)
	}
	return ev, nil
}

// actor is who made the call. A name that could be a person's is left out.
func actor(r cloudtrail.Record) contracts.By {
	a := r.Actor()
	if !contracts.IsActorName(a.Name) {
		a.Name = ""
	}
	return contracts.By{Kind: a.Kind, Name: a.Name}
}

// group is the group's name, unless it could contain anything.
func group(r cloudtrail.Record) string {
	if name := r.Parameter("groupName"); contracts.IsGroupName(name) {
		return name
	}
	return ""
}

// clientID is what Cognito admits as the id of an app client
// (https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_UserPoolClientType.html).
var clientID = regexp.MustCompile(`^[\w+]{1,128}$`)

// clientOf is the app client that a record names, if it can be one.
func clientOf(r cloudtrail.Record) string {
	if id := r.ClientID(); clientID.MatchString(id) {
		return id
	}
	return ""
}

// machineGrant is the grant of a machine's token. The other grants are those of people,
// who have signed in before.
const machineGrant = "client_credentials"

// tokenOf makes the event of a request for a machine's token. known is the client, if it
// is known to be one of the pool: a request that was refused can name any text.
func tokenOf(a contracts.Act, r cloudtrail.Record, known string) (event.Event, error) {
	client, status := clientOf(r), r.Status()
	switch {
	case status == 0 && r.ErrorCode == "":
		return event.Event{}, withoutAStatus
	case status == 200 && r.ErrorCode == "" && client == "":
		return event.Event{}, withoutAClient
	case status == 200 && r.ErrorCode == "":
		a.ClientID = client
		ev, err := contracts.NewTokenIssued(a)
		if err != nil {
			return event.Event{}, fmt.Errorf("contracts.NewTokenIssued: %w", err)
		}
		return ev, nil
	}
	a.ClientID = known
	ev, err := contracts.NewTokenRefused(a, contracts.TokenRefused{Reason: refusal(r.ErrorCode, status)})
	if err != nil {
		return event.Event{}, fmt.Errorf("contracts.NewTokenRefused: %w", err)
	}
	return ev, nil
}

// refusal is the reason of a refused token. Whether records have OAuth's error code is
// not documented, so the status of the answer is used too.
func refusal(code string, status int) string {
	switch code {
	case "invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope":
		return strings.ReplaceAll(code, "_", "-")
	}
	switch {
	case status == 400:
		return "invalid-request"
	case status == 401:
		return "invalid-client"
	case status == 429:
		return "throttled"
	case status >= 500:
		return "server-error"
	}
	return "unspecified"
}

package e2e

import (
	"encoding/json"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
)

// reconcile runs a pass over the pool and returns how many users it announced. It must be
// complete: the pool is small.
func (s *system) reconcile(t *testing.T) int {
	t.Helper()
	out := must(s.clients(t).lambda.Invoke(t.Context(), &lambda.InvokeInput{
		FunctionName: aws.String("gatehouse-local-user-events-reconciler:live"), Payload: []byte(`{"start":true,"anyAge":true}`),
	}))(t)
	var report struct {
		Ended     string
		Announced int
	}
	check(t, json.Unmarshal(out.Payload, &report))
	if out.FunctionError != nil || report.Ended != "complete" {
		t.Fatalf("%s: %s", aws.ToString(out.FunctionError), out.Payload)
	}
	return report.Announced
}

// TestUsersThatNobodyAnnounced makes a user as an administrator, which CloudTrail's record
// reports, and lets the ledger forget it, as if the record had been lost. The reconciler
// announces the user, once. It is alone, because it could announce others' users before
// their own events are counted.
func TestUsersThatNobodyAnnounced(t *testing.T) {
	t.Parallel()
	s := alone(t)
	s.reconcile(t)
	inbox := s.subscribe(t)
	c, p := s.clients(t).cognito, s.newPerson(t)
	made := must(c.AdminCreateUser(t.Context(), &cognito.AdminCreateUserInput{
		UserPoolId: s.pool(), Username: &p.Email, MessageAction: types.MessageActionTypeSuppress, TemporaryPassword: aws.String(password),
		UserAttributes: []types.AttributeType{{Name: aws.String("email"), Value: &p.Email}},
	}))(t).User
	var sub string
	for _, a := range made.Attributes {
		if *a.Name == "sub" {
			sub = *a.Value
		}
	}
	s.forgetClaim(t, inbox.wait(t, 1, of(contracts.TypeUserCreated, sub))[0].Event)
	inbox = s.subscribe(t) // which does not know the event yet: the next one has the same id
	if n := s.reconcile(t); n != 1 {
		t.Errorf("announced %d users, want 1", n)
	}
	ev := inbox.wait(t, 1, of(contracts.TypeUserCreated, sub))[0].Event
	var data contracts.UserCreated
	if check(t, ev.DataAs(&data)); data.Via != contracts.ViaAdmin || ev.ID() != contracts.CreatedID(ev.Source(), sub) {
		t.Errorf("via %q, id %s", data.Via, ev.ID())
	}
	if n := s.reconcile(t); n != 0 {
		t.Errorf("the next pass announced %d users", n)
	}
}

// forgetClaim waits until an event is counted, and deletes its claim from the ledger.
func (s *system) forgetClaim(t *testing.T, ev event.Event) {
	t.Helper()
	c := s.clients(t)
	name := s.parameter(t, "user-events", "ledger-table-name")
	key := map[string]dynamodbtypes.AttributeValue{"event": &dynamodbtypes.AttributeValueMemberS{Value: contracts.ClaimKey(ev)}}
	eventually(t, "the event is counted", func() bool {
		return len(must(c.dynamodb.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &name, Key: key}))(t).Item) > 0
	})
	must(c.dynamodb.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &name, Key: key}))(t)
}

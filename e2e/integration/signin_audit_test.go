package integration

import (
	"encoding/json"
	"maps"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamo "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"gatehouse.example/contracts"
)

// TestSigninAudit: attempts and successes are rows of the audit table, and of the
// activity that the person may see, and nobody else.
func TestSigninAudit(t *testing.T) {
	t.Parallel()
	e := here(t)
	p := e.member(t)
	if err := p.signIn(t.Context(), "aA1-wrong-password"); !isA[*types.NotAuthorizedException](err) {
		t.Fatalf("a wrong password: %v, want NotAuthorizedException", err)
	}
	if err := p.signIn(t.Context(), p.password); err != nil {
		t.Fatal(err)
	}
	want := map[string]int{contracts.TypeUserCreated: 1, contracts.TypeSigninAttempted: 2, contracts.TypeSigninSucceeded: 1}
	t.Run("rows", func(t *testing.T) {
		t.Parallel()
		e.rowsOf(t, p.sub, want)
	})
	t.Run("activity", func(t *testing.T) {
		t.Parallel()
		var page struct{ Items []struct{ Type, Sub string } }
		got := map[string]int{}
		eventually(t, "the sign-ins in the person's own activity", func() bool {
			answer := e.ask(t, "/activity?limit=100", p.idToken)
			if answer.status != http.StatusOK {
				t.Fatalf("GET /activity: %d", answer.status)
			}
			if err := json.Unmarshal(answer.body, &page); err != nil {
				t.Fatalf("json.Unmarshal: %v", err)
			}
			clear(got)
			for _, item := range page.Items {
				got[item.Type]++
			}
			return got[contracts.TypeSigninSucceeded] > 0 && got[contracts.TypeSigninAttempted] > 1
		})
		for _, item := range page.Items {
			if item.Sub != p.sub {
				t.Error("a row of somebody else is shown")
			}
		}
		e.ask(t, "/activity", "").isProblem(t, http.StatusUnauthorized)
		e.ask(t, "/activity/"+p.sub, p.idToken).isProblem(t, http.StatusForbidden)
	})
}

// rowsOf waits for the rows of a person; Cognito may run a trigger more than once.
func (e *environment) rowsOf(t *testing.T, sub string, want map[string]int) {
	t.Helper()
	client, table, got := dynamodb.NewFromConfig(e.cfg), e.of(t, "signin-audit/audit-table-name"), map[string]int{}
	enough := func() bool {
		clear(got)
		out := must(client.Query(t.Context(), &dynamodb.QueryInput{
			TableName: &table, ConsistentRead: aws.Bool(true), KeyConditionExpression: aws.String("pk = :pk"),
			ExpressionAttributeValues: map[string]dynamo.AttributeValue{":pk": &dynamo.AttributeValueMemberS{Value: "user#" + sub}},
		}))(t)
		for _, row := range out.Items {
			if mark, _ := row["synthetic"].(*dynamo.AttributeValueMemberBOOL); mark == nil || !mark.Value {
				t.Errorf("the row %v is not marked synthetic", row["sk"])
			}
			typ, _ := row["type"].(*dynamo.AttributeValueMemberS)
			got[typ.Value]++
		}
		for typ, n := range want {
			if got[typ] < n {
				return false
			}
		}
		return true
	}
	if !within(t.Context(), patience, enough) {
		t.Fatalf("rows (-want +got):\n%s", cmp.Diff(want, maps.Clone(got)))
	}
}

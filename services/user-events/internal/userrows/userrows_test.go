package userrows_test

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	pooltypes "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"gatehouse.example/services/user-events/internal/userrows"
)

const (
	pool = "eu-central-1_Example01"
	sub  = "7f3c2d84-2a51-4a3f-8f0e-3c7f5f3f6b1a"
)

// signedUp is when each user of the pool was made.
var signedUp = time.Date(2026, 11, 22, 11, 58, 30, 250000000, time.UTC)

// cloud is a table and a pool in memory.
type cloud struct {
	rows    map[string]map[string]types.AttributeValue
	users   map[string]bool // by filter
	filters []string
	fail    map[string]error
}

func name(in map[string]types.AttributeValue) string {
	return in[userrows.KeyAttribute].(*types.AttributeValueMemberS).Value
}

func (c *cloud) GetItem(_ context.Context, in *dynamodb.GetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	return &dynamodb.GetItemOutput{Item: c.rows[name(in.Key)]}, c.fail["get"]
}

// UpdateItem understands SET alone.
func (c *cloud) UpdateItem(_ context.Context, in *dynamodb.UpdateItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	if err := c.fail["update"]; err != nil {
		return nil, err
	}
	row := maps.Clone(c.rows[name(in.Key)])
	if row == nil {
		row = maps.Clone(in.Key)
	}
	set, ok := strings.CutPrefix(*in.UpdateExpression, "SET ")
	if !ok || *in.TableName != "ledger" {
		return nil, errors.New("cloud: another update")
	}
	for part := range strings.SplitSeq(set, ", ") {
		attribute, value, _ := strings.Cut(part, " = ")
		row[in.ExpressionAttributeNames[attribute]] = in.ExpressionAttributeValues[value]
	}
	c.rows[name(in.Key)] = row
	return &dynamodb.UpdateItemOutput{}, nil
}

func (c *cloud) ListUsers(_ context.Context, in *cognito.ListUsersInput, _ ...func(*cognito.Options)) (*cognito.ListUsersOutput, error) {
	c.filters = append(c.filters, *in.UserPoolId+" "+*in.Filter)
	out := &cognito.ListUsersOutput{}
	if c.users[*in.Filter] {
		out.Users = append(out.Users, pooltypes.UserType{UserCreateDate: &signedUp})
	}
	return out, c.fail["list"]
}

func newRows(now *time.Time) (*userrows.Rows, *cloud) {
	c := &cloud{rows: map[string]map[string]types.AttributeValue{}, users: map[string]bool{}, fail: map[string]error{}}
	return &userrows.Rows{Table: c, Name: "ledger", Pool: c, Now: func() time.Time { return *now }}, c
}

type answer struct{ Found, Synthetic bool }

func find(t *testing.T, r *userrows.Rows, sub string, ask bool) answer {
	t.Helper()
	found, synthetic, err := r.Find(t.Context(), pool, sub, ask)
	if err != nil {
		t.Fatalf("Find: %v", err)
	}
	return answer{found, synthetic}
}

// The order of the calls does not matter: no call takes a mark or an expiry away.
func TestRows(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	calls := map[string]func(*userrows.Rows) error{
		"person":    func(r *userrows.Rows) error { return r.Remember(t.Context(), pool, sub, false) },
		"synthetic": func(r *userrows.Rows) error { return r.Remember(t.Context(), pool, sub, true) },
		"forget":    func(r *userrows.Rows) error { return r.Forget(t.Context(), pool, sub) },
	}
	for order, want := range map[string]struct {
		answer
		expires string
	}{
		"": {}, "person": {answer{true, false}, ""}, "synthetic": {answer{true, true}, ""}, "person synthetic": {answer{true, true}, ""},
		"synthetic person": {answer{true, true}, ""}, "forget": {answer{true, false}, "1797940800"},
		"person forget": {answer{true, false}, "1797940800"}, "forget synthetic person": {answer{true, true}, "1797940800"},
	} {
		r, c := newRows(&now)
		for call := range strings.FieldsSeq(order) {
			if err := calls[call](r); err != nil {
				t.Fatal(err)
			}
		}
		expires, _ := c.rows["user#"+pool+"#"+sub][userrows.ExpiryAttribute].(*types.AttributeValueMemberN)
		got := ""
		if expires != nil {
			got = expires.Value
		}
		if find(t, r, sub, false) != want.answer || got != want.expires || len(c.filters) > 0 {
			t.Errorf("%q: %v, expires %q, asked %v; want %+v", order, find(t, r, sub, false), got, c.filters, want)
		}
	}
}

// Cognito is asked about a user without a row, once in a while, and about a sub only.
func TestFindAsksCognito(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	r, c := newRows(&now)
	c.users[`sub = "`+sub+`"`] = true
	for range 2 {
		if got := find(t, r, sub, true); !got.Found {
			t.Error("the user is not found")
		}
		for _, other := range []string{"another", "", `x" or sub ^= "`, "erika@example.org"} {
			if got := find(t, r, other, true); got.Found {
				t.Errorf("%q is found", other)
			}
		}
	}
	want := []string{pool + ` sub = "` + sub + `"`, pool + ` sub = "another"`}
	if diff := cmp.Diff(want, c.filters); diff != "" {
		t.Errorf("questions (-want +got):\n%s", diff)
	}
	if now = now.Add(5 * time.Minute); find(t, r, "another", true).Found || len(c.filters) != 3 {
		t.Errorf("after the TTL: %v", c.filters)
	}
	if find(t, r, "third", false).Found || len(c.filters) != 3 {
		t.Errorf("asked without ask: %v", c.filters)
	}
}

// Cognito knows when a user signed up. It is asked about a sub only.
func TestSignedUp(t *testing.T) {
	t.Parallel()
	now := signedUp.Add(time.Minute)
	r, c := newRows(&now)
	c.users[`sub = "`+sub+`"`] = true
	for of, want := range map[string]time.Time{sub: signedUp, "another": {}, "": {}, `x" or sub ^= "`: {}} {
		if got, err := r.SignedUp(t.Context(), pool, of); err != nil || !got.Equal(want) {
			t.Errorf("%q: %v, %v; want %v", of, got, err, want)
		}
	}
	if len(c.filters) != 2 {
		t.Errorf("questions: %v", c.filters)
	}
	c.fail["list"] = errors.New("erika@example.org")
	if _, err := r.SignedUp(t.Context(), pool, sub); err == nil || strings.Contains(err.Error(), "erika") {
		t.Errorf("error: %v", err)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for what, want := range map[string]string{"get": "dynamodb.GetItem", "list": "cognito.ListUsers", "update": "dynamodb.UpdateItem"} {
		r, c := newRows(&now)
		c.users[`sub = "`+sub+`"`] = true
		c.fail[what] = errors.New("erika@example.org")
		found, _, err := r.Find(t.Context(), pool, sub, true)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "erika") {
			t.Errorf("%s: %v, %v", what, found, err)
		}
	}
	r, c := newRows(&now)
	c.fail["update"] = errors.New("no")
	if r.Remember(t.Context(), pool, sub, false) == nil || r.Forget(t.Context(), pool, sub) == nil {
		t.Error("no error")
	}
	if diff := cmp.Diff(map[string]map[string]types.AttributeValue{}, c.rows, cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
}

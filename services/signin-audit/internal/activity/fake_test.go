package activity

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	cognitotypes "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"gatehouse.example/lambdakit/parameters"
	"gatehouse.example/services/signin-audit/internal/recorder"
)

const (
	pool   = "us-east-1_AbCdEfGhI"
	erika  = "b1e7c2a0-5a2f-4f0e-9f58-1c2d3e4f5a6b"
	otto   = "0d1e2f30-1111-4222-8333-444455556666"
	secret = "erika@example.org"
	trace  = "1-5759e988-bd862e3fe1be46a994272793"
)

var start = time.Date(2026, 11, 22, 16, 0, 0, 0, time.UTC)

// database is a table in memory that answers queries as DynamoDB does.
type database struct {
	rows    []map[string]types.AttributeValue
	queries []*dynamodb.QueryInput
	err     error
}

// add writes a row of an event that happened some minutes after the start.
func (d *database) add(sub, typ string, minute int, more map[string]types.AttributeValue) {
	value := func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
	at, id := recorder.Stamp(start.Add(time.Duration(minute)*time.Minute)), fmt.Sprintf("id-%03d", minute)
	row := map[string]types.AttributeValue{
		"pk": value(recorder.UserKey(sub)), "sk": value(recorder.SortKey(at, id)), "id": value(id), "type": value(typ), "time": value(at),
		"pool": value(pool), "client": value("web"), "sub": value(sub), "data": value(`{"newDevice":false}`), "receivedAt": value(at), "ip": value("192.0.2.44"), "userAgent": value("Mozilla/5.0"),
		"salt": value(secret),
	}
	maps.Copy(row, more)
	d.rows = append(d.rows, row)
}

func (d *database) Query(_ context.Context, in *dynamodb.QueryInput, _ ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	copied := *in
	d.queries = append(d.queries, &copied)
	if d.err != nil {
		return nil, d.err
	}
	v := func(name string) string { return text(in.ExpressionAttributeValues, name) }
	var out dynamodb.QueryOutput
	rows := slices.Clone(d.rows)
	slices.SortFunc(rows, func(a, b map[string]types.AttributeValue) int { return strings.Compare(text(b, "sk"), text(a, "sk")) })
	for _, row := range rows {
		sk := text(row, "sk")
		in := map[string]bool{
			"pk = :pk":                              true,
			"pk = :pk AND sk >= :from":              sk >= v(":from"),
			"pk = :pk AND sk < :to":                 sk < v(":to"),
			"pk = :pk AND sk BETWEEN :from AND :to": sk >= v(":from") && sk <= v(":to"),
		}[*in.KeyConditionExpression] && (in.ExclusiveStartKey == nil || sk < text(in.ExclusiveStartKey, "sk"))
		if !in || text(row, "pk") != v(":pk") {
			continue
		}
		if len(out.Items) == int(*copied.Limit) {
			last := out.Items[len(out.Items)-1]
			out.LastEvaluatedKey = map[string]types.AttributeValue{"pk": last["pk"], "sk": last["sk"]}
			break
		}
		out.Items = append(out.Items, row)
	}
	return &out, nil
}

// users is a pool with one user.
type users struct {
	enabled bool
	name    string
	sub     string
	groups  []string
	err     error
	asked   int
}

func (u *users) AdminGetUser(_ context.Context, in *cognito.AdminGetUserInput, _ ...func(*cognito.Options)) (*cognito.AdminGetUserOutput, error) {
	u.asked++
	if u.err != nil {
		return nil, u.err
	}
	if aws.ToString(in.UserPoolId) != pool || aws.ToString(in.Username) != u.name {
		return nil, &cognitotypes.UserNotFoundException{}
	}
	return &cognito.AdminGetUserOutput{Enabled: u.enabled, UserAttributes: []cognitotypes.AttributeType{
		{Name: aws.String("email"), Value: aws.String(secret)}, {Name: aws.String("sub"), Value: &u.sub},
	}}, nil
}

// AdminListGroupsForUser answers with one group a page.
func (u *users) AdminListGroupsForUser(_ context.Context, in *cognito.AdminListGroupsForUserInput, _ ...func(*cognito.Options)) (*cognito.AdminListGroupsForUserOutput, error) {
	if u.err != nil {
		return nil, u.err
	}
	n, _ := strconv.Atoi(aws.ToString(in.NextToken))
	out := &cognito.AdminListGroupsForUserOutput{}
	if n < len(u.groups) {
		out.Groups = []cognitotypes.GroupType{{GroupName: &u.groups[n]}}
	}
	if n+1 < len(u.groups) {
		out.NextToken = aws.String(strconv.Itoa(n + 1))
	}
	return out, nil
}

// store holds the platform's names.
type store struct {
	values map[string]string
	asked  int
	err    error
}

func (s *store) GetParameters(_ context.Context, in *ssm.GetParametersInput, _ ...func(*ssm.Options)) (*ssm.GetParametersOutput, error) {
	s.asked++
	if s.err != nil {
		return nil, s.err
	}
	out := &ssm.GetParametersOutput{}
	for _, name := range in.Names {
		if value, ok := s.values[strings.TrimPrefix(name, "/gatehouse/test/platform/")]; ok {
			out.Parameters = append(out.Parameters, ssmtypes.Parameter{Name: &name, Value: &value})
		} else {
			out.InvalidParameters = append(out.InvalidParameters, name)
		}
	}
	return out, nil
}

// fixture is a handler with fakes of its dependencies.
type fixture struct {
	*Handler
	db    *database
	users *users
	store *store
	log   *bytes.Buffer
	now   time.Time
}

// newFixture has an auditor, otto, and an empty table.
func newFixture() *fixture {
	w := &fixture{
		db: &database{}, log: &bytes.Buffer{}, now: start.Add(time.Hour),
		users: &users{enabled: true, name: "name-of-otto", sub: otto, groups: []string{"staff", "auditors"}},
		store: &store{values: map[string]string{"user-pool-id": pool, "web-client-id": "web", "native-client-id": "native"}},
	}
	now := func() time.Time { return w.now }
	w.Handler = &Handler{
		Platform: &parameters.Cache{Client: w.store, Names: ParameterNames("test"), Now: now}, Directory: &Users{Client: w.users},
		Rows: &Table{Client: w.db, Name: "audit", Now: now}, Log: slog.New(slog.NewJSONHandler(w.log, nil)),
	}
	return w
}

// request is one with the token of somebody.
func request(resource, sub string, claims map[string]any) events.APIGatewayProxyRequest {
	r := events.APIGatewayProxyRequest{Resource: resource, HTTPMethod: http.MethodGet}
	if sub != "" {
		r.PathParameters = map[string]string{"sub": sub}
	}
	r.RequestContext.Authorizer = map[string]any{"claims": claims}
	return r
}

// token is the claims of an ID token.
func token(sub string, more ...string) map[string]any {
	claims := map[string]any{
		"sub": sub, "aud": "web", "token_use": "id", "iss": "https://cognito-idp.us-east-1.amazonaws.com/" + pool,
		"cognito:username": "name-of-otto", "email": secret,
	}
	for i := 0; i < len(more); i += 2 {
		claims[more[i]] = more[i+1]
	}
	return claims
}

// answer is what a caller sees.
type answer struct {
	status int
	header map[string]string
	page   Page
	detail string
	trace  string
	body   string
}

func (w *fixture) ask(t *testing.T, r events.APIGatewayProxyRequest) answer {
	t.Helper()
	ctx := context.WithValue(t.Context(), "x-amzn-trace-id", "Root="+trace+";Parent=53995c3f42cd8ad8;Sampled=0") //nolint:staticcheck // aws-lambda-go puts the header under this plain string
	out, err := w.Handle(ctx, r)
	if err != nil {
		t.Fatal(err)
	}
	got := answer{status: out.StatusCode, header: out.Headers, body: out.Body}
	var problem struct {
		Detail  string `json:"detail"`
		TraceID string `json:"trace_id"`
	}
	if err := errors.Join(json.Unmarshal([]byte(out.Body), &got.page), json.Unmarshal([]byte(out.Body), &problem)); err != nil {
		t.Fatalf("%v in %s", err, out.Body)
	}
	got.detail, got.trace = problem.Detail, problem.TraceID
	return got
}

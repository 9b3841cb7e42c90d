package actors

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"
)

func TestAPI(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(TraceHeader, "Root=1-x")
		if r.Header.Get("Authorization") != "Bearer token" {
			w.WriteHeader(http.StatusUnauthorized)
		}
		_, _ = fmt.Fprintf(w, "%s %s %s", r.Method, r.URL.Path, r.Header.Get("Origin"))
	}))
	t.Cleanup(server.Close)
	api := &API{URL: server.URL, HTTP: server.Client()}
	got, err := api.Do(t.Context(), http.MethodPost, "/user", "token", "Origin", "https://app", "X-Empty", "")
	if err != nil || got.Status != 200 || string(got.Body) != "POST /user https://app" || got.Header.Get(TraceHeader) != "Root=1-x" {
		t.Errorf("%+v, %v", got, err)
	}
	if body, err := api.Expect(t.Context(), "/user", "token", 200); err != nil || string(body) != "GET /user " {
		t.Errorf("%q, %v", body, err)
	}
	if _, err := api.Expect(t.Context(), "/user", "", 200); err == nil || err.Error() != "GET /user answered 401 and not 200; its trace is Root=1-x" {
		t.Errorf("%v", err)
	}
	if _, err := (&API{URL: "http://127.0.0.1:1", HTTP: server.Client()}).Get(t.Context(), "/user", ""); err == nil {
		t.Error("an API that is down is not an error")
	}
}

func TestMachine(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if id, secret, _ := r.BasicAuth(); id != "machine" || secret != "s3cret" || r.FormValue("scope") != "gatehouse/client" {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte(`{"error":"invalid_client","error_description":"s3cret"}`))
			return
		}
		_, _ = w.Write([]byte(`{"access_token":"machine-token","token_type":"Bearer","expires_in":900}`))
	}))
	t.Cleanup(server.Close)
	f := &fakeAWS{answers: map[string]string{"DescribeUserPoolClient": `{"UserPoolClient":{"ClientSecret":"s3cret"}}`}}
	m := &Machine{ClientID: "machine", Origin: server.URL, Scopes: []string{"gatehouse/client"}, HTTP: server.Client()}
	_, err := m.Token(t.Context())
	var refusal *oauth2.RetrieveError
	if !errors.As(err, &refusal) || err.Error() != "the token endpoint answered 400 Bad Request invalid_client" {
		t.Errorf("without a secret: %v", err)
	}
	if err := m.ReadSecret(t.Context(), cognito.NewFromConfig(f.config(t)), poolID); err != nil {
		t.Fatal(err)
	}
	m.HTTP = nil
	if token, err := m.Token(t.Context()); err != nil || token.AccessToken != "machine-token" {
		t.Errorf("%v, %v", token, err)
	}
	if err := m.ReadSecret(t.Context(), cognito.NewFromConfig((&fakeAWS{}).config(t), OnceOnly), poolID); err == nil {
		t.Error("a client that cannot be described is not an error")
	}
}

func TestGuest(t *testing.T) {
	t.Parallel()
	f := &fakeAWS{answers: map[string]string{
		"GetId":                     `{"IdentityId":"id-1"}`,
		"GetCredentialsForIdentity": `{"Credentials":{"AccessKeyId":"ASIA","SecretKey":"s","SessionToken":"t"}}`,
	}}
	cfg, err := (&Guest{Base: f.config(t), IdentityPoolID: "pool", Logins: map[string]string{"provider": "token"}}).Credentials(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if key, err := cfg.Credentials.Retrieve(t.Context()); err != nil || key.AccessKeyID != "ASIA" || key.SessionToken != "t" {
		t.Errorf("%+v, %v", key, err)
	}
	for _, c := range f.calls {
		if logins, _ := c.in["Logins"].(map[string]any); c.signed || logins["provider"] != "token" {
			t.Errorf("%s is signed (%v), with %v", c.action, c.signed, c.in)
		}
	}
	for _, missing := range []string{"GetId", "GetCredentialsForIdentity"} {
		f := &fakeAWS{answers: map[string]string{"GetId": `{"IdentityId":"id-1"}`}}
		f.answers[missing] = ""
		if _, err := (&Guest{Base: f.config(t)}).Credentials(t.Context()); err == nil || !strings.Contains(err.Error(), missing) {
			t.Errorf("%s fails: %v", missing, err)
		}
	}
}

type statistics []float64

func (s statistics) GetMetricStatistics(_ context.Context, in *cloudwatch.GetMetricStatisticsInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricStatisticsOutput, error) {
	if *in.Namespace != "Gatehouse" || *in.Dimensions[0].Value != "test" || !in.StartTime.Equal(time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)) {
		return nil, errors.New("not the question that was expected")
	}
	out := &cloudwatch.GetMetricStatisticsOutput{}
	for _, sum := range s {
		out.Datapoints = append(out.Datapoints, cwtypes.Datapoint{Sum: aws.Float64(sum)})
	}
	return out, nil
}

func TestMeter(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 22, 10, 0, 30, 0, time.UTC)
	if got, err := NewMeter(statistics{1, 2}, "test", at).Sum(t.Context(), "UsersCreated"); err != nil || got != 3 {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := NewMeter(statistics{}, "other", at).Sum(t.Context(), "UsersCreated"); err == nil {
		t.Error("a failed call is not an error")
	}
}

func TestTrail(t *testing.T) {
	t.Parallel()
	f := &fakeAWS{answers: map[string]string{"Query": `{"Count":1,"Items":[{"pk":{"S":"user#s"},"time":{"S":"10:00"},"type":{"S":"t"},"id":{"S":"1"},"synthetic":{"BOOL":true}}]}`}}
	trail := &Trail{Table: dynamodb.NewFromConfig(f.config(t)), Name: "audit"}
	want := Row{Partition: "user#s", Time: "10:00", Type: "t", ID: "1", Synthetic: true}
	for name, rows := range map[string]func() ([]Row, error){
		"of_an_event": func() ([]Row, error) { return trail.Find(t.Context(), attempted(t, "1", "s")) },
		"of_a_user":   func() ([]Row, error) { return trail.Of(t.Context(), "s") },
	} {
		if got, err := rows(); err != nil || len(got) != 1 || got[0] != want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	for _, c := range f.calls {
		if c.in["TableName"] != "audit" || c.in["ConsistentRead"] != true {
			t.Errorf("query %v", c.in)
		}
	}
	if got := Partition(attempted(t, "1", "")); got != "none#"+poolID+"#2026-11-22" {
		t.Errorf("partition %s", got)
	}
	if _, err := (&Trail{Table: dynamodb.NewFromConfig((&fakeAWS{}).config(t))}).Of(t.Context(), "s"); err == nil {
		t.Error("a failed call is not an error")
	}
}

// The rows of other users and of other events are not read.
func TestTrailReadsExactKeys(t *testing.T) {
	t.Parallel()
	f := &fakeAWS{answers: map[string]string{"Query": `{"Count":0,"Items":[]}`}}
	trail := &Trail{Table: dynamodb.NewFromConfig(f.config(t)), Name: "audit"}
	at := attempted(t, "1", "").Time()
	if _, err := trail.Find(t.Context(), attempted(t, "1", "")); err != nil {
		t.Fatal(err)
	}
	if _, err := trail.Find(t.Context(), attempted(t, "1", "s")); err != nil {
		t.Fatal(err)
	}
	if _, err := trail.Between(t.Context(), poolID, at, at.Add(14*time.Hour)); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range f.calls {
		values, _ := json.Marshal(c.in["ExpressionAttributeValues"])
		got = append(got, c.in["KeyConditionExpression"].(string)+" "+string(values))
	}
	want := []string{
		`pk = :pk AND sk = :sk {":pk":{"S":"none#` + poolID + `#2026-11-22"},":sk":{"S":"2026-11-22T10:00:00.000000000Z#1"}}`,
		`pk = :pk {":id":{"S":"1"},":pk":{"S":"user#s"}}`,
		`pk = :pk AND sk BETWEEN :from AND :to {":from":{"S":"2026-11-22T10:00:00.000000000Z"},":pk":{"S":"none#` + poolID + `#2026-11-22"},":to":{"S":"2026-11-23T00:00:00.000000000Z~"}}`,
		`pk = :pk AND sk BETWEEN :from AND :to {":from":{"S":"2026-11-22T10:00:00.000000000Z"},":pk":{"S":"none#` + poolID + `#2026-11-23"},":to":{"S":"2026-11-23T00:00:00.000000000Z~"}}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("queries (-want +got):\n%s", diff)
	}
}

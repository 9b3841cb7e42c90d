package demo

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
	"gatehouse.example/tools/actors"
)

// serve starts what callers of the API, machines and guests call, over HTTP.
func (s *system) serve() *cast {
	s.t.Helper()
	server := httptest.NewServer(s)
	s.t.Cleanup(server.Close)
	disposable, own := newPeople(s, actors.Env{"NATIVE_CLIENT_ID": "client", "USER_POOL_ID": "pool"})
	base := aws.Config{
		Region: "us-east-1", BaseEndpoint: &server.URL,
		Credentials: credentials.NewStaticCredentialsProvider("k", "s", ""), RetryMaxAttempts: 1,
	}
	return &cast{
		disposable: disposable, person: own,
		guest: newGuest(base, actors.Env{
			"IDENTITY_POOL_ID": "us-east-1:p", "CLIENT_EVENTS_GUEST_QUEUE_URL": server.URL + "/1/guests", "TOPIC_ARN": "arn:aws:sns:us-east-1:000000000000:t",
		}),
		machine: &actors.Machine{ClientID: "m", Secret: "s", Origin: server.URL},
		api:     &actors.API{URL: server.URL + "/api", HTTP: server.Client()},
		traces:  s,
	}
}

func (s *system) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	switch {
	case r.URL.Path == "/oauth2/token":
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"access_token":"machine","token_type":"Bearer","expires_in":900}`))
	case action == "GetId":
		_, _ = w.Write([]byte(`{"IdentityId":"us-east-1:i"}`))
	case action == "GetCredentialsForIdentity":
		_, _ = w.Write([]byte(`{"Credentials":{"AccessKeyId":"ASIA","SecretKey":"s","SessionToken":"t"}}`))
	case action == "SendMessage":
		s.guestEvent(w, r)
	case strings.HasPrefix(r.URL.Path, "/api/"):
		s.callAPI(w, strings.TrimPrefix(r.URL.Path, "/api"), strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	case s.lost == "guard of the topic":
		_, _ = w.Write([]byte(`<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>`))
	default:
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`<ErrorResponse><Error><Type>Sender</Type><Code>AuthorizationError</Code><Message>no</Message></Error></ErrorResponse>`))
	}
}

func (s *system) guestEvent(w http.ResponseWriter, r *http.Request) {
	var in struct{ MessageBody string }
	var sent struct{ Name string }
	if json.NewDecoder(r.Body).Decode(&in) != nil || json.Unmarshal([]byte(in.MessageBody), &sent) != nil {
		s.t.Errorf("the guest sent %q", in.MessageBody)
	}
	s.comesOut(contracts.TypeAppEvent, "AppEvents", func(a contracts.Act) (event.Event, error) {
		return contracts.NewAppEvent(a, contracts.AppEvent{Who: contracts.WhoGuest, Name: sent.Name})
	}, "")
	sum := md5.Sum([]byte(in.MessageBody))
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	_, _ = fmt.Fprintf(w, `{"MessageId":"1","MD5OfMessageBody":"%s"}`, hex.EncodeToString(sum[:]))
}

func (s *system) callAPI(w http.ResponseWriter, path, token string) {
	w.Header().Set("X-Amzn-Trace-Id", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1")
	opens := map[string]string{"/guest": "", "/user": "id", "/activity": "id", "/client": "machine"}
	if token != opens[path] && s.lost != "guard of the API" {
		w.WriteHeader(http.StatusUnauthorized)
	}
	if path == "/activity" && s.lost != "activity" {
		_, _ = w.Write([]byte(`{"items":[{"time":"10:00","type":"gatehouse.user.created.v1"}]}`))
		return
	}
	_, _ = w.Write([]byte(`{}`))
}

// show takes the place of X-Ray.
func (s *system) show(_ context.Context, id string) (string, error) {
	if s.lost == "trace" {
		return "", fmt.Errorf("no trace %s", id)
	}
	return "trace " + id + "\n└ DynamoDB\n", nil
}

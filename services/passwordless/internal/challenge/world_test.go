package challenge_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"
	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/lambdakit/publish"
	"gatehouse.example/services/passwordless/internal/challenge"
	"gatehouse.example/services/passwordless/internal/letter"
)

const (
	sub     = "5f0c6a3e-6d0b-4c7e-9d53-0f6b1f1f8a11"
	address = "erika.musterfrau@example.org"
	client  = "3n4b5urk1ft4fl3mg5e62d9ado"
)

// world is what the trigger calls: a table, keys, a queue and the topic, in memory.
type world struct {
	t   *testing.T
	mu  sync.Mutex
	now time.Time
	// rows are those of the table, sealed what the key has encrypted, by ciphertext.
	rows   map[string]map[string]types.AttributeValue
	sealed map[string]sealed
	sent   []letter.Envelope
	events []event.Event
	// calls are the names of the calls, in order. down fails those with this name.
	calls []string
	down  string
	log   bytes.Buffer
}

type sealed struct {
	plain []byte
	bound map[string]string
}

func newWorld(t *testing.T) (*world, *challenge.Handler) {
	t.Helper()
	w := &world{t: t, now: time.Date(2026, 11, 30, 9, 31, 0, 0, time.UTC), rows: map[string]map[string]types.AttributeValue{}, sealed: map[string]sealed{}}
	return w, &challenge.Handler{
		Store: &challenge.Store{Client: w, Table: "table"}, Vault: &letter.Vault{Keys: w, Key: "secrets"}, Names: &challenge.Names{Macs: w, Key: "names"},
		Outgoing: &challenge.Outgoing{Queue: w, URL: "queue"}, Publisher: w, Limits: challenge.Limits{PerAddress: 5, PerClient: 50},
		Valid: 10 * time.Minute, Log: slog.New(slog.NewJSONHandler(&w.log, nil)), Now: func() time.Time { w.mu.Lock(); defer w.mu.Unlock(); return w.now },
	}
}

// called notes a call. Its caller holds w.mu.
func (w *world) called(name string) error {
	w.calls = append(w.calls, name)
	if w.down == name {
		return &smithy.GenericAPIError{Code: "InternalFailure", Message: "SECRET " + address}
	}
	return nil
}

func (w *world) Encrypt(_ context.Context, in *kms.EncryptInput, _ ...func(*kms.Options)) (*kms.EncryptOutput, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.called("kms.Encrypt"); err != nil {
		return nil, err
	}
	ciphertext := fmt.Sprintf("ciphertext %d", len(w.sealed))
	w.sealed[ciphertext] = sealed{in.Plaintext, in.EncryptionContext}
	return &kms.EncryptOutput{CiphertextBlob: []byte(ciphertext)}, nil
}

func (w *world) Decrypt(_ context.Context, in *kms.DecryptInput, _ ...func(*kms.Options)) (*kms.DecryptOutput, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.called("kms.Decrypt"); err != nil {
		return nil, err
	}
	s, ok := w.sealed[string(in.CiphertextBlob)]
	if !ok || fmt.Sprint(s.bound) != fmt.Sprint(in.EncryptionContext) {
		return nil, &smithy.GenericAPIError{Code: "InvalidCiphertextException"}
	}
	return &kms.DecryptOutput{Plaintext: s.plain}, nil
}

func (w *world) GenerateMac(_ context.Context, in *kms.GenerateMacInput, _ ...func(*kms.Options)) (*kms.GenerateMacOutput, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.called("kms.GenerateMac"); err != nil {
		return nil, err
	}
	h := hmac.New(sha256.New, []byte("key"))
	_, _ = h.Write(in.Message)
	return &kms.GenerateMacOutput{Mac: h.Sum(nil)}, nil
}

func (w *world) SendMessage(_ context.Context, in *sqs.SendMessageInput, _ ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.called("sqs.SendMessage"); err != nil {
		return nil, err
	}
	var e letter.Envelope
	if err := json.Unmarshal([]byte(*in.MessageBody), &e); err != nil {
		return nil, err
	}
	w.sent = append(w.sent, e)
	return &sqs.SendMessageOutput{MessageId: aws.String("m")}, nil
}

func (w *world) Publish(_ context.Context, evs ...event.Event) ([]publish.Outcome, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.called("topic.Publish"); err != nil {
		return []publish.Outcome{publish.Logged}, nil //nolint:nilerr // as the publisher does
	}
	w.events = append(w.events, evs...)
	return []publish.Outcome{publish.Published}, nil
}

func (w *world) PutItem(_ context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.called("dynamodb.PutItem"); err != nil {
		return nil, err
	}
	key := in.Item["pk"].(*types.AttributeValueMemberS).Value
	if w.rows[key] != nil || *in.ConditionExpression != "attribute_not_exists(pk)" {
		return nil, &types.ConditionalCheckFailedException{}
	}
	w.rows[key] = in.Item
	return &dynamodb.PutItemOutput{}, nil
}

func (w *world) UpdateItem(_ context.Context, in *dynamodb.UpdateItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.called("dynamodb.UpdateItem"); err != nil {
		return nil, err
	}
	key := in.Key["pk"].(*types.AttributeValueMemberS).Value
	row := w.rows[key]
	switch condition := aws.ToString(in.ConditionExpression); condition {
	case "":
	case "attribute_exists(pk)":
		if row == nil {
			return nil, &types.ConditionalCheckFailedException{}
		}
	case "attribute_exists(pk) AND attribute_not_exists(used)":
		if row == nil || row["used"] != nil {
			return nil, &types.ConditionalCheckFailedException{}
		}
	default:
		return nil, errors.New("unknown condition " + condition)
	}
	if row == nil {
		row = map[string]types.AttributeValue{"pk": in.Key["pk"]}
		w.rows[key] = row
	}
	switch *in.UpdateExpression {
	case "ADD answers :one":
		row["answers"] = plusOne(row["answers"])
	case "SET used = :yes":
		row["used"] = in.ExpressionAttributeValues[":yes"]
	case "ADD requests :one SET expiresAt = :end":
		row["requests"], row["expiresAt"] = plusOne(row["requests"]), in.ExpressionAttributeValues[":end"]
	default:
		return nil, errors.New("unknown expression " + *in.UpdateExpression)
	}
	out := map[string]types.AttributeValue{}
	for name, value := range row {
		out[name] = value
	}
	return &dynamodb.UpdateItemOutput{Attributes: out}, nil
}

func plusOne(v types.AttributeValue) types.AttributeValue {
	n := 0
	if v, ok := v.(*types.AttributeValueMemberN); ok {
		n, _ = strconv.Atoi(v.Value)
	}
	return &types.AttributeValueMemberN{Value: strconv.Itoa(n + 1)}
}

// letterOf opens the newest letter, as the sender would.
func (w *world) letterOf() letter.Letter {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.sent) == 0 {
		w.t.Fatal("nothing was handed to the sender")
	}
	var l letter.Letter
	if err := json.Unmarshal(w.sealed[string(w.sent[len(w.sent)-1].Sealed)].plain, &l); err != nil {
		w.t.Fatal(err)
	}
	return l
}

// person is somebody who signs in.
type person struct {
	attributes string
	notFound   bool
	name       string
}

func known() person {
	return person{name: sub, attributes: `{"sub":"` + sub + `","cognito:user_status":"CONFIRMED","email_verified":"true","email":"` + address + `","locale":"de-DE"}`}
}

func unknown() person { return person{name: "Nobody@example.org", attributes: `{}`, notFound: true} }

// invoke calls the trigger with a request's further members.
func (p person) invoke(t *testing.T, h *challenge.Handler, source, request string) (map[string]any, error) {
	t.Helper()
	payload := fmt.Sprintf(`{"version":"1","triggerSource":%q,"region":"eu-central-1","userPoolId":"eu-central-1_Gatehouse","userName":%q,
"callerContext":{"awsSdkVersion":"x","clientId":%q},"request":{"userAttributes":%s,"userNotFound":%t,%s},"response":{"future":null}}`, source, p.name, client, p.attributes, p.notFound, request)
	ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{InvokedFunctionArn: "arn:aws:lambda:eu-central-1:123456789012:function:gatehouse-test-passwordless-challenge:live"})
	raw, err := h.Invoke(ctx, []byte(payload))
	if err != nil {
		return nil, err
	}
	var out struct {
		Request, Response map[string]any
	}
	if json.Unmarshal(raw, &out) != nil || out.Request == nil || out.Response == nil {
		t.Fatalf("the answer is not an event: %s", raw)
	}
	if _, ok := out.Response["future"]; !ok {
		t.Errorf("the answer lost a member of the response: %s", raw)
	}
	return out.Response, nil
}

// asks begins a sign-in and returns the id of the challenge.
func (p person) asks(t *testing.T, h *challenge.Handler) string {
	t.Helper()
	out, err := p.invoke(t, h, "CreateAuthChallenge_Authentication", `"challengeName":"CUSTOM_CHALLENGE","session":[]`)
	if err != nil {
		t.Fatalf("Create: %v", err)
	}
	id, _ := out["challengeMetadata"].(string)
	if private, _ := out["privateChallengeParameters"].(map[string]any); id == "" || private["challenge"] != id {
		t.Fatalf("Create = %v", out)
	}
	return id
}

// answers answers a challenge.
func (p person) answers(t *testing.T, h *challenge.Handler, id, answer string) bool {
	t.Helper()
	out, err := p.invoke(t, h, "VerifyAuthChallengeResponse_Authentication", fmt.Sprintf(`"privateChallengeParameters":{"challenge":%q},"challengeAnswer":%q`, id, answer))
	if err != nil {
		t.Fatalf("Verify: %v", err)
	}
	return out["answerCorrect"].(bool)
}

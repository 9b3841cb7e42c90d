package wire_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"gatehouse.example/lambdakit/publish/wire"
)

const (
	topicARN = "arn:aws:sns:eu-central-1:123456789012:topic"
	queueURL = "https://sqs.eu-central-1.amazonaws.com/123456789012/outbox"
	// body holds what an encoding could spoil.
	body  = `{"id":"1","rule":"a&b=c+d%20<e>","name":"Zoë \u2028 \"x\"	*~"}`
	trace = "Root=1-67891233-abcdef012345678912345678;Parent=53995c3f42cd8ad8;Sampled=1"
)

func attributes() map[string]string {
	return map[string]string{"type": "gatehouse.user.created.v1", "clientid": "3n4b5urk1ft4fl3mg5e62d9ado"}
}

// caller makes both calls, by our client or by the SDK's.
type caller interface {
	Publish(ctx context.Context, topicARN, message string, attributes map[string]string) error
	SendMessage(ctx context.Context, queueURL, body string) error
}

var _ caller = (*wire.Client)(nil)

func environment(url string) func(string) string {
	return func(name string) string {
		return map[string]string{
			"AWS_REGION": "eu-central-1", "AWS_ENDPOINT_URL": url,
			"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "TOKEN",
		}[name]
	}
}

// oracle is the SDK: what its clients send, and how they understand an answer, is right.
type oracle struct {
	sns *sns.Client
	sqs *sqs.Client
}

func newOracle(url string) oracle {
	known := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret", SessionToken: "TOKEN"}, nil
	})
	return oracle{
		sns.New(sns.Options{Region: "eu-central-1", BaseEndpoint: &url, Credentials: known, Retryer: aws.NopRetryer{}}),
		sqs.New(sqs.Options{Region: "eu-central-1", BaseEndpoint: &url, Credentials: known, Retryer: aws.NopRetryer{}}),
	}
}

func (o oracle) Publish(ctx context.Context, topicARN, message string, attributes map[string]string) error {
	in := &sns.PublishInput{TopicArn: &topicARN, Message: &message, MessageAttributes: map[string]types.MessageAttributeValue{}}
	for name, value := range attributes {
		in.MessageAttributes[name] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &value}
	}
	_, err := o.sns.Publish(ctx, in)
	return err
}

func (o oracle) SendMessage(ctx context.Context, queueURL, body string) error {
	_, err := o.sqs.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &queueURL, MessageBody: &body})
	return err
}

// request is what reached the server.
type request struct {
	*http.Request
	body []byte
}

// serve starts a server that keeps every request and answers with f.
func serve(t *testing.T, f http.HandlerFunc) (url string, requests <-chan request) {
	t.Helper()
	all := make(chan request, 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("io.ReadAll: %v", err)
		}
		all <- request{r, raw}
		f(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL, all
}

// takes answers as AWS does, each service in its way.
func takes(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("X-Amz-Target") == "" {
		_, _ = io.WriteString(w, `<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>`)
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	_, _ = io.WriteString(w, `{"MessageId":"1"}`)
}

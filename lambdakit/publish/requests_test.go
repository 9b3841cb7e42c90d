package publish_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/publish"
)

const trace = "Root=1-67891233-abcdef012345678912345678;Parent=53995c3f42cd8ad8;Sampled=1"

// request is one call that reached the server.
type request struct {
	header http.Header
	body   string
}

// requests are the calls of one event that the topic refuses and the outbox takes.
func requests(t *testing.T) (topic, outbox request, body string) {
	t.Helper()
	calls := make(chan request, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			return
		}
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("io.ReadAll: %v", err)
		}
		calls <- request{r.Header, string(raw)}
		if !toSQS(r) {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		takes(w, r)
	}))
	t.Cleanup(server.Close)
	ev := someEvent(t)
	if got, err := publishOne(t.Context(), connect(t, server.URL, io.Discard), ev); err != nil || got != publish.FellBack {
		t.Fatalf("Publish = %q, %v", got, err)
	}
	raw, err := contracts.Encode(ev)
	if err != nil {
		t.Fatalf("contracts.Encode: %v", err)
	}
	topic = <-calls
	<-calls // the second attempt
	return topic, <-calls, string(raw)
}

// TestRequests is not parallel: the SDK reads the trace header from the
// environment, where aws-lambda-go leaves it.
func TestRequests(t *testing.T) {
	t.Setenv("AWS_LAMBDA_FUNCTION_NAME", "f")
	t.Setenv("_X_AMZN_TRACE_ID", trace)
	topic, outbox, body := requests(t)

	form, err := url.ParseQuery(topic.body)
	if err != nil || form.Get("Action") != "Publish" || form.Get("TopicArn") != topicARN || form.Get("Message") != body {
		t.Errorf("to the topic: %v, %v", form, err)
	}
	var queued struct{ QueueURL, MessageBody string }
	if err := json.Unmarshal([]byte(outbox.body), &queued); err != nil || !strings.HasSuffix(queued.QueueURL, "/123456789012/outbox") || queued.MessageBody != body {
		t.Errorf("to the outbox: %s, %v", outbox.body, err)
	}
	for service, r := range map[string]request{"sns": topic, "sqs": outbox} {
		if r.header.Get("X-Amzn-Trace-Id") != trace || r.header.Get("X-Amz-Security-Token") != "TOKEN" {
			t.Errorf("%s: headers %v", service, r.header)
		}
		signature := r.header.Get("Authorization")
		if !strings.HasPrefix(signature, "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/") || !strings.Contains(signature, "/eu-central-1/"+service+"/aws4_request") {
			t.Errorf("%s: signature %s", service, signature)
		}
		for _, name := range []string{"host", "content-length", "content-type", "x-amz-date", "x-amz-security-token"} {
			if !strings.Contains(signature, name) {
				t.Errorf("%s: header %s is not signed", service, name)
			}
		}
	}
}

package actors

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
)

// fakeQueue is SQS and SNS with one queue, whose messages it returns once.
type fakeQueue struct {
	mu      sync.Mutex
	bodies  []string
	created map[string]any
	calls   []string
	refuses string // an action
}

func (f *fakeQueue) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if action == "" {
		_ = r.ParseForm()
		action = r.PostForm.Get("Action") + " " + r.PostForm.Get("Attributes.entry.2.value") + r.PostForm.Get("Attributes.entry.3.value")
	}
	action = strings.TrimSpace(action)
	f.calls = append(f.calls, action)
	switch name, _, _ := strings.Cut(action, " "); name {
	case f.refuses:
		w.WriteHeader(http.StatusForbidden)
	case "CreateQueue":
		_ = json.NewDecoder(r.Body).Decode(&f.created)
		_, _ = w.Write([]byte(`{"QueueUrl":"http://queue/1/inbox"}`))
	case "ReceiveMessage":
		var messages []map[string]string
		for _, body := range f.bodies {
			messages = append(messages, map[string]string{"MessageId": "1", "ReceiptHandle": "r", "Body": body})
		}
		f.bodies = nil
		_ = json.NewEncoder(w).Encode(map[string]any{"Messages": messages})
	case "Subscribe":
		_, _ = w.Write([]byte(`<SubscribeResponse><SubscribeResult><SubscriptionArn>arn:sub</SubscriptionArn></SubscribeResult></SubscribeResponse>`))
	case "Unsubscribe":
		_, _ = w.Write([]byte(`<UnsubscribeResponse></UnsubscribeResponse>`))
	default:
		_, _ = w.Write([]byte(`{}`))
	}
}

func (f *fakeQueue) inbox(t *testing.T) *Inbox {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	cfg := aws.Config{Region: "eu-central-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("k", "s", ""), RetryMaxAttempts: 1}
	unchecked := func(o *sqs.Options) { o.DisableMessageChecksumValidation = true }
	return &Inbox{
		Queues: sqs.NewFromConfig(cfg, unchecked), Topics: sns.NewFromConfig(cfg),
		Name: "inbox", TopicARN: "arn:aws:sns:eu-central-1:111122223333:user-events", Filter: `{"synthetic":["true"]}`,
	}
}

func encoded(t *testing.T, ev event.Event) string {
	t.Helper()
	raw, err := contracts.Encode(ev)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestInboxCollects(t *testing.T) {
	t.Parallel()
	one, two := encoded(t, attempted(t, "one", "s")), encoded(t, attempted(t, "two", "other"))
	f := &fakeQueue{bodies: []string{one, two, one}}
	in := f.inbox(t)
	if err := in.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	attributes, _ := f.created["Attributes"].(map[string]any)
	if attributes["SqsManagedSseEnabled"] != "true" || !strings.Contains(attributes["Policy"].(string), `"Resource":"arn:aws:sqs:eu-central-1:111122223333:inbox"`) {
		t.Errorf("created %v", f.created)
	}
	ctx, stop := context.WithCancel(t.Context())
	var collector sync.WaitGroup
	collector.Go(func() { in.Collect(ctx) })
	ofS := func(ev event.Event) bool { return ev.Subject() == "s" }
	got, err := in.Wait(t.Context(), time.Minute, time.Minute, 1, ofS)
	if err != nil || len(got) != 1 || got[0].Event.ID() != "one" || got[0].Body != one || got[0].At.IsZero() {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := in.Wait(t.Context(), time.Millisecond, time.Minute, 2, ofS); err == nil || !strings.Contains(err.Error(), "1 of 2 events") {
		t.Errorf("a copy counted: %v", err)
	}
	stop()
	collector.Wait()
	if err := in.Close(t.Context()); err != nil {
		t.Error(err)
	}
	all := strings.Join(f.calls, "\n")
	for _, want := range []string{"Subscribe", "DeleteMessageBatch", "Unsubscribe", "DeleteQueue"} {
		if !strings.Contains(all, want) {
			t.Errorf("%s was not called:\n%s", want, all)
		}
	}
}

func TestInboxReportsWhatFails(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		queue *fakeQueue
		topic string
		want  string
	}{
		"not_an_event":    {&fakeQueue{bodies: []string{"{}"}}, "", "not an event"},
		"cannot_receive":  {&fakeQueue{refuses: "ReceiveMessage"}, "", "sqs.ReceiveMessage"},
		"cannot_delete":   {&fakeQueue{refuses: "DeleteMessageBatch", bodies: []string{encoded(t, attempted(t, "one", "s"))}}, "", "sqs.DeleteMessageBatch"},
		"no_queue":        {&fakeQueue{refuses: "CreateQueue"}, "", "sqs.CreateQueue"},
		"no_subscription": {&fakeQueue{refuses: "Subscribe"}, "", "sns.Subscribe"},
		"not_a_topic":     {&fakeQueue{}, "arn:aws:sqs:eu-central-1:111122223333:x", "is not the ARN of a topic"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := tc.queue.inbox(t)
			if tc.topic != "" {
				in.TopicARN = tc.topic
			}
			err := in.Open(t.Context())
			if err == nil {
				in.Collect(t.Context())
				_, err = in.Find(func(event.Event) bool { return false })
			}
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
	f := &fakeQueue{refuses: "DeleteQueue"}
	in := f.inbox(t)
	in.URL = "http://queue/1/inbox"
	if err := in.Close(t.Context()); err == nil {
		t.Error("a queue that stays is not an error")
	}
}

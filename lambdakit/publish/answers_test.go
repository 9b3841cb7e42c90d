package publish_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"gatehouse.example/lambdakit/publish"
)

// line is the log line for an event that the topic did not accept.
type line struct{ TopicError, OutboxError string }

// publishOnce sends an event to two services that answer like this, and reads the log.
func publishOnce(t *testing.T, topic, outbox http.HandlerFunc) (publish.Outcome, line) {
	t.Helper()
	var log strings.Builder
	p := connect(t, newEndpoint(t, topic, outbox).URL, &log)
	outcome, err := publishOne(t.Context(), p, someEvent(t))
	if err != nil {
		t.Fatalf("Publish: %v", err)
	}
	if strings.Contains(log.String(), "SECRET") {
		t.Errorf("the log quotes an answer: %s", log.String())
	}
	var got line
	if outcome != publish.Published {
		if err := json.Unmarshal([]byte(log.String()), &got); err != nil {
			t.Fatalf("log %q: %v", log.String(), err)
		}
	}
	return outcome, got
}

// TestOnlyAnAcknowledgementCounts: an event is delivered when AWS has given it an
// id, and not before.
func TestOnlyAnAcknowledgementCounts(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		answer http.HandlerFunc
		reason string // empty: the topic took the event
	}{
		"taken":          {takes, ""},
		"taken_and_more": {func(w http.ResponseWriter, r *http.Request) { takes(w, r); _, _ = w.Write(make([]byte, 1<<20)) }, ""},
		"empty":          {func(http.ResponseWriter, *http.Request) {}, "*errors.errorString"},
		"a_page":         {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>Please log in</html>") }, "SNS.Publish"},
		"no_content":     {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNoContent) }, "*errors.errorString"},
		"redirect":       {http.RedirectHandler("http://no-such-host.invalid", http.StatusTemporaryRedirect).ServeHTTP, "SNS.Publish UnknownError HTTP 307"},
		"endless_error": {func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusBadGateway)
			for r.Context().Err() == nil {
				_, _ = io.WriteString(w, strings.Repeat("x", 64<<10))
			}
		}, "SNS.Publish UnknownError HTTP 502"},
		"cut_before_the_answer": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "SNS.Publish *errors.errorString"},
		"cut_in_the_answer": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, published[:60])
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}, "SNS.Publish *errors.errorString"},
		"hangs": {hangs, "SNS.Publish timeout"},
		"hangs_in_the_answer": {func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, published[:60])
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}, "SNS.Publish timeout"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := publish.Published
			if tc.reason != "" {
				want = publish.FellBack
			}
			if got, log := publishOnce(t, tc.answer, takes); got != want || !strings.HasPrefix(log.TopicError, tc.reason) {
				t.Errorf("Publish = %q with %q, want %q with %q", got, log.TopicError, want, tc.reason)
			}
		})
	}
}

func TestUnreachableEndpoint(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{"http://127.0.0.1:1": "SNS.Publish network dial", "://": "SNS.Publish *"} {
		var log strings.Builder
		p := connect(t, address, &log)
		if got, err := publishOne(t.Context(), p, someEvent(t)); err != nil || got != publish.Logged || !strings.Contains(log.String(), `"topicError":"`+want) {
			t.Errorf("%s: %q, %v, want %s in %s", address, got, err, want, log.String())
		}
	}
}

// TestErrorCodes: the log names AWS's code and no part of its message.
func TestErrorCodes(t *testing.T) {
	t.Parallel()
	sender := func(code string) string {
		return `<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type><Code>` + code +
			`</Code><Message>user is not authorized: SECRET</Message></Error><RequestId>r</RequestId></ErrorResponse>`
	}
	for name, tc := range map[string]struct {
		status           int
		sns, sqs         string // what the service answers
		queryError       string // SQS repeats its former code in a header
		snsCode, sqsCode string
	}{
		"denied":     {403, sender("AuthorizationError"), `{"__type":"com.amazon.coral.service#AccessDeniedException","message":"SECRET"}`, "", "AuthorizationError", "AccessDeniedException"},
		"throttled":  {400, sender("Throttling"), `{"__type":"com.amazonaws.sqs#RequestThrottled","message":"SECRET"}`, "RequestThrottled;Sender", "Throttling", "RequestThrottled"},
		"key_denied": {400, sender("KMSAccessDenied"), `{"__type":"com.amazonaws.sqs#KmsAccessDenied","message":"SECRET"}`, "KMS.AccessDeniedException;Sender", "KMSAccessDenied", "KMS.AccessDeniedException"},
		"key_off":    {400, sender("KMSDisabled"), `{"__type":"com.amazonaws.sqs#KmsDisabled"}`, "KMS.DisabledException;Sender", "KMSDisabled", "KMS.DisabledException"},
		"gone":       {404, sender("NotFound"), `{"__type":"com.amazonaws.sqs#QueueDoesNotExist"}`, "AWS.SimpleQueueService.NonExistentQueue;Sender", "NotFound", "AWS.SimpleQueueService.NonExistentQueue"},
		"expired":    {403, sender("ExpiredToken"), `{"__type":"ExpiredTokenException:http://internal.amazon.com/"}`, "", "ExpiredToken", "ExpiredTokenException"},
		"fault":      {500, sender("InternalFailure"), `{"__type":"InternalFailure"}`, "", "InternalFailure", "InternalFailure"},
		"no_code":    {503, sender(""), `{}`, "", "UnknownError", "UnknownError"},
		"no_body":    {502, "", "", "", "UnknownError", "UnknownError"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refuse := func(w http.ResponseWriter, r *http.Request) {
				text := tc.sns
				if toSQS(r) {
					w.Header().Set("Content-Type", "application/x-amz-json-1.0")
					text = tc.sqs
				}
				if tc.queryError != "" {
					w.Header().Set("X-Amzn-Query-Error", tc.queryError)
				}
				w.WriteHeader(tc.status)
				_, _ = io.WriteString(w, text)
			}
			got, log := publishOnce(t, refuse, refuse)
			if got != publish.Logged || !strings.HasPrefix(log.TopicError, "SNS.Publish "+tc.snsCode+" HTTP ") || !strings.HasPrefix(log.OutboxError, "SQS.SendMessage "+tc.sqsCode+" HTTP ") {
				t.Errorf("Publish = %q with %+v", got, log)
			}
		})
	}
}

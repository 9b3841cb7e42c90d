package wire_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/google/go-cmp/cmp"

	"gatehouse.example/lambdakit/publish/wire"
	"gatehouse.example/lambdakit/reason"
)

// meaning is what AWS reads of a request, whoever made it.
type meaning struct {
	Method, URI string
	Form        url.Values
	JSON        map[string]any
	Headers     map[string]string
}

func (r request) meaning(t *testing.T) meaning {
	t.Helper()
	m := meaning{Method: r.Method, URI: r.RequestURI, Headers: map[string]string{}}
	for _, name := range []string{"Content-Type", "X-Amz-Target", "X-Amz-Security-Token", "X-Amzn-Trace-Id"} {
		m.Headers[name] = r.Header.Get(name)
	}
	var err error
	if m.Headers["X-Amz-Target"] == "" {
		m.Form, err = url.ParseQuery(string(r.body))
	} else {
		err = json.Unmarshal(r.body, &m.JSON)
	}
	if err != nil {
		t.Fatalf("body %s: %v", r.body, err)
	}
	m.attributes()
	return m
}

// attributes brings the message attributes under their names: on the wire they
// have numbers, in any order.
func (m meaning) attributes() {
	for n := 1; ; n++ {
		entry := "MessageAttributes.entry." + strconv.Itoa(n)
		name := m.Form.Get(entry + ".Name")
		if name == "" {
			return
		}
		m.Form[name] = []string{m.Form.Get(entry + ".Value.DataType"), m.Form.Get(entry + ".Value.StringValue")}
		for _, field := range []string{".Name", ".Value.DataType", ".Value.StringValue"} {
			m.Form.Del(entry + field)
		}
	}
}

// verify signs what arrived once more, with the SDK's signer, and wants the same
// signature. It returns the names of the signed headers.
func (r request) verify(t *testing.T, service string) []string {
	t.Helper()
	got := r.Header.Get("Authorization")
	_, rest, _ := strings.Cut(got, "SignedHeaders=")
	list, _, _ := strings.Cut(rest, ",")
	signed := strings.Split(list, ";")
	again, err := http.NewRequestWithContext(t.Context(), r.Method, "http://"+r.Host+r.RequestURI, bytes.NewReader(r.body))
	if err != nil {
		t.Fatalf("http.NewRequest: %v", err)
	}
	for _, name := range signed {
		if v := r.Header.Values(name); name != "content-length" && len(v) > 0 {
			again.Header[http.CanonicalHeaderKey(name)] = v
		}
	}
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil || time.Since(at).Abs() > time.Minute {
		t.Errorf("X-Amz-Date %v, %v", at, err)
	}
	sum := sha256.Sum256(r.body)
	err = v4.NewSigner().SignHTTP(t.Context(), aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret", SessionToken: "TOKEN"},
		again, hex.EncodeToString(sum[:]), service, "eu-central-1", at)
	if want := again.Header.Get("Authorization"); err != nil || got != want {
		t.Errorf("signature, %v:\n%s, want\n%s", err, got, want)
	}
	return signed
}

// TestSaysWhatTheSDKSays makes each call both ways and compares what arrives.
func TestSaysWhatTheSDKSays(t *testing.T) {
	t.Setenv("AWS_LAMBDA_FUNCTION_NAME", "f") // the SDK takes the trace header from the
	t.Setenv("_X_AMZN_TRACE_ID", trace)       // environment, as aws-lambda-go leaves it
	//nolint:revive,staticcheck // the key is aws-lambda-go's
	ctx := context.WithValue(t.Context(), "x-amzn-trace-id", trace)
	url, requests := serve(t, takes)
	for service, call := range map[string]func(caller) error{
		"sns": func(c caller) error { return c.Publish(ctx, topicARN, body, attributes()) },
		"sqs": func(c caller) error { return c.SendMessage(ctx, queueURL, body) },
	} {
		if err := call(newOracle(url)); err != nil {
			t.Fatalf("%s, SDK: %v", service, err)
		}
		theirs := <-requests
		theirs.verify(t, service)
		if err := call(wire.New(environment(url))); err != nil {
			t.Fatalf("%s: %v", service, err)
		}
		ours := <-requests
		signed := ours.verify(t, service)
		for _, name := range []string{"host", "content-length", "content-type", "x-amz-date", "x-amz-security-token"} {
			if !slices.Contains(signed, name) {
				t.Errorf("%s: header %s is not signed", service, name)
			}
		}
		if target := ours.Header.Get("X-Amz-Target"); target != "" && !slices.Contains(signed, "x-amz-target") {
			t.Errorf("%s: the target is not signed", service)
		}
		if diff := cmp.Diff(theirs.meaning(t), ours.meaning(t)); diff != "" {
			t.Errorf("%s: the SDK's (-) and ours (+):\n%s", service, diff)
		}
	}
}

// TestUnderstandsWhatTheSDKUnderstands holds our reading of a bad answer to the SDK's.
func TestUnderstandsWhatTheSDKUnderstands(t *testing.T) {
	t.Parallel()
	sender := func(code string) string {
		return `<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type><Code>` + code +
			`</Code><Message>user is not authorized: SECRET</Message></Error><RequestId>r</RequestId></ErrorResponse>`
	}
	for name, tc := range map[string]struct {
		status           int
		sns, sqs         string // what the service answers
		queryError       string // SQS says its former code in a header
		snsCode, sqsCode string
	}{
		"denied":     {403, sender("AuthorizationError"), `{"__type":"com.amazon.coral.service#AccessDeniedException","message":"SECRET"}`, "", "AuthorizationError", "AccessDeniedException"},
		"throttled":  {400, sender("Throttling"), `{"__type":"com.amazonaws.sqs#RequestThrottled","message":"slow"}`, "RequestThrottled;Sender", "Throttling", "RequestThrottled"},
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
			url, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
				text := tc.sns
				if r.Header.Get("X-Amz-Target") != "" {
					w.Header().Set("Content-Type", "application/x-amz-json-1.0")
					text = tc.sqs
				}
				if tc.queryError != "" {
					w.Header().Set("X-Amzn-Query-Error", tc.queryError)
				}
				w.WriteHeader(tc.status)
				_, _ = io.WriteString(w, text)
			})
			ours, theirs := wire.New(environment(url)), newOracle(url)
			for call, f := range map[string]func(caller) error{
				"SNS.Publish " + tc.snsCode:     func(c caller) error { return c.Publish(t.Context(), topicARN, body, attributes()) },
				"SQS.SendMessage " + tc.sqsCode: func(c caller) error { return c.SendMessage(t.Context(), queueURL, body) },
			} {
				got, want := reason.Of(f(ours)), reason.Of(f(theirs))
				if got != want || !strings.HasPrefix(got, call+" HTTP ") {
					t.Errorf("ours %q, the SDK's %q, want %s", got, want, call)
				}
			}
		})
	}
}

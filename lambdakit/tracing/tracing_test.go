package tracing_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-xray-sdk-go/v2/xray"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"gatehouse.example/lambdakit/reason"
	"gatehouse.example/lambdakit/tracing"
)

const (
	root   = "1-5759e988-bd862e3fe1be46a994272793"
	parent = "53995c3f42cd8ad8"
	secret = "erika@example.org"
)

func TestMain(m *testing.M) {
	// The SDK's settings are the process's: set once, as functions do.
	if err := tracing.Configure(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// subsegment is what a test looks at.
type subsegment struct {
	Name        string         `json:"name"`
	TraceID     string         `json:"trace_id"`
	ParentID    string         `json:"parent_id"`
	Namespace   string         `json:"namespace"`
	Annotations map[string]any `json:"annotations"`
	Fault       bool           `json:"fault"`
	Error       bool           `json:"error"`
	Throttle    bool           `json:"throttle"`
	Cause       struct {
		Exceptions []struct{ Type, Message string }
	} `json:"cause"`
	AWS         map[string]any `json:"aws"`
	Subsegments []subsegment   `json:"subsegments"`
}

// daemon listens as X-Ray's does.
type daemon struct {
	conn *net.UDPConn
	t    *testing.T
}

// inTrace is a context of one invocation whose subsegments arrive at the daemon.
func inTrace(t *testing.T) (context.Context, *daemon) {
	t.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	emitter, err := xray.NewDefaultEmitter(conn.LocalAddr().(*net.UDPAddr))
	if err != nil {
		t.Fatal(err)
	}
	ctx, err := xray.ContextWithConfig(t.Context(), xray.Config{Emitter: emitter})
	if err != nil {
		t.Fatal(err)
	}
	return header(ctx, "Root="+root+";Parent="+parent+";Sampled=1"), &daemon{conn: conn, t: t}
}

func header(ctx context.Context, text string) context.Context {
	return context.WithValue(ctx, "x-amzn-trace-id", text) //nolint:staticcheck // aws-lambda-go puts the header under this plain string
}

// next is the next subsegment that arrived, and its bytes.
func (d *daemon) next() (subsegment, string) {
	d.t.Helper()
	buffer := make([]byte, 64<<10)
	if err := d.conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		d.t.Fatal(err)
	}
	n, err := d.conn.Read(buffer)
	if err != nil {
		d.t.Fatal(err)
	}
	_, body, _ := bytes.Cut(buffer[:n], []byte("\n"))
	var s subsegment
	if err := json.Unmarshal(body, &s); err != nil {
		d.t.Fatalf("%v in %s", err, body)
	}
	return s, string(body)
}

func TestRun_reports_the_handler_and_its_annotations(t *testing.T) {
	t.Parallel()
	ctx, daemon := inTrace(t)
	err := tracing.Run(ctx, "GET /user", func(ctx context.Context) error {
		tracing.Annotate(ctx, "route", "/user")
		tracing.Status(ctx, 429)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	got, _ := daemon.next()
	want := subsegment{
		Name: "GET /user", TraceID: root, ParentID: parent, Error: true, Throttle: true,
		Annotations: map[string]any{"route": "/user"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestRun_reports_errors_by_their_codes(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		work        func(context.Context) error
		typ, saying string
	}{
		"returned": {func(context.Context) error { return fmt.Errorf("of %s: %w", secret, context.DeadlineExceeded) }, "timeout", "timeout"},
		"answered": {func(ctx context.Context) error { tracing.Fail(ctx, errors.New(secret)); return nil }, "*errors.errorString", "*errors.errorString"},
		"safe": {func(context.Context) error {
			return fmt.Errorf("table.Put: %w", reason.Safe(&smithy.GenericAPIError{Code: "ThrottlingException", Message: secret}))
		}, "ThrottlingException", "ThrottlingException"},
		"panicked": {func(context.Context) error { panic(secret) }, "panic", "string"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, daemon := inTrace(t)
			func() {
				defer func() {
					if p := recover(); (p != nil) != (name == "panicked") {
						t.Errorf("recovered %v", p)
					}
				}()
				err := tracing.Run(ctx, "work", tc.work)
				if (err != nil) != (name == "returned" || name == "safe") {
					t.Errorf("Run = %v", err)
				}
			}()
			got, text := daemon.next()
			if !got.Fault || len(got.Cause.Exceptions) != 1 {
				t.Fatalf("no fault with one exception: %s", text)
			}
			if e := got.Cause.Exceptions[0]; e.Type != tc.typ || e.Message != tc.saying {
				t.Errorf("exception %+v, want %s %s", e, tc.typ, tc.saying)
			}
			if strings.Contains(text, secret) {
				t.Errorf("the text of the error is in the trace: %s", text)
			}
		})
	}
}

func TestRun_outside_of_a_trace_only_works(t *testing.T) {
	t.Parallel()
	want := errors.New("work")
	got := tracing.Run(t.Context(), "work", func(ctx context.Context) error {
		tracing.Annotate(ctx, "route", "/user")
		tracing.Status(ctx, 500)
		tracing.Fail(ctx, want)
		return want
	})
	if !errors.Is(got, want) {
		t.Errorf("Run = %v", got)
	}
	defer func() {
		if p := recover(); p != "mine" {
			t.Errorf("recovered %v, want the handler's own panic", p)
		}
	}()
	_ = tracing.Run(t.Context(), "work", func(context.Context) error { panic("mine") })
}

// refuse is an HTTP client that answers as AWS refuses.
type refuse struct{}

func TestInstrument_reports_calls_without_their_texts(t *testing.T) {
	t.Parallel()
	ctx, daemon := inTrace(t)
	cfg := aws.Config{Region: "us-east-1", HTTPClient: refuse{}, Retryer: func() aws.Retryer { return aws.NopRetryer{} }}
	tracing.Instrument(&cfg)
	_ = tracing.Run(ctx, "handler", func(ctx context.Context) error {
		_, err := sns.NewFromConfig(cfg).Publish(ctx, &sns.PublishInput{TopicArn: aws.String("t"), Message: aws.String(secret)})
		if err == nil {
			t.Error("no error")
		}
		return nil
	})
	got, text := daemon.next()
	if len(got.Subsegments) != 1 {
		t.Fatalf("want one call inside of the handler: %s", text)
	}
	call := got.Subsegments[0]
	if call.Name != "SNS" || call.Namespace != "aws" || call.AWS["operation"] != "Publish" || !call.Fault {
		t.Errorf("call %+v", call)
	}
	if want := "AuthorizationError HTTP 403"; len(call.Cause.Exceptions) != 1 || call.Cause.Exceptions[0].Message != want {
		t.Errorf("exceptions %+v, want %s", call.Cause.Exceptions, want)
	}
	if strings.Contains(text, secret) {
		t.Errorf("AWS's text is in the trace: %s", text)
	}
}

func TestID(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ header, want string }{
		"sampled":     {"Root=" + root + ";Parent=" + parent + ";Sampled=1", root},
		"not_sampled": {"Root=" + root + ";Parent=" + parent + ";Sampled=0", root},
		"lineage":     {"Root=" + root + ";Parent=" + parent + ";Sampled=0;Lineage=1:a:0", root},
		"empty":       {"", ""},
		"invented":    {"Root=<script>", ""},
		"too_long":    {"Root=" + root + "0", ""},
	} {
		if got := tracing.ID(header(t.Context(), tc.header)); got != tc.want {
			t.Errorf("%s: ID = %q, want %q", name, got, tc.want)
		}
	}
	if got := tracing.ID(t.Context()); got != "" {
		t.Errorf("outside of a trace: ID = %q", got)
	}
}

func (refuse) Do(req *http.Request) (*http.Response, error) {
	const body = `<ErrorResponse><Error><Code>AuthorizationError</Code><Message>not for ` + secret + `</Message></Error></ErrorResponse>`
	return &http.Response{StatusCode: http.StatusForbidden, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: req}, nil
}

// Calls work with and without a trace, and without a daemon.
// The bodies of calls are sent from memory, also with the roots that the environment names.
func TestLoad_sends_bodies_from_memory(t *testing.T) {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	roots := filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(roots, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, bundle := range []string{"", roots} {
		t.Setenv("AWS_CA_BUNDLE", bundle)
		t.Setenv("AWS_REGION", "us-east-1")
		cfg, err := tracing.Load(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		// A body that is read before the request is sent is known to be too short.
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, io.MultiReader(strings.NewReader("eve")))
		if err != nil {
			t.Fatal(err)
		}
		req.ContentLength = 5
		if _, err := cfg.HTTPClient.Do(req); !errors.Is(err, io.ErrUnexpectedEOF) || !strings.Contains(err.Error(), "InMemory") {
			t.Errorf("with %q: %v", bundle, err)
		}
		req.Body, req.ContentLength = http.NoBody, 0
		resp, err := cfg.HTTPClient.Do(req)
		if trusted := err == nil; trusted != (bundle != "") {
			t.Errorf("with %q the server is trusted: %t, %v", bundle, trusted, err)
		}
		if err == nil {
			_ = resp.Body.Close()
		}
	}
}

// A redirect is not followed: it could lead to another host, with the session token.
func TestLoad_follows_no_redirect(t *testing.T) {
	var calls atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if calls.Add(1) == 1 { // the SDK's client follows any number of them
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		}
	}))
	t.Cleanup(server.Close)
	for name, value := range map[string]string{"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_ENDPOINT_URL": server.URL} {
		t.Setenv(name, value)
	}
	cfg, err := tracing.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sns.NewFromConfig(cfg).Publish(t.Context(), &sns.PublishInput{TopicArn: aws.String("t"), Message: aws.String("m")}); err == nil || calls.Load() != 1 {
		t.Errorf("%d calls, %v", calls.Load(), err)
	}
}

func TestLoad_tracing_never_hurts(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>`)
	}))
	t.Cleanup(server.Close)
	for name, value := range map[string]string{
		"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret",
		"AWS_ENDPOINT_URL": server.URL, "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:9", "LAMBDA_TASK_ROOT": "/var/task",
	} {
		t.Setenv(name, value)
	}
	cfg, err := tracing.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	traced := header(t.Context(), "Root="+root+";Parent="+parent+";Sampled=1")
	for name, ctx := range map[string]context.Context{"without_trace": t.Context(), "with_trace": traced} {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		_, err := sns.NewFromConfig(cfg).Publish(ctx, &sns.PublishInput{TopicArn: aws.String("t"), Message: aws.String("m")})
		cancel()
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A service that answers 503 is not one that does not answer: the attempts must end before
// the time of the call does, whatever is in the answer.
func TestLoad_a_503_is_called_a_503(t *testing.T) {
	for name, body := range map[string]string{"nothing": "", "page": "<html>Service Unavailable</html>", "json": `{"__type":"ServiceUnavailable"}`} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, body)
		}))
		t.Cleanup(server.Close)
		for key, value := range map[string]string{"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_ENDPOINT_URL": server.URL} {
			t.Setenv(key, value)
		}
		cfg, err := tracing.Load(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for service, call := range map[string]func(context.Context) error{
			"SNS.Publish": func(ctx context.Context) error {
				_, err := sns.NewFromConfig(cfg).Publish(ctx, &sns.PublishInput{TopicArn: aws.String("t"), Message: aws.String("m")})
				return err
			},
			"SQS.SendMessage": func(ctx context.Context) error {
				_, err := sqs.NewFromConfig(cfg).SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: aws.String(server.URL + "/1/q"), MessageBody: aws.String("m")})
				return err
			},
			"SSM.GetParameters": func(ctx context.Context) error {
				_, err := ssm.NewFromConfig(cfg).GetParameters(ctx, &ssm.GetParametersInput{Names: []string{"n"}})
				return err
			},
		} {
			ctx, cancel := context.WithTimeout(t.Context(), 800*time.Millisecond) // drain's limit
			err := call(ctx)
			cancel()
			if got := reason.Of(err); !strings.HasPrefix(got, service+" ") || !strings.HasSuffix(got, " HTTP 503") {
				t.Errorf("%s with %s: %q", service, name, got)
			}
		}
	}
}

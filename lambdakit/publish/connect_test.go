package publish_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gatehouse.example/lambdakit/publish"
)

const published = `<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>`

// endpoint stands for SNS and SQS at once, as AWS_ENDPOINT_URL does.
type endpoint struct {
	*httptest.Server
	connections atomic.Int32

	mu     sync.Mutex
	bodies []string
}

func newEndpoint(t testing.TB, topic, outbox http.HandlerFunc) *endpoint {
	t.Helper()
	e := &endpoint{}
	e.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			// A client that leaves it unread cannot use the connection again.
			_, _ = w.Write(make([]byte, 8<<10))
			return
		}
		body, _ := io.ReadAll(r.Body)
		e.mu.Lock()
		e.bodies = append(e.bodies, string(body))
		e.mu.Unlock()
		if toSQS(r) {
			outbox(w, r)
			return
		}
		topic(w, r)
	}))
	e.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			e.connections.Add(1)
		}
	}
	e.Start()
	t.Cleanup(e.Close)
	return e
}

// takes answers as AWS does, each service in its own protocol.
func takes(w http.ResponseWriter, r *http.Request) {
	if !toSQS(r) {
		_, _ = io.WriteString(w, published)
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	_, _ = io.WriteString(w, `{"MessageId":"1"}`)
}

func toSQS(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("X-Amz-Target"), "AmazonSQS.")
}

// hangs answers when the caller has gone.
func hangs(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

func refuses(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(http.StatusForbidden)
	_, _ = io.WriteString(w, `<ErrorResponse><Error><Type>Sender</Type><Code>SignatureDoesNotMatch</Code><Message>The Canonical String should have been x-amz-security-token:TOKEN</Message></Error></ErrorResponse>`)
}

func environment(url string) func(string) string {
	return func(name string) string {
		return map[string]string{
			"AWS_REGION": "eu-central-1", "GATEHOUSE_ENVIRONMENT": "test", "TOPIC_ARN": topicARN,
			"OUTBOX_URL": url + "/123456789012/outbox", "AWS_ENDPOINT_URL": url,
			"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "TOKEN",
		}[name]
	}
}

func connect(t *testing.T, url string, log io.Writer) *publish.Publisher {
	t.Helper()
	c, err := publish.ConfigFromEnv(environment(url))
	if err != nil {
		t.Fatalf("ConfigFromEnv: %v", err)
	}
	p := publish.Connect(t.Context(), c, slog.New(slog.NewJSONHandler(log, nil)))
	p.Out = io.Discard
	return p
}

func TestFirstPublishOpensNoConnection(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t, takes, takes)
	p := connect(t, e.URL, io.Discard)
	if n := e.connections.Load(); n != 1 {
		t.Fatalf("%d connections after Connect, want 1", n)
	}
	if got, err := publishOne(t.Context(), p, someEvent(t)); err != nil || got != publish.Published {
		t.Fatalf("Publish = %q, %v", got, err)
	}
	if n := e.connections.Load(); n != 1 {
		t.Errorf("%d connections after the first event, want the one of Connect", n)
	}
}

func TestPublishSurvivesAConnectionThatDied(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t, takes, takes)
	p := connect(t, e.URL, io.Discard)
	e.CloseClientConnections()
	if got, err := publishOne(t.Context(), p, someEvent(t)); err != nil || got != publish.Published {
		t.Errorf("Publish = %q, %v", got, err)
	}
}

// TestPublishSurvivesAFreeze: a connection can end while the function is frozen.
// The first event finds it closed and opens a new one.
func TestPublishSurvivesAFreeze(t *testing.T) {
	t.Parallel()
	for name, dead := range map[string]http.HandlerFunc{
		"silent": hangs,
		"closed": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"reset": func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Errorf("Hijack: %v", err)
				return
			}
			_ = conn.(*net.TCPConn).SetLinger(0)
			_ = conn.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var warmed atomic.Value
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body) // otherwise the server does not notice that the caller is gone
				switch {
				case r.Method == http.MethodGet:
					warmed.Store(r.RemoteAddr)
				case r.RemoteAddr == warmed.Load():
					dead(w, r)
				default:
					takes(w, r)
				}
			}))
			t.Cleanup(server.Close)
			p := connect(t, server.URL, io.Discard)
			start := time.Now()
			if got, err := publishOne(t.Context(), p, someEvent(t)); err != nil || got != publish.Published {
				t.Errorf("Publish = %q, %v", got, err)
			}
			if took := time.Since(start); took > 1200*time.Millisecond {
				t.Errorf("took %v", took)
			}
		})
	}
}

func TestHangingTopicFallsBackInTime(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		topic, outbox http.HandlerFunc
		want          publish.Outcome
		least, most   time.Duration
	}{
		"topic_hangs":       {hangs, takes, publish.FellBack, 1200 * time.Millisecond, 1900 * time.Millisecond},
		"both_hang":         {hangs, hangs, publish.Logged, 2400 * time.Millisecond, 3000 * time.Millisecond},
		"topic_refuses":     {refuses, takes, publish.FellBack, 0, 1200 * time.Millisecond},
		"both_refuse":       {refuses, refuses, publish.Logged, 0, 1200 * time.Millisecond},
		"endpoint_says_500": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, takes, publish.FellBack, 0, 1200 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEndpoint(t, tc.topic, tc.outbox)
			var log strings.Builder
			p := connect(t, e.URL, &log)
			ev := someEvent(t)
			start := time.Now()
			got, err := publishOne(t.Context(), p, ev)
			took := time.Since(start)
			if err != nil || got != tc.want {
				t.Errorf("Publish = %q, %v, want %q\n%s", got, err, tc.want, log.String())
			}
			if took < tc.least || took > tc.most {
				t.Errorf("took %v, want between %v and %v", took, tc.least, tc.most)
			}
			e.mu.Lock()
			defer e.mu.Unlock()
			for _, body := range e.bodies {
				if !strings.Contains(body, ev.ID()) {
					t.Errorf("an attempt had another id: %s", body)
				}
			}
			if strings.Contains(log.String(), "TOKEN") {
				t.Errorf("the log quotes a session token: %s", log.String())
			}
		})
	}
}

func TestConnectIsBoundedAndHarmless(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("net.Listen: %v", err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	for name, address := range map[string]string{
		"refused":  "http://127.0.0.1:1",
		"silent":   "http://" + silent.Addr().String(),
		"no_host":  "http://no-such-host.invalid",
		"nonsense": "://",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start := time.Now()
			if p := connect(t, address, io.Discard); p == nil {
				t.Fatal("no Publisher")
			}
			// 300 ms, and something for a busy machine.
			if took := time.Since(start); took > 700*time.Millisecond {
				t.Errorf("took %v", took)
			}
		})
	}
}

// TestNothingFollowsARedirect keeps signed calls, and the start of a function,
// from going to another host.
func TestNothingFollowsARedirect(t *testing.T) {
	t.Parallel()
	var strayed atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { strayed.Add(1) }))
	t.Cleanup(other.Close)
	server := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	t.Cleanup(server.Close)
	p := connect(t, server.URL, io.Discard)
	if got, err := publishOne(context.Background(), p, someEvent(t)); err != nil || got != publish.Logged {
		t.Errorf("Publish = %q, %v", got, err)
	}
	if n := strayed.Load(); n > 0 {
		t.Errorf("%d requests went to the other host", n)
	}
}

func TestConfigFromEnvNamesTheVariable(t *testing.T) {
	t.Parallel()
	for _, missing := range []string{"AWS_REGION", "GATEHOUSE_ENVIRONMENT", "OUTBOX_URL", "TOPIC_ARN"} {
		_, err := publish.ConfigFromEnv(with(missing, ""))
		if err == nil || !strings.Contains(err.Error(), missing) {
			t.Errorf("without %s: %v", missing, err)
		}
	}
	for _, name := range []string{"AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"} {
		_, err := publish.ConfigFromEnv(with(name, "yes"))
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s=yes: %v", name, err)
		}
	}
}

// with is the environment with another value in one variable.
func with(variable, value string) func(string) string {
	return func(name string) string {
		if name == variable {
			return value
		}
		return environment("http://127.0.0.1")(name)
	}
}

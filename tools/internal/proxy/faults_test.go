package proxy

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gatehouse.example/tools/internal/proxy/upstreamtest"
)

const snsScope = "AWS4-HMAC-SHA256 Credential=test/20261122/us-east-1/sns/aws4_request, SignedHeaders=host, Signature=0"

func setFault(t *testing.T, origin, body string) {
	t.Helper()
	res, err := http.Post(origin+"/_gatehouse/faults", "application/json", strings.NewReader(body))
	if err != nil || res.StatusCode != http.StatusCreated {
		t.Fatalf("fault not set: %v %v", res, err)
	}
}

func signed(t *testing.T, ctx context.Context, origin, authorization string, form url.Values) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, origin+"/", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", authorization)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	return req
}

func TestFaultAnswersAnError(t *testing.T) {
	t.Parallel()
	f := upstreamtest.New(t)
	_, origin := start(t, f)
	setFault(t, origin, `{"service":"sns","action":"Publish","mode":"error","status":503,"times":1}`)
	form := url.Values{"Action": {"Publish"}, "Message": {"m"}}
	if status, _, _ := upstreamtest.Do(t, signed(t, t.Context(), origin, snsScope, url.Values{"Action": {"ListTopics"}})); status != 200 {
		t.Errorf("another action got %d", status)
	}
	if status, _, _ := upstreamtest.Do(t, signed(t, t.Context(), origin, strings.Replace(snsScope, "/sns/", "/sqs/", 1), form)); status != 200 {
		t.Errorf("another service got %d", status)
	}
	if status, _, body := upstreamtest.Do(t, signed(t, t.Context(), origin, snsScope, form)); status != 503 || !strings.Contains(body, "ErrorResponse") {
		t.Errorf("got %d %s", status, body)
	}
	if status, _, _ := upstreamtest.Do(t, signed(t, t.Context(), origin, snsScope, form)); status != 200 {
		t.Errorf("spent fault still answers %d", status)
	}
	if f.Bodies()[len(f.Bodies())-1] != form.Encode() {
		t.Errorf("body arrived as %q", f.Bodies())
	}
}

// A topic that refuses one message refuses several at once, too.
func TestFaultOfABatch(t *testing.T) {
	t.Parallel()
	_, origin := start(t, upstreamtest.New(t))
	setFault(t, origin, `{"service":"sns","action":"Publish","mode":"error","status":503}`)
	if status, _, _ := upstreamtest.Do(t, signed(t, t.Context(), origin, snsScope, url.Values{"Action": {"PublishBatch"}})); status != 503 {
		t.Errorf("a batch got %d", status)
	}
}

func TestFaultByTarget(t *testing.T) {
	t.Parallel()
	f := upstreamtest.New(t)
	_, origin := start(t, f)
	setFault(t, origin, `{"service":"sqs","action":"SendMessage","mode":"error","status":400}`)
	req := signed(t, t.Context(), origin, strings.Replace(snsScope, "/sns/", "/sqs/", 1), nil)
	req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	req.Header.Set("X-Amz-Target", "AmazonSQS.SendMessage")
	if status, header, body := upstreamtest.Do(t, req); status != 400 || header.Get("X-Amzn-Errortype") == "" || !strings.Contains(body, "__type") {
		t.Errorf("got %d %s", status, body)
	}
}

func TestFaultRefuses(t *testing.T) {
	t.Parallel()
	f := upstreamtest.New(t)
	_, origin := start(t, f)
	setFault(t, origin, `{"service":"sns","mode":"refuse"}`)
	if res, err := http.DefaultClient.Do(signed(t, t.Context(), origin, snsScope, nil)); err == nil {
		t.Errorf("answered %d", res.StatusCode)
	}
}

func TestFaultHangs(t *testing.T) {
	t.Parallel()
	f := upstreamtest.New(t)
	h, origin := start(t, f)
	setFault(t, origin, `{"service":"sns","mode":"hang"}`)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := http.DefaultClient.Do(signed(t, ctx, origin, snsScope, url.Values{"Action": {"Publish"}})); ctx.Err() == nil {
		t.Errorf("ended before the client left: %v", err)
	}
	if list := h.faults.list(); len(list) != 1 || list[0].Seen != 1 {
		t.Errorf("list %+v", list)
	}
	ended := make(chan struct{})
	go func() {
		_, _ = http.DefaultClient.Do(signed(t, context.Background(), origin, snsScope, url.Values{"Action": {"Publish"}}))
		close(ended)
	}()
	for h.faults.list()[0].Seen < 2 {
		select {
		case <-ended:
			t.Fatal("did not hang")
		case <-time.After(time.Millisecond):
		}
	}
	req, err := http.NewRequest(http.MethodDelete, origin+"/_gatehouse/faults", nil)
	if err != nil {
		t.Fatal(err)
	}
	upstreamtest.Do(t, req)
	<-ended
}

// A fault after the call: AWS receives it, and the caller sees less, or sees it later.
func TestFaultsThatLetTheCallThrough(t *testing.T) {
	t.Parallel()
	const answer = `{"MessageId":"m"}`
	for mode, want := range map[string]struct {
		calls int
		body  string // what the caller reads
		err   bool
	}{
		"delay":  {1, answer, false},
		"repeat": {2, answer, false},
		"cut":    {1, answer[:len(answer)/2], true},
		"lose":   {1, "", true},
	} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			var bodies sync.Map
			var calls atomic.Int32
			emulator := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				bodies.Store(calls.Add(1), string(body))
				_, _ = io.WriteString(w, answer)
			}))
			t.Cleanup(emulator.Close)
			h, origin := serve(t, emulator.URL)
			one := `{"service":"sns","mode":"` + mode + `"}`
			if mode == "delay" {
				one = `{"service":"sns","mode":"delay","milliseconds":30}`
			}
			setFault(t, origin, one)
			form := url.Values{"Action": {"Publish"}, "Message": {"m"}}
			began := time.Now()
			res, err := http.DefaultClient.Do(signed(t, t.Context(), origin, snsScope, form))
			var got []byte
			if err == nil {
				got, err = io.ReadAll(res.Body)
				_ = res.Body.Close()
			}
			if string(got) != want.body || (err != nil) != want.err {
				t.Errorf("read %q, %v", got, err)
			}
			if n := int(calls.Load()); n != want.calls {
				t.Errorf("AWS received the call %d times, want %d", n, want.calls)
			}
			bodies.Range(func(n, body any) bool {
				if body != form.Encode() {
					t.Errorf("call %v arrived as %q", n, body)
				}
				return true
			})
			if took := time.Since(began); mode == "delay" && took < 30*time.Millisecond {
				t.Errorf("answered after %s", took)
			}
			if list := h.faults.list(); len(list) != 1 || list[0].Seen != 1 {
				t.Errorf("list %+v", list)
			}
		})
	}
}

// An answer without a body is cut, too: the caller must not take it for a whole one.
func TestFaultCutsAnEmptyAnswer(t *testing.T) {
	t.Parallel()
	emulator := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(emulator.Close)
	_, origin := serve(t, emulator.URL)
	setFault(t, origin, `{"service":"sns","mode":"cut"}`)
	res, err := http.DefaultClient.Do(signed(t, t.Context(), origin, snsScope, nil))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if body, err := io.ReadAll(res.Body); err == nil {
		t.Errorf("read %q", body)
	}
}

// A delayed call arrives although its caller has left, as soon as the fault is cleared.
func TestFaultDelaysACallWhoseCallerLeft(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{})
	emulator := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { close(arrived) }))
	t.Cleanup(emulator.Close)
	h, origin := serve(t, emulator.URL)
	setFault(t, origin, `{"service":"sns","mode":"delay","milliseconds":60000}`)
	ctx, cancel := context.WithCancel(t.Context())
	left := make(chan struct{})
	go func() {
		_, _ = http.DefaultClient.Do(signed(t, ctx, origin, snsScope, nil))
		close(left)
	}()
	for h.faults.list()[0].Seen == 0 {
		select {
		case <-left:
			t.Fatal("not delayed")
		case <-time.After(time.Millisecond):
		}
	}
	cancel()
	<-left
	h.faults.clear()
	<-arrived
}

func TestInvalidFaultsAreRefused(t *testing.T) {
	t.Parallel()
	f := upstreamtest.New(t)
	_, origin := start(t, f)
	for _, body := range []string{"", "{}", `{"service":"sns","mode":"x"}`, `{"service":"sns","mode":"error","status":200}`, `{"service":"sns","mode":"hang","times":-1}`, `{"service":"sns","mode":"hang","x":1}`,
		`{"service":"sns","mode":"delay"}`, `{"service":"sns","mode":"lose","milliseconds":1}`} {
		res, err := http.Post(origin+"/_gatehouse/faults", "application/json", strings.NewReader(body))
		if err != nil || res.StatusCode != 400 {
			t.Errorf("%s: %v %v", body, res, err)
		}
	}
}

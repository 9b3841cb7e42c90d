package proxy

import (
	"context"
	"net/http"
	"net/url"
	"strings"
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

func TestInvalidFaultsAreRefused(t *testing.T) {
	t.Parallel()
	f := upstreamtest.New(t)
	_, origin := start(t, f)
	for _, body := range []string{"", "{}", `{"service":"sns","mode":"x"}`, `{"service":"sns","mode":"error","status":200}`, `{"service":"sns","mode":"hang","times":-1}`, `{"service":"sns","mode":"hang","x":1}`} {
		res, err := http.Post(origin+"/_gatehouse/faults", "application/json", strings.NewReader(body))
		if err != nil || res.StatusCode != 400 {
			t.Errorf("%s: %v %v", body, res, err)
		}
	}
}

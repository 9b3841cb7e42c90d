package encryptor

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/google/go-cmp/cmp"
)

func TestAnswers(t *testing.T) {
	t.Parallel()
	var got cfn.Response
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPut || r.Header.Get("Content-Type") != "" || json.NewDecoder(r.Body).Decode(&got) != nil {
			t.Errorf("%s %s", r.Method, r.Header)
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte("<Error><StringToSign>signature</StringToSign></Error>"))
	}))
	defer server.Close()
	create := cfn.Event{RequestType: cfn.RequestCreate, RequestID: "r", StackID: "s", LogicalResourceID: "l", ResponseURL: server.URL + "/?X-Amz-Signature=signature"}
	update := create
	update.RequestType, update.PhysicalResourceID = cfn.RequestUpdate, "old"
	for name, tc := range map[string]struct {
		event cfn.Event
		id    string
		err   error
		want  cfn.Response
	}{
		"success":       {create, "group", nil, cfn.Response{Status: cfn.StatusSuccess, PhysicalResourceID: "group", Data: map[string]any{"a": "b"}}},
		"failure":       {create, "(not made)", errors.New("why"), cfn.Response{Status: cfn.StatusFailed, PhysicalResourceID: "(not made)", Reason: "why", Data: map[string]any{"a": "b"}}},
		"without_an_id": {update, "", errors.New("why"), cfn.Response{Status: cfn.StatusFailed, PhysicalResourceID: "old", Reason: "why", Data: map[string]any{"a": "b"}}},
	} {
		got = cfn.Response{}
		a := Answerer{Client: server.Client(), Handle: func(context.Context, cfn.Event) (string, map[string]any, error) {
			return tc.id, map[string]any{"a": "b"}, tc.err
		}}
		if _, err := a.Request(t.Context(), tc.event); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		tc.want.RequestID, tc.want.StackID, tc.want.LogicalResourceID = "r", "s", "l"
		if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(cfn.Response{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	a := Answerer{Client: server.Client(), Handle: func(context.Context, cfn.Event) (string, map[string]any, error) { panic("x") }}
	func() {
		defer func() {
			if recover() == nil || got.Status != cfn.StatusFailed || got.PhysicalResourceID != "r" {
				t.Errorf("after a panic: %+v", got)
			}
		}()
		_, _ = a.Request(t.Context(), create)
	}()
	status = http.StatusForbidden
	a.Handle = func(context.Context, cfn.Event) (string, map[string]any, error) { return "group", nil, nil }
	for url, want := range map[string]string{
		create.ResponseURL: "HTTP 403",
		"http://127.0.0.1:1/?X-Amz-Signature=signature": "network dial",
		"://signature": "no URL",
	} {
		create.ResponseURL = url
		if _, err := a.Request(t.Context(), create); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "signature") {
			t.Errorf("answer to %s: %v, want %s without the signature", url, err, want)
		}
	}
}

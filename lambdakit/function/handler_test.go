package function

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/lambda/messages"
)

func TestJSON(t *testing.T) {
	t.Parallel()
	refused := errors.New("refused")
	handler := JSON(func(_ context.Context, in struct{ N int }) (map[string]any, error) {
		switch in.N {
		case 0:
			return nil, refused
		case 1:
			return map[string]any{"f": func() {}}, nil
		}
		return map[string]any{"text": "<&>"}, nil
	})
	for name, tc := range map[string]struct{ payload, want, fails string }{
		"answer":         {`{"N":2}`, `{"text":"<&>"}`, ""},
		"own_error":      {`{"N":0}`, "", "refused"},
		"number":         {`{"N":8817350001.5}`, "", "not JSON of the expected shape"},
		"text":           {`{"N":"ann@example.org"}`, "", "not JSON of the expected shape"},
		"syntax":         {`ann@example.org`, "", "not JSON of the expected shape"},
		"answer_is_odd":  {`{"N":1}`, "", "the answer is not JSON"},
		"unknown_fields": {`{"N":2,"x":1}`, `{"text":"<&>"}`, ""},
	} {
		got, err := handler.Invoke(t.Context(), []byte(tc.payload))
		if string(got) != tc.want || (err == nil) != (tc.fails == "") || err != nil && !strings.Contains(err.Error(), tc.fails) {
			t.Errorf("%s: %s, %v", name, got, err)
		}
		if err != nil && strings.Contains(err.Error(), "example.org") || err != nil && strings.Contains(err.Error(), "88173") {
			t.Errorf("%s: the error quotes the payload: %v", name, err)
		}
	}
}

func TestPanicIsReportedWithoutItsValue(t *testing.T) {
	t.Parallel()
	_, err := guard{JSON(func(context.Context, json.RawMessage) (any, error) { panic("ann@example.org") })}.Invoke(t.Context(), []byte("1"))
	var report messages.InvokeResponse_Error
	if !errors.As(err, &report) || report.Message != "function: panic of type string" || !report.ShouldExit {
		t.Fatalf("Invoke = %v", err)
	}
	raw, err := json.Marshal(report)
	if err != nil || strings.Contains(string(raw), "example.org") || !strings.Contains(string(raw), "TestPanicIsReportedWithoutItsValue") {
		t.Errorf("report %s, %v; want the place and not the value", raw, err)
	}
}

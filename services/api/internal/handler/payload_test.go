package handler

import (
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"
)

func readPayload(t *testing.T, file string, into any) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatal(err)
	}
}

// The payloads for trying the function by hand are read as they are meant.
func TestPayloads(t *testing.T) {
	t.Parallel()
	h := newHandler()
	h.Clients = []string{"1example23456789example12"}
	for name, want := range map[string]int{
		"guest": http.StatusOK, "user": http.StatusOK, "client": http.StatusOK,
		"user-access-token": http.StatusUnauthorized, "preflight": http.StatusNoContent,
	} {
		var r events.APIGatewayProxyRequest
		readPayload(t, filepath.Join("..", "..", "events", name+".json"), &r)
		a, err := h.Handle(t.Context(), r)
		if err != nil || a.StatusCode != want {
			t.Errorf("%s: %d %s %v, want %d", name, a.StatusCode, a.Body, err, want)
		}
	}
}

// They have the keys of the payload that aws-lambda-go has next to its types.
func TestPayloadsHaveAWSShape(t *testing.T) {
	t.Parallel()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/aws/aws-lambda-go").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var fixture map[string]any
	readPayload(t, filepath.Join(strings.TrimSpace(string(dir)), "events", "testdata", "apigw-request.json"), &fixture)
	want := append(keysOf(fixture), "isBase64Encoded") // which that payload leaves out
	slices.Sort(want)
	files, err := filepath.Glob(filepath.Join("..", "..", "events", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no payloads: %v", err)
	}
	for _, file := range files {
		var got map[string]any
		readPayload(t, file, &got)
		if diff := cmp.Diff(want, keysOf(got)); diff != "" {
			t.Errorf("%s (-AWS +ours):\n%s", file, diff)
		}
		context, _ := fixture["requestContext"].(map[string]any)
		ours, _ := got["requestContext"].(map[string]any)
		ours["authorizer"] = nil // only where the method has one
		if diff := cmp.Diff(keysOf(context), keysOf(ours)); diff != "" {
			t.Errorf("%s, requestContext (-AWS +ours):\n%s", file, diff)
		}
	}
}

func keysOf(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }

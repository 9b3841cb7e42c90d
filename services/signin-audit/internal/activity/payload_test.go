package activity

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-lambda-go/events"
)

// The payloads for trying the function by hand are read as they are meant.
func TestPayloads(t *testing.T) {
	t.Parallel()
	for file, reader := range map[string]string{"activity.json": erika, "activity-auditor.json": otto} {
		raw, err := os.ReadFile(filepath.Join("..", "..", "events", file))
		if err != nil {
			t.Fatal(err)
		}
		var r events.APIGatewayProxyRequest
		if err := json.Unmarshal(raw, &r); err != nil {
			t.Fatal(err)
		}
		w := newFixture()
		w.store.values["web-client-id"] = "1example23456789example12"
		w.db.add(erika, "gatehouse.user.signin.succeeded.v1", 1, nil)
		claims, _ := r.RequestContext.Authorizer["claims"].(map[string]any)
		if claims["sub"] != reader {
			t.Errorf("%s: the token of %v", file, claims["sub"])
		}
		w.users.name, _ = claims["cognito:username"].(string)
		if got := w.ask(t, r); got.status != http.StatusOK || ids(got.page) != "001" {
			t.Errorf("%s: %+v", file, got)
		}
	}
}

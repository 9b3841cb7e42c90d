package accountrecords_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gatehouse.example/services/user-events/internal/accountrecords"
)

// What becomes of each fixture. A record that somebody captures is one more file, and one
// more line here.
func TestFixtures(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"add-user-pool-client-secret":  "gatehouse.pool.changed.v1, client-secret (inferred)",
		"admin-add-user-to-group":      "gatehouse.user.group.added.v1 (public capture)",
		"admin-create-user":            "gatehouse.user.created.v1 (public capture)",
		"admin-disable-user":           "gatehouse.user.disabled.v1 (inferred)",
		"admin-enable-user":            "gatehouse.user.enabled.v1 (inferred)",
		"admin-remove-user-from-group": "gatehouse.user.group.removed.v1 (public capture)",
		"change-password":              "gatehouse.user.password.changed.v1, changed (inferred)",
		"delete-user":                  "gatehouse.user.deleted.v1 (public capture)",
		"global-sign-out":              "gatehouse.user.signedout.v1 (inferred)",
		"set-user-mfa-preference":      "gatehouse.user.mfa.changed.v1, preference (inferred)",
		"token-post":                   "gatehouse.client.token.issued.v1 (documentation)",
		"token-post-refused":           "gatehouse.client.token.refused.v1 (documentation)",
		"update-user-attributes":       "gatehouse.user.attributes.changed.v1, updated (public capture)",
	}
	files, err := filepath.Glob(filepath.Join("testdata", "records", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		got[strings.TrimSuffix(filepath.Base(file), ".json")] = accountrecords.Explain(body)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		person:                  "kept in the dead-letter queue, not_a_record",
		call("AdminMagic", nil): "kept in the dead-letter queue, unknown_operation",
		call("UpdateUserPool", fields{"requestParameters": hidden}):               "kept in the dead-letter queue, without_a_pool",
		call("InitiateAuth", nil):                                                 "ignored, a sign-in, which signin-audit reads",
		call("ListUsers", nil):                                                    "ignored, nothing has happened",
		call("AdminDeleteUser", fields{"errorCode": "UserNotFoundException"}):     "ignored, nothing has happened",
		call("GlobalSignOut", fields{"additionalEventData": nil}):                 "counted only, it does not say whose it is",
		page("Token_POST", fields{"additionalEventData.responseParameters": nil}): "kept in the dead-letter queue, without_a_status",
	} {
		if got := accountrecords.Explain([]byte(body)); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

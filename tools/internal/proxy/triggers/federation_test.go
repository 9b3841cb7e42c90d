package triggers

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gatehouse.example/tools/internal/proxy/upstreamtest"
)

// Which triggers a federated person fires, by AWS's table, and that the first one that
// fails is the last.
func TestFederatedFires(t *testing.T) {
	t.Parallel()
	const created, before, after = "PostConfirmation_ConfirmSignUp", "PreAuthentication_Authentication", "PostAuthentication_Authentication"
	for name, tc := range map[string]struct {
		first  bool
		policy string
		want   []string
	}{
		"first":         {true, upstreamtest.Policy, []string{created}},
		"later":         {false, upstreamtest.Policy, []string{before, after}},
		"no_permission": {false, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := upstreamtest.New(t)
			f.Policy = tc.policy
			f.User = map[string]any{
				"Username": "Acme_1", "UserStatus": "EXTERNAL_PROVIDER",
				"UserAttributes": upstreamtest.Attributes("sub", "u-1", "email", "a@x.example", "identities", "[{}]"),
			}
			tr, _ := start(t, f)
			cl, pool, _, err := tr.up.ClientPool(t.Context(), "c1")
			if err != nil {
				t.Fatal(err)
			}
			if err := tr.Federated(t.Context(), cl, pool, "Acme_1", tc.first, ""); (err != nil) != (tc.policy == "") {
				t.Error(err)
			}
			if diff := cmp.Diff(tc.want, f.Calls()); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
			for _, payload := range f.Payloads() {
				if text := string(payload); !strings.Contains(text, `"cognito:user_status":"EXTERNAL_PROVIDER"`) || !strings.Contains(text, `"clientId":"c1"`) {
					t.Errorf("payload %s", text)
				}
			}
		})
	}
}

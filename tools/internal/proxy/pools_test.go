package proxy

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// pooling runs cognito/pools.py with a stand-in for the emulator, which has one pool, updates
// it with the argument, and prints what DescribeUserPool then answers.
const pooling = `
import json, sys, types
services, cognito = types.ModuleType("ministack.services"), types.ModuleType("ministack.services.cognito")
services.cognito = cognito
sys.modules |= {"ministack": types.ModuleType("ministack"), "ministack.services": services, "ministack.services.cognito": cognito}
cognito._user_pools = {"p": {"Name": "n", "SoftwareTokenMfaConfiguration": {"Enabled": True}, "UserPoolTags": {"aws:stack": "s", "team": "a"}}}
cognito._pool_out = lambda pool: dict(pool)
cognito._update_user_pool = lambda data: cognito._user_pools["p"].update({k: v for k, v in data.items() if k != "UserPoolId"})
from cognito import pools
pools.install()
cognito._update_user_pool({"UserPoolId": "p"} | json.loads(sys.argv[1]))
print(json.dumps(cognito._pool_out(cognito._user_pools["p"]), sort_keys=True))
`

func TestPoolsSettings(t *testing.T) {
	t.Parallel()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no Python")
	}
	for name, tc := range map[string]struct{ update, want string }{
		"tags_not_given":    {`{}`, `{"Name": "n", "UserPoolTags": {"aws:stack": "s", "team": "a"}}`},
		"tags_replaced":     {`{"UserPoolTags":{"cost":"4"}}`, `{"Name": "n", "UserPoolTags": {"aws:stack": "s", "cost": "4"}}`},
		"all_tags_removed":  {`{"UserPoolTags":{}}`, `{"Name": "n", "UserPoolTags": {"aws:stack": "s"}}`},
		"null_removes_tags": {`{"UserPoolTags":null}`, `{"Name": "n", "UserPoolTags": {"aws:stack": "s"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := exec.CommandContext(t.Context(), python, "-c", pooling, tc.update).CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			if diff := cmp.Diff(tc.want, strings.TrimSpace(string(out))); diff != "" {
				t.Errorf("pool (-want +got):\n%s", diff)
			}
		})
	}
}

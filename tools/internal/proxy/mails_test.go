package proxy

import (
	"os/exec"
	"strings"
	"testing"
)

// mailing runs iam/conditions.py with a stand-in for the emulator's IAM. It prints what is
// asked of IAM for a call of SES: the resource and the keys of conditions.
const mailing = `
import json, sys, types
core = types.ModuleType("ministack.core")
actions, evaluator = types.ModuleType("ministack.core.iam_actions"), types.ModuleType("ministack.core.iam_evaluator")
actions.s3_service_context = actions.request_tag_context = None
actions.extract_resource_arn = lambda *call: "*"
evaluator.enforce = lambda key, action, service, region, arn="*", context=None: print(arn, json.dumps(context))
core.iam_actions, core.iam_evaluator = actions, evaluator
sys.modules |= {"ministack": types.ModuleType("ministack"), "ministack.core": core,
                "ministack.core.iam_actions": actions, "ministack.core.iam_evaluator": evaluator}
from iam import conditions
conditions.install()
arn = actions.extract_resource_arn("ses", sys.argv[1], sys.argv[2], {}, sys.argv[3].encode(), {}, "r", "1")
evaluator.enforce("k", "ses:SendEmail", "sesv2", "r", resource_arn=arn)
`

func TestMailsNameTheirSender(t *testing.T) {
	t.Parallel()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no Python")
	}
	for name, tc := range map[string]struct{ method, path, body, want string }{
		"mail":         {"POST", "/v2/email/outbound-emails", `{"FromEmailAddress":"a@x.example"}`, `arn:aws:ses:r:1:identity/x.example {"ses:FromAddress": "a@x.example"}`},
		"display_name": {"POST", "/v2/email/outbound-emails", `{"FromEmailAddress":"\"X\" <a@x.example>"}`, `arn:aws:ses:r:1:identity/x.example {"ses:FromAddress": "a@x.example"}`},
		"no_sender":    {"POST", "/v2/email/outbound-emails", `{}`, `* null`},
		"not_json":     {"POST", "/v2/email/outbound-emails", `x`, `* null`},
		"other_call":   {"POST", "/v2/email/identities", `{"FromEmailAddress":"a@x.example"}`, `* null`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := exec.CommandContext(t.Context(), python, "-B", "-c", mailing, tc.method, tc.path, tc.body).CombinedOutput()
			if got := strings.TrimSpace(string(out)); err != nil || got != tc.want {
				t.Errorf("%v: %s, want %s", err, got, tc.want)
			}
		})
	}
}

package proxy

import (
	"encoding/json"
	"os/exec"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// notified runs delivery/redrive.py with a stand-in for the emulator, in which the queues of
// the first argument exist and admit the topic. It prints where a message to the queue q
// went, and what was counted.
const notified = `
import json, sys, types
admits, policy = json.loads(sys.argv[1]), sys.argv[2]
sent, counted = [], []
services = types.ModuleType("ministack.services")
services.cloudwatch = types.SimpleNamespace(
    record_metric=lambda namespace, name, value, unit, dimensions: counted.append([namespace, name, dimensions["TopicName"]]),
    _evaluate_all_alarms=lambda: None)
services.sqs = types.SimpleNamespace(
    _queue_by_arn=lambda arn: arn in admits or arn == "denies",
    queue_policy_allows=lambda arn, service, source, account: arn in admits and [service, source, account] == ["sns.amazonaws.com", "arn:aws:sns:r:1:t", "1"])
services.sns = types.SimpleNamespace(
    _topic_by_arn_any_scope=lambda arn: {"subscriptions": [{"endpoint": "other"}, {"endpoint": "q", "attributes": {"RedrivePolicy": policy}}]},
    _deliver_to_sqs=lambda endpoint, *content, topic_arn="", **more: sent.append([endpoint, content[0], topic_arn]))
sys.modules |= {"ministack": types.ModuleType("ministack"), "ministack.services": services}
from delivery import redrive
redrive.install()
services.sns._deliver_to_sqs("q", "message", True, "raw", topic_arn="arn:aws:sns:r:1:t")
print(json.dumps([[to for to, *_ in sent], [name for _, name, _ in counted]]))
`

func TestNotificationsAreRedriven(t *testing.T) {
	t.Parallel()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no Python")
	}
	const toDead = `{"deadLetterTargetArn":"dead"}`
	for name, tc := range map[string]struct {
		admits, policy string
		sent, counted  []string
	}{
		"delivered":     {`["q"]`, toDead, []string{"q"}, nil},
		"redriven":      {`["dead"]`, toDead, []string{"dead"}, []string{"NumberOfNotificationsFailed", "NumberOfNotificationsRedrivenToDlq"}},
		"lost":          {`[]`, toDead, nil, []string{"NumberOfNotificationsFailed", "NumberOfNotificationsFailedToRedriveToDlq"}},
		"denies":        {`[]`, `{"deadLetterTargetArn":"denies"}`, nil, []string{"NumberOfNotificationsFailed", "NumberOfNotificationsFailedToRedriveToDlq"}},
		"no_policy":     {`[]`, ``, nil, []string{"NumberOfNotificationsFailed"}},
		"broken_policy": {`[]`, `{`, nil, []string{"NumberOfNotificationsFailed"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := exec.CommandContext(t.Context(), python, "-B", "-c", notified, tc.admits, tc.policy).CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			var got [2][]string
			if err := json.Unmarshal(out, &got); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			want := [2][]string{append([]string{}, tc.sent...), append([]string{}, tc.counted...)}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("sent and counted (-want +got):\n%s", diff)
			}
		})
	}
}

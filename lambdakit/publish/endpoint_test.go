package publish

import (
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"testing"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/go-cmp/cmp"
)

// hosts keeps the scheme and host of each request, and answers none.
type hosts struct {
	mu   sync.Mutex
	seen []string
}

func (h *hosts) RoundTrip(r *http.Request) (*http.Response, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.seen = append(h.seen, r.URL.Scheme+"://"+r.URL.Host)
	return nil, errors.New("no network")
}

// TestEndpoints: every request of a publisher goes to the endpoint that the AWS
// SDKs document for these variables, that of the start too.
func TestEndpoints(t *testing.T) {
	t.Parallel()
	const fips, dualStack = "AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"
	for name, tc := range map[string]struct {
		region        string
		env           map[string]string
		topic, outbox string
	}{
		"plain":                {"eu-central-1", nil, "https://sns.eu-central-1.amazonaws.com", "https://sqs.eu-central-1.amazonaws.com"},
		"china":                {"cn-north-1", nil, "https://sns.cn-north-1.amazonaws.com.cn", "https://sqs.cn-north-1.amazonaws.com.cn"},
		"europe_sovereign":     {"eusc-de-east-1", nil, "https://sns.eusc-de-east-1.amazonaws.eu", "https://sqs.eusc-de-east-1.amazonaws.eu"},
		"fips":                 {"us-east-1", map[string]string{fips: "true"}, "https://sns-fips.us-east-1.amazonaws.com", "https://sqs-fips.us-east-1.amazonaws.com"},
		"fips_of_government":   {"us-gov-west-1", map[string]string{fips: "TRUE"}, "https://sns.us-gov-west-1.amazonaws.com", "https://sqs.us-gov-west-1.amazonaws.com"},
		"dual_stack":           {"eu-west-1", map[string]string{dualStack: "true"}, "https://sns.eu-west-1.api.aws", "https://sqs.eu-west-1.api.aws"},
		"fips_and_dual_stack":  {"us-east-2", map[string]string{fips: "true", dualStack: "true"}, "https://sns-fips.us-east-2.api.aws", "https://sqs-fips.us-east-2.api.aws"},
		"switched_off":         {"us-east-1", map[string]string{fips: "false", dualStack: "False"}, "https://sns.us-east-1.amazonaws.com", "https://sqs.us-east-1.amazonaws.com"},
		"one_for_all_services": {"us-east-1", map[string]string{"AWS_ENDPOINT_URL": "http://all:4566"}, "http://all:4566", "http://all:4566"},
		"one_for_each_service": {
			"us-east-1", map[string]string{"AWS_ENDPOINT_URL": "http://all", "AWS_ENDPOINT_URL_SNS": "http://topic", "AWS_ENDPOINT_URL_SQS": "http://queue"},
			"http://topic", "http://queue",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			getenv := func(n string) string {
				if n == "AWS_REGION" {
					return tc.region
				}
				if v, ok := tc.env[n]; ok || len(n) > 4 && n[:4] == "AWS_" && n != "AWS_ACCESS_KEY_ID" && n != "AWS_SECRET_ACCESS_KEY" {
					return v
				}
				return "x"
			}
			c, err := ConfigFromEnv(getenv)
			if err != nil {
				t.Fatalf("ConfigFromEnv: %v", err)
			}
			network := &hosts{}
			p := connect(t.Context(), c, httpClient{network}, slog.New(slog.DiscardHandler))
			_ = p.toTopic(t.Context(), event.New(), "{}")
			_ = p.toOutbox(t.Context(), "{}")
			if diff := cmp.Diff([]string{tc.topic, tc.topic, tc.outbox}, network.seen); diff != "" {
				t.Error(diff)
			}
		})
	}
}

package metrics_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatehouse.example/contracts"
	"gatehouse.example/services/user-events/internal/metrics"
	"gatehouse.example/services/user-events/internal/queuetest"
)

// The dashboard is JSON inside of YAML, which no linter reads, and CloudWatch
// draws an empty graph for a metric that is never written.
func TestDashboard_names_metrics_that_exist(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(filepath.Join("..", "..", "dashboard.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(string(raw), "DashboardBody: !Sub |\n")
	var dashboard struct {
		Widgets []struct {
			Properties struct{ Metrics [][]any }
		}
	}
	if err := json.Unmarshal([]byte(body), &dashboard); err != nil {
		t.Fatalf("the dashboard is not JSON: %v", err)
	}
	var out strings.Builder
	created := queuetest.Body(t, queuetest.Must(t)(contracts.NewUserCreated(queuetest.Act(), contracts.UserCreated{Via: contracts.ViaSignup})))
	counter := newCounter(&memoryTable{}, &out)
	counter.Users = &accounts{signedUp: queuetest.Time().Add(-time.Minute)}
	if _, err := counter.Handle(t.Context(), queuetest.Batch(created)); err != nil {
		t.Fatal(err)
	}
	written, drawn := queuetest.Sums(t, out.String()), 0
	for _, widget := range dashboard.Widgets {
		for _, metric := range widget.Properties.Metrics {
			if metric[0] != "Gatehouse" {
				continue
			}
			drawn++
			if _, ok := written[metric[1].(string)]; !ok {
				t.Errorf("the dashboard draws %v, which no batch writes", metric[1])
			}
		}
	}
	for _, byReason := range []string{metrics.SignUpsRejected, metrics.SignInsFailed} {
		if !strings.Contains(body, `{Gatehouse,Environment,Reason} MetricName=\"`+byReason+`\"`) {
			t.Errorf("the dashboard does not draw %s by reason", byReason)
		}
	}
	if drawn < 10 {
		t.Errorf("only %d own metrics on the dashboard, %s among them?", drawn, metrics.EventsConsumed)
	}
}

package templates

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"path"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/publish"
	"gatehouse.example/rules/repository"
	"gatehouse.example/tools/template"
)

// healthy is the assumed time of a trigger while the topic works.
const healthy = 20 * time.Millisecond

// account is how many executions an account has by default
// (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html).
const account = 1000

// held is how long a trigger holds an execution while neither topic nor outbox answers.
type held struct {
	// first is the first call of an instance, average is one call of a busy one.
	first, average time.Duration
}

// hanging never answers.
type hanging struct{}

func (hanging) Publish(ctx context.Context, _ *sns.PublishInput, _ ...func(*sns.Options)) (*sns.PublishOutput, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (hanging) SendMessage(ctx context.Context, _ *sqs.SendMessageInput, _ ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// heldByTrigger runs the triggers' publisher against a topic and an outbox that hang,
// call after call, for ten minutes of a simulated clock.
func heldByTrigger(t *testing.T) (h held) {
	synctest.Test(t, func(t *testing.T) {
		p := &publish.Publisher{Topic: hanging{}, Outbox: hanging{}, Log: slog.New(slog.DiscardHandler), Out: io.Discard, Now: time.Now}
		ev, err := contracts.NewSigninAttempted(contracts.Act{PoolARN: "arn:aws:cognito-idp:eu-central-1:111122223333:userpool/eu-central-1_a", Subject: "s", Time: time.Now()}, contracts.SigninAttempted{})
		if err != nil {
			t.Fatal(err)
		}
		start, calls := time.Now(), 0
		for time.Since(start) < 10*time.Minute {
			before := time.Now()
			if _, err := p.Publish(t.Context(), ev); err != nil {
				t.Fatal(err)
			}
			if calls++; calls == 1 {
				h.first = time.Since(before)
			}
		}
		h.average = time.Since(start) / time.Duration(calls)
	})
	return h
}

// triggerTable says how many executions each trigger of a service holds, or is "".
func triggerTable(t *template.Template, h held) string {
	var names []string
	publishes := false
	for _, f := range t.Resources(repository.FunctionType) {
		if isTrigger(f) {
			publishes = publishes || f.Prop("Environment", "Variables", "TOPIC_ARN") != nil
			names = append(names, path.Base(template.Text(f.Prop("CodeUri"))))
		}
	}
	if len(names) == 0 {
		return ""
	}
	var out strings.Builder
	fmt.Fprintf(&out, "| executions of %s | %d calls a second | %s |\n|---|---|---|\n", strings.Join(names, " and of "), quota, number(10*quota))
	type duration struct {
		when string
		took time.Duration
	}
	rows := []duration{
		{"the topic works", healthy},
		{"topic and outbox hang, first call of each instance", h.first},
		{"topic and outbox hang, later calls, on average", h.average},
	}
	if !publishes {
		rows = []duration{{"it calls nothing", healthy}}
	}
	for _, row := range rows {
		fmt.Fprintf(&out, "| %s: %.2g s | %s | %s |\n", row.when, row.took.Seconds(), executions(quota, row.took), executions(10*quota, row.took))
	}
	return out.String()
}

// executions is how many run at once if each takes this long (Little's law).
func executions(perSecond int, took time.Duration) string {
	n := math.Ceil(float64(perSecond) * took.Seconds())
	if n > account {
		return number(n) + ", more than an account has"
	}
	return number(n)
}

// TestHeldByTrigger: without the breaker every call would take as long as the first.
func TestHeldByTrigger(t *testing.T) {
	t.Parallel()
	h := heldByTrigger(t)
	if h.first != publish.Budget {
		t.Errorf("the first call takes %v, want %v", h.first, publish.Budget)
	}
	if h.average > publish.Budget/3 {
		t.Errorf("a call of a busy instance takes %v on average, more than a third of the first one's", h.average)
	}
	if got := executions(quota, h.first); got != "288" {
		t.Errorf("%s executions without the breaker, want 288", got)
	}
}

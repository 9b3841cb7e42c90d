package cloudtrail_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"

	"gatehouse.example/lambdakit/cloudtrail"
	"gatehouse.example/lambdakit/consume"
	"gatehouse.example/lambdakit/emf"
)

// letters is a dead-letter queue that takes some bodies.
type letters struct{ takes string }

func (l letters) SendMessage(_ context.Context, in *sqs.SendMessageInput, _ ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	if *in.MessageBody != l.takes {
		return nil, errors.New("no")
	}
	return &sqs.SendMessageOutput{MessageId: aws.String("1")}, nil
}

// Only what is in the dead-letter queue counts as unknown, and it is not delivered again.
func TestSettle(t *testing.T) {
	t.Parallel()
	in := events.SQSEvent{Records: []events.SQSMessage{{MessageId: "a", Body: "new"}, {MessageId: "b", Body: "newer"}, {MessageId: "c"}, {MessageId: "d"}}}
	failed := map[string]error{"a": consume.Poison("unknown"), "b": consume.Poison("unknown"), "c": errors.New("throttled")}
	q := &consume.Consumer{
		Name: "reader", Environment: "test", Dead: &consume.DeadLetters{Queue: letters{"new"}, URL: "dead"},
		Out: io.Discard, Log: slog.New(slog.DiscardHandler), Now: time.Now,
	}
	out := emf.New("test")
	cloudtrail.Settle(t.Context(), q, in, failed, 3, out)
	if diff := cmp.Diff([]string{"b", "c"}, slices.Sorted(maps.Keys(failed))); diff != "" {
		t.Errorf("delivered again (-want +got):\n%s", diff)
	}
	var lines strings.Builder
	if err := out.Flush(&lines, time.Now()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"Consumer":"reader"`, `"RecordsForeign":3`, `"RecordsUnknown":1`} {
		if !strings.Contains(lines.String(), want) {
			t.Errorf("metrics %s, want %s", &lines, want)
		}
	}
}

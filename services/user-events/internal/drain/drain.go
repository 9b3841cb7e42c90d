// Package drain publishes the events of the outbox, which the topic had refused: the
// same bytes, the same id and the same message attributes, so that a consumer sees no
// difference.
package drain

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/smithy-go"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/consume"
	"gatehouse.example/lambdakit/emf"
	"gatehouse.example/lambdakit/publish"
	"gatehouse.example/lambdakit/reason"
	"gatehouse.example/services/user-events/internal/metrics"
)

const (
	// limit bounds one request, retries included.
	limit = 800 * time.Millisecond
	// spare is the time that must be left of an invocation to say which events failed, and
	// to move what is not an event.
	spare = 3 * time.Second
)

// SNS takes ten messages and 256 KiB in one request, and ten of the largest events are
// larger. The permission is that of a single publish
// (https://docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html,
// https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-language-api-permissions-reference.html).
const (
	maxEntries = 10
	// maxBytes leaves room for what SNS may count besides bodies and message attributes.
	maxBytes = 240 << 10
)

// Topic is what Drain needs of SNS.
type Topic interface {
	PublishBatch(context.Context, *sns.PublishBatchInput, ...func(*sns.Options)) (*sns.PublishBatchOutput, error)
}

// Drain publishes what is in the outbox.
type Drain struct {
	Topic       Topic
	TopicARN    string
	Environment string
	// Dead takes what no attempt can handle.
	Dead *consume.DeadLetters
	// Out takes the metric lines; in a function it is standard output.
	Out io.Writer
	Log *slog.Logger
	Now func() time.Time
}

// Handle answers one invocation by SQS.
func (d *Drain) Handle(ctx context.Context, in events.SQSEvent) (events.SQSEventResponse, error) {
	q := consume.Consumer{Name: "user-events-drain", Environment: d.Environment, Dead: d.Dead, Out: d.Out, Log: d.Log, Now: d.Now}
	return q.Batch(ctx, in, d.drain)
}

func (d *Drain) drain(ctx context.Context, batch []consume.Record) map[string]error {
	requests, cancel := consume.WithSpare(ctx, spare)
	defer cancel()
	failed := map[string]error{}
	for _, part := range consume.Split(batch, maxEntries, maxBytes, size) {
		maps.Copy(failed, d.publish(requests, part))
	}
	out := emf.New(d.Environment)
	out.Add(metrics.EventsDrained, emf.Count, float64(len(batch)-len(failed)))
	if err := out.Flush(d.Out, d.Now()); err != nil {
		d.Log.ErrorContext(ctx, "metric not written", "error", err.Error())
	}
	return failed
}

// size is what SNS counts of an event.
func size(r consume.Record) int {
	n := len(r.Body)
	for name, value := range contracts.Attributes(r.Event) {
		n += len(name) + len("String") + len(value)
	}
	return n
}

// publish sends events in one request. AWS does not document whether an event that SNS does
// not take fails its entry or the whole request, so after such a refusal each is sent alone.
func (d *Drain) publish(ctx context.Context, part []consume.Record) map[string]error {
	failed, err := d.request(ctx, part)
	switch {
	case err == nil:
		return failed
	case len(part) > 1 && isRefusal(err):
		return consume.Each(d.alone)(ctx, part)
	}
	failed = map[string]error{}
	for _, r := range part {
		failed[r.MessageID] = err
	}
	return failed
}

func (d *Drain) alone(ctx context.Context, r consume.Record) error {
	failed, err := d.request(ctx, []consume.Record{r})
	if err != nil {
		return err
	}
	return failed[r.MessageID]
}

// isRefusal reports whether SNS refused a request for what is in it.
func isRefusal(err error) bool {
	var code smithy.APIError
	if !errors.As(err, &code) {
		return false
	}
	switch code.ErrorCode() {
	case "BatchRequestTooLong", "InvalidParameter", "ParameterValueInvalid", "ValidationException":
		return true
	}
	return false
}

// request sends one request. It returns the errors of the events that the topic did not
// acknowledge, by message id, or that of the request.
func (d *Drain) request(ctx context.Context, part []consume.Record) (map[string]error, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	entries := make([]types.PublishBatchRequestEntry, len(part))
	for i, r := range part {
		m := publish.Message(d.TopicARN, r.Event, r.Body)
		entries[i] = types.PublishBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), Message: m.Message, MessageAttributes: m.MessageAttributes}
	}
	out, err := d.Topic.PublishBatch(ctx, &sns.PublishBatchInput{TopicArn: &d.TopicARN, PublishBatchRequestEntries: entries})
	if err != nil {
		return nil, fmt.Errorf("sns.PublishBatch: %w", reason.Safe(err))
	}
	answers := map[string]error{} // nil for an event that the topic acknowledged
	for _, e := range out.Successful {
		if aws.ToString(e.MessageId) != "" {
			answers[aws.ToString(e.Id)] = nil
		}
	}
	for _, e := range out.Failed {
		answers[aws.ToString(e.Id)] = fmt.Errorf("sns.PublishBatch: %w", reason.Safe(&smithy.GenericAPIError{Code: aws.ToString(e.Code)}))
	}
	failed := map[string]error{}
	for i, r := range part {
		switch err, answered := answers[strconv.Itoa(i)]; {
		case !answered:
			failed[r.MessageID] = errNotAcknowledged
		case err != nil:
			failed[r.MessageID] = err
		}
	}
	return failed, nil
}

var errNotAcknowledged = errors.New("sns.PublishBatch: the topic did not acknowledge the event")

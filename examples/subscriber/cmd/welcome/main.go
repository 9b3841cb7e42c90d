// Command welcome stands for a service of your own: it would send a mail to everybody who
// has an account at last, and here it logs that it would. It uses nothing of Gatehouse:
// the events are CloudEvents, and what a type contains is in its JSON Schema.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/cloudevents/sdk-go/v2/event"
)

func main() {
	w := &welcome{name: lambdacontext.FunctionName, log: lambdacontext.NewLogger(), out: os.Stdout, now: time.Now}
	lambda.Start(w.batch)
}

type welcome struct {
	name string // of the function
	log  *slog.Logger
	out  io.Writer // takes the metric
	now  func() time.Time
}

// handle gets every event that the subscription's filter lets through, at least once and
// in no order. An error brings the event back a minute later. A second copy has the same
// id: what must happen once, such as a mail, needs a conditional write on the id.
func (w *welcome) handle(ctx context.Context, e event.Event) error {
	switch e.Type() {
	case "gatehouse.user.created.v1":
		var data struct {
			Via string `json:"via"` // later versions may have other values and fields
		}
		if err := e.DataAs(&data); err != nil {
			return errors.New("the data is not what the schema says")
		}
		w.log.InfoContext(ctx, "here a mail would be sent", "type", e.Type(), "id", e.ID(), "subject", e.Subject(), "via", data.Via)
	case "gatehouse.user.signin.succeeded.v1":
		w.log.InfoContext(ctx, "a sign-in", "type", e.Type(), "id", e.ID(), "subject", e.Subject())
	default:
		w.log.WarnContext(ctx, "not for this function; change the subscription's filter", "type", e.Type(), "id", e.ID())
	}
	return nil
}

// batch handles what SQS delivers together, and names the messages that failed: only those
// come back.
func (w *welcome) batch(ctx context.Context, in events.SQSEvent) (events.SQSEventResponse, error) {
	var out events.SQSEventResponse
	for _, m := range in.Records {
		if err := w.message(ctx, m.Body); err != nil {
			w.log.ErrorContext(ctx, "not handled; it comes back in a minute", "messageId", m.MessageId, "error", err.Error())
			out.BatchItemFailures = append(out.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
		}
	}
	w.count(len(out.BatchItemFailures))
	return out, nil
}

// message reads the event in a message. Its errors do not quote the message, because it
// may contain anything.
func (w *welcome) message(ctx context.Context, body string) error {
	var e event.Event
	if err := json.Unmarshal([]byte(body), &e); err != nil || e.Validate() != nil {
		return errors.New("not a CloudEvent")
	}
	return w.handle(ctx, e)
}

// count writes the metric EventsFailed, which an alarm of the template watches: a failure of
// one message is not an error of the function. It is a log line in embedded metric format.
func (w *welcome) count(failed int) {
	if failed > 0 {
		_, _ = fmt.Fprintf(w.out, `{"_aws":{"Timestamp":%d,"CloudWatchMetrics":[{"Namespace":"Subscribers",`+
			`"Dimensions":[["FunctionName"]],"Metrics":[{"Name":"EventsFailed","Unit":"Count"}]}]},"FunctionName":%q,"EventsFailed":%d}`+"\n",
			w.now().UnixMilli(), w.name, failed)
	}
}

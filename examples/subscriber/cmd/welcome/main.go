// Command welcome stands for another team's service: it would send a mail to
// everybody who has an account at last, and here it logs that it would. It
// shows how little a listener needs; nothing of Gatehouse knows that it exists.
package main

import (
	"context"
	"log/slog"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"gatehouse.example/lambdakit/consume"
	"gatehouse.example/lambdakit/function"
)

func main() { lambda.Start(function.JSON(welcome{lambdacontext.NewLogger()}.batch)) }

type welcome struct{ log *slog.Logger }

// handle gets every event that the subscription's filter lets through, at
// least once and in no order: an error brings the event back, a second copy
// has the same id.
func (w welcome) handle(ctx context.Context, r consume.Record) error {
	w.log.InfoContext(ctx, "here a mail would be sent",
		"type", r.Event.Type(), "id", r.Event.ID(), "subject", r.Event.Subject())
	return nil
}

// batch answers one invocation by SQS.
func (w welcome) batch(ctx context.Context, in events.SQSEvent) (events.SQSEventResponse, error) {
	return consume.Batch(ctx, w.log, in, consume.Each(w.handle))
}

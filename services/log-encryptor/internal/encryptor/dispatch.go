// Package dispatch tells the three kinds of events apart that the one function
// gets: requests of CloudFormation, records of CloudTrail, and the clock.
//
// They share a function because they share all that it may do; three functions
// would be three roles with the same permissions.
package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-lambda-go/cfn"
)

// Dispatcher hands each event to the one who handles it.
type Dispatcher struct {
	Request cfn.CustomResourceLambdaFunction
	Created func(context.Context, json.RawMessage) error
	Sweep   func(context.Context) error
}

// Handle looks at the shape of the event and nothing else.
func (d *Dispatcher) Handle(ctx context.Context, event json.RawMessage) error {
	var shape struct {
		RequestType string          `json:"RequestType"`
		Source      string          `json:"source"`
		DetailType  string          `json:"detail-type"`
		Detail      json.RawMessage `json:"detail"`
	}
	if err := json.Unmarshal(event, &shape); err != nil {
		return fmt.Errorf("dispatch: json.Unmarshal: %w", err)
	}
	switch {
	case shape.RequestType != "":
		var request cfn.Event
		if err := json.Unmarshal(event, &request); err != nil {
			return fmt.Errorf("dispatch: json.Unmarshal: %w", err)
		}
		// An error here means that CloudFormation was not told; Lambda then tries again.
		_, err := d.Request(ctx, request)
		return err
	case shape.Source == "aws.logs" && shape.DetailType == "AWS API Call via CloudTrail":
		return d.Created(ctx, shape.Detail)
	case shape.Source == "aws.events" && shape.DetailType == "Scheduled Event":
		return d.Sweep(ctx)
	default:
		return errors.New("dispatch: neither a request of CloudFormation, nor a record of CloudTrail, nor a scheduled event")
	}
}

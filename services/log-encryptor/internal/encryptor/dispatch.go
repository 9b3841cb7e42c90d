// Package encryptor is the function that encrypts log groups. It handles three
// kinds of events: requests of the custom resource, records of CloudTrail about
// new groups, and a schedule, on which it sweeps over all groups.
//
// They share a function because they need the same permissions.
package encryptor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-lambda-go/cfn"
)

// Dispatcher passes each event to its handler.
type Dispatcher struct {
	Request cfn.CustomResourceLambdaFunction
	Created func(context.Context, json.RawMessage) error
	Sweep   func(context.Context) error
}

// Handle reads the kind of the event from its shape.
func (d *Dispatcher) Handle(ctx context.Context, event json.RawMessage) error {
	var shape struct {
		RequestType string          `json:"RequestType"`
		Source      string          `json:"source"`
		DetailType  string          `json:"detail-type"`
		Detail      json.RawMessage `json:"detail"`
	}
	if err := json.Unmarshal(event, &shape); err != nil {
		return fmt.Errorf("encryptor: json.Unmarshal: %w", err)
	}
	switch {
	case shape.RequestType != "":
		var request cfn.Event
		if err := json.Unmarshal(event, &request); err != nil {
			return fmt.Errorf("encryptor: json.Unmarshal: %w", err)
		}
		// An error here means that CloudFormation got no answer; Lambda tries again.
		_, err := d.Request(ctx, request)
		return err
	case shape.Source == "aws.logs" && shape.DetailType == "AWS API Call via CloudTrail":
		return d.Created(ctx, shape.Detail)
	case shape.Source == "aws.events" && shape.DetailType == "Scheduled Event":
		return d.Sweep(ctx)
	default:
		return errors.New("encryptor: not a request of CloudFormation, a record of CloudTrail or a scheduled event")
	}
}

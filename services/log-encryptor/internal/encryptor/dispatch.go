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
	"strconv"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"

	"gatehouse.example/lambdakit/function"
)

// Dispatcher passes each event to its handler.
type Dispatcher struct {
	Request cfn.CustomResourceLambdaFunction
	Created func(context.Context, json.RawMessage) error
	Sweep   func(context.Context) error
}

// errShape does not quote the event: that of CloudFormation has a signed URL, and that of
// CloudTrail a person.
var errShape = errors.New("encryptor: the event is not JSON of the expected shape")

// Handle reads the kind of the event from its shape.
func (d *Dispatcher) Handle(ctx context.Context, event json.RawMessage) error {
	var shape struct {
		RequestType string          `json:"RequestType"`
		Source      string          `json:"source"`
		DetailType  string          `json:"detail-type"`
		Detail      json.RawMessage `json:"detail"`
	}
	if json.Unmarshal(event, &shape) != nil {
		return errShape
	}
	switch {
	case shape.RequestType != "":
		var request cfn.Event
		if json.Unmarshal(event, &request) != nil {
			return errShape
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

// Settings are what the template puts into the function's environment.
type Settings struct {
	Environment string
	KeyARN      string
	Prefixes    Prefixes
	// RetentionDays is for groups without a retention; 0 leaves them without.
	RetentionDays int32
}

// ReadSettings names the variable that is missing or wrong, instead of failing
// later without a name.
func ReadSettings(getenv func(string) string) (Settings, error) {
	s := Settings{Prefixes: ParsePrefixes(getenv("INCLUDE_PREFIXES"), getenv("EXCLUDE_PREFIXES"))}
	if err := function.ReadEnv(getenv, map[string]*string{"GATEHOUSE_ENVIRONMENT": &s.Environment, "LOG_KEY_ARN": &s.KeyARN}); err != nil {
		return s, err
	}
	if len(s.Prefixes.Include) == 0 {
		return s, errors.New("environment variable INCLUDE_PREFIXES has no prefix")
	}
	days, err := strconv.ParseInt(getenv("RETENTION_DAYS"), 10, 32)
	if err != nil || days < 0 {
		return s, fmt.Errorf("environment variable RETENTION_DAYS is %q, not a number of days", getenv("RETENTION_DAYS"))
	}
	s.RetentionDays = int32(days)
	return s, nil
}

// NewRetryer slows the client down while CloudWatch Logs throttles: the quotas of the
// calls that change a group are a few a second, for the whole account. It also tries
// again when another call changes the same group.
func NewRetryer() aws.Retryer {
	adaptive := retry.NewAdaptiveMode(func(o *retry.AdaptiveModeOptions) {
		o.StandardOptions = append(o.StandardOptions, func(o *retry.StandardOptions) { o.MaxAttempts = 8 })
	})
	return retry.AddWithErrorCodes(adaptive, "OperationAbortedException")
}

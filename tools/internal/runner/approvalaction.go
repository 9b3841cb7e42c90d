package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
)

// approvalTimeout is CodePipeline's, where the action has none.
const approvalTimeout = 7 * 24 * time.Hour

// approve tells the topic, if there is one, and asks.
func (c call) approve(ctx context.Context) (outcome, error) {
	if topic := c.settings["NotificationArn"]; topic != "" {
		as, err := c.pipelineRole(ctx)
		if err != nil {
			return outcome{}, err
		}
		message, err := json.Marshal(map[string]any{"approval": map[string]string{
			"pipelineName": c.Pipeline, "stageName": c.stage, "actionName": c.Name, "customData": c.settings["CustomData"],
			"externalEntityLink": c.settings["ExternalEntityLink"],
		}})
		if err != nil {
			return outcome{}, fmt.Errorf("json.Marshal: %w", err)
		}
		if _, err := sns.NewFromConfig(as).Publish(ctx, &sns.PublishInput{TopicArn: &topic, Message: aws.String(string(message))}); err != nil {
			return outcome{}, fmt.Errorf("sns.Publish: %w", err)
		}
	}
	limit := approvalTimeout
	if c.TimeoutInMinutes > 0 {
		limit = time.Duration(c.TimeoutInMinutes) * time.Minute
	}
	ctx, stop := context.WithTimeoutCause(ctx, limit, errors.New("nobody has answered in time"))
	defer stop()
	yes, err := c.Ask(ctx, c.settings["CustomData"])
	if err != nil {
		return outcome{}, err
	}
	if !yes {
		return outcome{}, errors.New("rejected")
	}
	return outcome{note: "approved"}, nil
}

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

// approvalTimeout is CodePipeline's default.
const approvalTimeout = 7 * 24 * time.Hour

// approve publishes to the action's topic, if it has one, and asks for approval.
func (c call) approve(ctx context.Context) (outcome, error) {
	if topic := c.settings["NotificationArn"]; topic != "" {
		if err := c.notify(ctx, topic); err != nil {
			return outcome{}, err
		}
	}
	limit := approvalTimeout
	if c.action.TimeoutInMinutes > 0 {
		limit = time.Duration(c.action.TimeoutInMinutes) * time.Minute
	}
	ctx, stop := context.WithTimeoutCause(ctx, limit, errors.New("nobody answered in time"))
	defer stop()
	yes, err := c.execution.runner.Ask(ctx, c.settings["CustomData"])
	if err != nil {
		return outcome{}, err
	}
	if !yes {
		return outcome{}, errors.New("rejected")
	}
	return outcome{note: "approved"}, nil
}

func (c call) notify(ctx context.Context, topic string) error {
	as, err := c.pipelineRole(ctx)
	if err != nil {
		return err
	}
	message, err := json.Marshal(map[string]any{"approval": map[string]string{
		"pipelineName": c.execution.record.Pipeline, "stageName": c.stage, "actionName": c.action.Name,
		"customData": c.settings["CustomData"], "externalEntityLink": c.settings["ExternalEntityLink"],
	}})
	if err != nil {
		return fmt.Errorf("json.Marshal: %w", err)
	}
	if _, err := sns.NewFromConfig(as).Publish(ctx, &sns.PublishInput{TopicArn: &topic, Message: aws.String(string(message))}); err != nil {
		return fmt.Errorf("sns.Publish: %w", err)
	}
	return nil
}

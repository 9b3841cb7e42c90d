package drift

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
)

const ruleType = "AWS::Events::Rule"

// ruleAPI reads rules of EventBridge and sets them back.
type ruleAPI interface {
	targetAPI
	DescribeRule(context.Context, *eventbridge.DescribeRuleInput, ...func(*eventbridge.Options)) (*eventbridge.DescribeRuleOutput, error)
	PutRule(context.Context, *eventbridge.PutRuleInput, ...func(*eventbridge.Options)) (*eventbridge.PutRuleOutput, error)
}

// rules compares AWS::Events::Rule: whether it is on, what it matches, and where it sends that.
type rules struct{ api ruleAPI }

func (k rules) compare(ctx context.Context, r resource) ([]Finding, error) {
	bus, name := "default", r.Physical
	if on, rule, found := strings.Cut(r.Physical, "|"); found {
		bus, name = on, rule
	}
	out, err := k.api.DescribeRule(ctx, &eventbridge.DescribeRuleInput{Name: &name, EventBusName: &bus})
	var missing *types.ResourceNotFoundException
	if errors.As(err, &missing) {
		return r.missing(), nil
	}
	if err != nil {
		return nil, fmt.Errorf("eventbridge.DescribeRule: %w", err)
	}
	have := map[string]any{"State": string(out.State), "ScheduleExpression": aws.ToString(out.ScheduleExpression)}
	if pattern := object(aws.ToString(out.EventPattern)); pattern != nil {
		have["EventPattern"] = pattern
	}
	var all []Finding
	if f, changed := r.finding(have, map[string]any{"State": "ENABLED"}, "EventPattern", "ScheduleExpression", "State"); len(changed) > 0 {
		f.Repair = "eventbridge.PutRule"
		f.fix = func(ctx context.Context) error { return k.put(ctx, r, name, bus, out) }
		all = append(all, f)
	}
	if r.unresolved["Targets"] != nil {
		return all, nil // reported with the resource
	}
	targets, err := targetsOf{k.api, name, bus}.compare(ctx, r)
	return append(all, targets...), err
}

// put sets the rule back. PutRule resets what is not in the request.
func (k rules) put(ctx context.Context, r resource, name, bus string, now *eventbridge.DescribeRuleOutput) error {
	in := &eventbridge.PutRuleInput{Name: &name, EventBusName: &bus, Description: now.Description, RoleArn: now.RoleArn, State: types.RuleStateEnabled}
	if state := r.text("State"); state != "" {
		in.State = types.RuleState(state)
	}
	if pattern := r.props["EventPattern"]; pattern != nil {
		text, err := attribute(pattern)
		if err != nil {
			return err
		}
		in.EventPattern = &text
	}
	if schedule := r.text("ScheduleExpression"); schedule != "" {
		in.ScheduleExpression = &schedule
	}
	if _, err := k.api.PutRule(ctx, in); err != nil {
		return fmt.Errorf("eventbridge.PutRule: %w", err)
	}
	return nil
}

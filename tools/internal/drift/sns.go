package drift

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
)

// topicAPI reads topics and subscriptions and sets them back.
type topicAPI interface {
	sns.ListSubscriptionsByTopicAPIClient
	GetSubscriptionAttributes(context.Context, *sns.GetSubscriptionAttributesInput, ...func(*sns.Options)) (*sns.GetSubscriptionAttributesOutput, error)
	GetTopicAttributes(context.Context, *sns.GetTopicAttributesInput, ...func(*sns.Options)) (*sns.GetTopicAttributesOutput, error)
	SetSubscriptionAttributes(context.Context, *sns.SetSubscriptionAttributesInput, ...func(*sns.Options)) (*sns.SetSubscriptionAttributesOutput, error)
	SetTopicAttributes(context.Context, *sns.SetTopicAttributesInput, ...func(*sns.Options)) (*sns.SetTopicAttributesOutput, error)
	Subscribe(context.Context, *sns.SubscribeInput, ...func(*sns.Options)) (*sns.SubscribeOutput, error)
}

func topicAttributes(ctx context.Context, api topicAPI, topic string) (attributes map[string]string, deleted bool, err error) {
	out, err := api.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: &topic})
	var missing *types.NotFoundException
	if errors.As(err, &missing) {
		return nil, true, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("sns.GetTopicAttributes: %w", err)
	}
	return out.Attributes, false, nil
}

func setTopicAttribute(ctx context.Context, api topicAPI, topic, name string, value any) error {
	text, err := attribute(value)
	if err != nil {
		return err
	}
	if _, err := api.SetTopicAttributes(ctx, &sns.SetTopicAttributesInput{TopicArn: &topic, AttributeName: &name, AttributeValue: &text}); err != nil {
		return fmt.Errorf("sns.SetTopicAttributes: %w", err)
	}
	return nil
}

// topics compares AWS::SNS::Topic.
type topics struct {
	api topicAPI
	// drops are the properties that the emulator does not keep.
	drops []string
}

func (k topics) compare(ctx context.Context, r resource) ([]Finding, error) {
	attributes, deleted, err := topicAttributes(ctx, k.api, r.Physical)
	if deleted {
		return r.missing(), nil
	}
	if err != nil {
		return nil, err
	}
	have, names := map[string]any{}, []string{}
	for _, name := range []string{"KmsMasterKeyId", "TracingConfig"} {
		have[name] = attributes[name]
		if !slices.Contains(k.drops, name) {
			names = append(names, name)
		}
	}
	defaults := map[string]any{}
	if attributes["TracingConfig"] != "" {
		defaults["TracingConfig"] = "PassThrough"
	}
	f, changed := r.finding(have, defaults, names...)
	if len(changed) == 0 {
		return nil, nil
	}
	f.Repair = "sns.SetTopicAttributes"
	f.fix = func(ctx context.Context) error {
		for _, name := range changed {
			value := r.props[name]
			if value == nil && name == "TracingConfig" {
				value = "PassThrough"
			}
			if err := setTopicAttribute(ctx, k.api, r.Physical, name, value); err != nil {
				return err
			}
		}
		return nil
	}
	return []Finding{f}, nil
}

// topicPolicies compares AWS::SNS::TopicPolicy.
type topicPolicies struct{ api topicAPI }

func (k topicPolicies) compare(ctx context.Context, r resource) ([]Finding, error) {
	if len(r.unresolved) > 0 {
		return nil, nil // reported with the resource
	}
	var all []Finding
	for _, topic := range texts(r.props["Topics"]) {
		attributes, deleted, err := topicAttributes(ctx, k.api, topic)
		if deleted {
			continue // reported with the topic
		}
		if err != nil {
			return nil, err
		}
		d, err := comparePolicies(r.props["PolicyDocument"], attributes["Policy"])
		if err != nil {
			return nil, err
		}
		all = append(all, r.policyFinding(d, "policy of "+topic[strings.LastIndex(topic, ":")+1:], "sns.SetTopicAttributes", func(ctx context.Context) error {
			return setTopicAttribute(ctx, k.api, topic, "Policy", r.props["PolicyDocument"])
		})...)
	}
	return all, nil
}

// subscriptions compares AWS::SNS::Subscription. It looks for the endpoint and not for the ARN: a
// subscription that was made again has another one. Subscriptions of others are not compared.
type subscriptions struct{ api topicAPI }

func subscriptionSettings() []string {
	return []string{"FilterPolicy", "FilterPolicyScope", "RawMessageDelivery", "RedrivePolicy"}
}

func (k subscriptions) compare(ctx context.Context, r resource) ([]Finding, error) {
	for _, name := range []string{"TopicArn", "Endpoint", "Protocol"} {
		if r.unresolved[name] != nil {
			return nil, nil // reported with the resource
		}
	}
	arn, err := k.find(ctx, r)
	if err != nil {
		return nil, err
	}
	if arn == "" {
		return []Finding{{
			Where: r.where(), Differences: []string{"it does not exist: " + r.text("Endpoint") + " gets nothing of " + r.text("TopicArn")},
			Repair: "sns.Subscribe", fix: func(ctx context.Context) error { return k.subscribe(ctx, r) },
		}}, nil
	}
	out, err := k.api.GetSubscriptionAttributes(ctx, &sns.GetSubscriptionAttributesInput{SubscriptionArn: &arn})
	if err != nil {
		return nil, fmt.Errorf("sns.GetSubscriptionAttributes: %w", err)
	}
	have := map[string]any{"FilterPolicyScope": out.Attributes["FilterPolicyScope"], "RawMessageDelivery": out.Attributes["RawMessageDelivery"]}
	for _, name := range []string{"FilterPolicy", "RedrivePolicy"} {
		if members := object(out.Attributes[name]); len(members) > 0 {
			have[name] = members
		}
	}
	f, changed := r.finding(have, map[string]any{"FilterPolicyScope": have["FilterPolicyScope"], "RawMessageDelivery": false}, subscriptionSettings()...)
	if len(changed) == 0 {
		return nil, nil
	}
	f.Repair = "sns.SetSubscriptionAttributes"
	f.fix = func(ctx context.Context) error {
		for _, name := range changed {
			if err := k.set(ctx, r, arn, name); err != nil {
				return err
			}
		}
		return nil
	}
	return []Finding{f}, nil
}

// find returns the ARN of the endpoint's subscription, or nothing.
func (k subscriptions) find(ctx context.Context, r resource) (string, error) {
	for pages := sns.NewListSubscriptionsByTopicPaginator(k.api, &sns.ListSubscriptionsByTopicInput{TopicArn: aws.String(r.text("TopicArn"))}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		var missing *types.NotFoundException
		if errors.As(err, &missing) {
			return "", nil
		}
		if err != nil {
			return "", fmt.Errorf("sns.ListSubscriptionsByTopic: %w", err)
		}
		for _, s := range page.Subscriptions {
			if aws.ToString(s.Endpoint) == r.text("Endpoint") && aws.ToString(s.Protocol) == r.text("Protocol") && strings.HasPrefix(aws.ToString(s.SubscriptionArn), "arn:") {
				return aws.ToString(s.SubscriptionArn), nil
			}
		}
	}
	return "", nil
}

// set sets one attribute back. SNS has no attribute without a value: an empty filter
// admits everything, and an empty redrive policy is none.
func (k subscriptions) set(ctx context.Context, r resource, arn, name string) error {
	in := &sns.SetSubscriptionAttributesInput{SubscriptionArn: &arn, AttributeName: &name}
	text, err := attribute(r.props[name])
	if err != nil {
		return err
	}
	switch {
	case text == "" && name == "RawMessageDelivery":
		text = "false"
	case text == "":
		text = "{}"
	}
	in.AttributeValue = &text
	if _, err := k.api.SetSubscriptionAttributes(ctx, in); err != nil {
		return fmt.Errorf("sns.SetSubscriptionAttributes: %w", err)
	}
	return nil
}

// subscribe makes the subscription again. CloudFormation keeps the old ARN, which it
// needs for changes of the filter only.
func (k subscriptions) subscribe(ctx context.Context, r resource) error {
	attributes := map[string]string{}
	for _, name := range subscriptionSettings() {
		text, err := attribute(r.props[name])
		if err != nil {
			return err
		}
		if text != "" {
			attributes[name] = text
		}
	}
	_, err := k.api.Subscribe(ctx, &sns.SubscribeInput{
		TopicArn: aws.String(r.text("TopicArn")), Protocol: aws.String(r.text("Protocol")), Endpoint: aws.String(r.text("Endpoint")), Attributes: attributes,
	})
	if err != nil {
		return fmt.Errorf("sns.Subscribe: %w", err)
	}
	return nil
}

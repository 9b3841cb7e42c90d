package drift

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"gatehouse.example/tools/actors"
)

const mappingType = "AWS::Lambda::EventSourceMapping"

// mappingAPI reads event source mappings and sets them back.
type mappingAPI interface {
	GetEventSourceMapping(context.Context, *lambda.GetEventSourceMappingInput, ...func(*lambda.Options)) (*lambda.GetEventSourceMappingOutput, error)
	UpdateEventSourceMapping(context.Context, *lambda.UpdateEventSourceMappingInput, ...func(*lambda.Options)) (*lambda.UpdateEventSourceMappingOutput, error)
}

// mappings compares AWS::Lambda::EventSourceMapping.
type mappings struct{ api mappingAPI }

// mappingSettings are the properties that are compared.
func mappingSettings() []string {
	return []string{"BatchSize", "Enabled", "EventSourceArn", "FilterCriteria", "FunctionName", "FunctionResponseTypes", "MaximumBatchingWindowInSeconds", "ScalingConfig"}
}

func (k mappings) compare(ctx context.Context, r resource) ([]Finding, error) {
	out, err := k.api.GetEventSourceMapping(ctx, &lambda.GetEventSourceMappingInput{UUID: &r.Physical})
	if lacking(err) {
		return r.missing(), nil
	}
	if err != nil {
		return nil, fmt.Errorf("lambda.GetEventSourceMapping: %w", err)
	}
	have := map[string]any{}
	if err := actors.Convert(out, &have); err != nil {
		return nil, err
	}
	have["Enabled"] = enabled(aws.ToString(out.State))
	have["FunctionName"] = aws.ToString(out.FunctionArn)
	have["FilterCriteria"] = filters(have["FilterCriteria"])
	if name := r.text("FunctionName"); name != aws.ToString(out.FunctionArn) {
		function, qualifier := functionOf(name)
		if f, q := functionOf(aws.ToString(out.FunctionArn)); f == function && q == qualifier {
			have["FunctionName"] = name // the template has the name, Lambda the ARN
		}
	}
	f, changed := r.withFilters().finding(have, map[string]any{
		"BatchSize": have["BatchSize"], "Enabled": true, "MaximumBatchingWindowInSeconds": have["MaximumBatchingWindowInSeconds"],
	}, mappingSettings()...)
	if len(changed) == 0 {
		return nil, nil
	}
	if slices.Contains(changed, "EventSourceArn") { // Lambda cannot change it
		f.Hint = r.recreate()
		return []Finding{f}, nil
	}
	f.Repair = "lambda.UpdateEventSourceMapping"
	f.fix = func(ctx context.Context) error { return k.repair(ctx, r, changed) }
	return []Finding{f}, nil
}

// enabled reports whether a mapping in this state reads its source or is about to.
func enabled(state string) bool { return state != "Disabled" && state != "Disabling" }

// filters are the patterns as objects, because Lambda may write them otherwise.
func filters(criteria any) any {
	members := object(criteria)
	if len(members) == 0 {
		return nil
	}
	var patterns []any
	for _, one := range list(members["Filters"]) {
		patterns = append(patterns, object(object(one)["Pattern"]))
	}
	if len(patterns) == 0 {
		return nil
	}
	return map[string]any{"Filters": patterns}
}

// withFilters is the resource with its patterns as objects.
func (r resource) withFilters() resource {
	if criteria, given := r.props["FilterCriteria"]; given {
		r.props = maps.Clone(r.props)
		r.props["FilterCriteria"] = filters(criteria)
	}
	return r
}

// repair sets the changed properties. Lambda keeps the others.
func (k mappings) repair(ctx context.Context, r resource, changed []string) error {
	in := &lambda.UpdateEventSourceMappingInput{UUID: &r.Physical}
	settings := map[string]any{}
	for _, name := range changed {
		if value, given := r.props[name]; given {
			settings[name] = value
		}
	}
	if err := actors.Convert(settings, in); err != nil {
		return err
	}
	for _, name := range changed {
		_, given := r.props[name]
		switch {
		case name == "Enabled" && !given:
			in.Enabled = aws.Bool(true)
		case name == "FilterCriteria" && !given:
			in.FilterCriteria = &types.FilterCriteria{}
		case name == "FunctionResponseTypes" && !given:
			in.FunctionResponseTypes = []types.FunctionResponseType{}
		case name == "ScalingConfig" && !given:
			in.ScalingConfig = &types.ScalingConfig{}
		}
	}
	if _, err := k.api.UpdateEventSourceMapping(ctx, in); err != nil {
		return fmt.Errorf("lambda.UpdateEventSourceMapping: %w", err)
	}
	return nil
}

package drift

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"gatehouse.example/tools/actors"
)

// targetAPI reads the targets of a rule and sets them back.
type targetAPI interface {
	ListTargetsByRule(context.Context, *eventbridge.ListTargetsByRuleInput, ...func(*eventbridge.Options)) (*eventbridge.ListTargetsByRuleOutput, error)
	PutTargets(context.Context, *eventbridge.PutTargetsInput, ...func(*eventbridge.Options)) (*eventbridge.PutTargetsOutput, error)
	RemoveTargets(context.Context, *eventbridge.RemoveTargetsInput, ...func(*eventbridge.Options)) (*eventbridge.RemoveTargetsOutput, error)
}

// targetsOf are the targets of one rule. A rule without its target is on, matches, and
// calls nobody.
type targetsOf struct {
	api       targetAPI
	rule, bus string
}

func (t targetsOf) compare(ctx context.Context, r resource) ([]Finding, error) {
	have, err := t.read(ctx)
	if err != nil {
		return nil, err
	}
	want := map[string]map[string]any{}
	for _, one := range list(r.props["Targets"]) {
		target := object(one)
		want[scalar(target["Id"])] = target
	}
	lost := Finding{Where: r.where(), Repair: "eventbridge.PutTargets"}
	var back []map[string]any
	for _, id := range slices.Sorted(maps.Keys(want)) {
		if sameTarget(want[id], have[id]) {
			continue
		}
		lost.Differences = append(lost.Differences, fmt.Sprintf("target %s: expected %s, is %s", id, show(want[id]), show(have[id])))
		back = append(back, want[id])
	}
	lost.fix = func(ctx context.Context) error { return t.put(ctx, back) }
	added := Finding{Where: r.where(), Repair: "eventbridge.RemoveTargets"}
	var strange []string
	for _, id := range slices.Sorted(maps.Keys(have)) {
		if want[id] == nil {
			added.Differences = append(added.Differences, fmt.Sprintf("target %s: added by hand: %s", id, show(have[id])))
			strange = append(strange, id)
		}
	}
	added.fix = func(ctx context.Context) error { return t.remove(ctx, strange) }
	return slices.DeleteFunc([]Finding{lost, added}, func(f Finding) bool { return len(f.Differences) == 0 }), nil
}

// sameTarget also compares the settings that change what a target gets, if the template has none.
func sameTarget(want, have map[string]any) bool {
	for _, name := range []string{"DeadLetterConfig", "Input", "InputPath", "InputTransformer"} {
		if _, given := want[name]; !given && !empty(have[name]) {
			return false
		}
	}
	return have != nil && same(want, have)
}

// read returns the targets by their ids.
func (t targetsOf) read(ctx context.Context) (map[string]map[string]any, error) {
	have := map[string]map[string]any{}
	in := &eventbridge.ListTargetsByRuleInput{Rule: &t.rule, EventBusName: &t.bus}
	for {
		out, err := t.api.ListTargetsByRule(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("eventbridge.ListTargetsByRule: %w", err)
		}
		for _, one := range out.Targets {
			target := map[string]any{}
			if err := actors.Convert(one, &target); err != nil {
				return nil, err
			}
			maps.DeleteFunc(target, func(_ string, value any) bool { return empty(value) })
			have[aws.ToString(one.Id)] = target
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			return have, nil
		}
	}
}

var errRefused = errors.New("EventBridge refused a target")

// put sets targets. EventBridge reports what it refuses in an answer without an error.
func (t targetsOf) put(ctx context.Context, targets []map[string]any) error {
	in := &eventbridge.PutTargetsInput{Rule: &t.rule, EventBusName: &t.bus}
	for _, one := range targets {
		var target types.Target
		if err := actors.Convert(one, &target); err != nil {
			return err
		}
		in.Targets = append(in.Targets, target)
	}
	out, err := t.api.PutTargets(ctx, in)
	if err != nil {
		return fmt.Errorf("eventbridge.PutTargets: %w", err)
	}
	for _, failed := range out.FailedEntries {
		return fmt.Errorf("eventbridge.PutTargets: %s: %s: %w", aws.ToString(failed.TargetId), aws.ToString(failed.ErrorMessage), errRefused)
	}
	return nil
}

func (t targetsOf) remove(ctx context.Context, ids []string) error {
	out, err := t.api.RemoveTargets(ctx, &eventbridge.RemoveTargetsInput{Rule: &t.rule, EventBusName: &t.bus, Ids: ids})
	if err != nil {
		return fmt.Errorf("eventbridge.RemoveTargets: %w", err)
	}
	for _, failed := range out.FailedEntries {
		return fmt.Errorf("eventbridge.RemoveTargets: %s: %s: %w", aws.ToString(failed.TargetId), aws.ToString(failed.ErrorMessage), errRefused)
	}
	return nil
}

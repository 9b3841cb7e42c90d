package awsdeploy

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
)

const (
	busType  = "AWS::Events::EventBus"
	ruleType = "AWS::Events::Rule"
)

type busAPI interface {
	ListRules(context.Context, *eventbridge.ListRulesInput, ...func(*eventbridge.Options)) (*eventbridge.ListRulesOutput, error)
}

// foreignRules are the rules that others added to the buses. EventBridge deletes no bus
// that has rules, so the deletion of the stack would fail half-way. The rules of its
// archive belong to EventBridge and end with the archive.
func foreignRules(ctx context.Context, api busAPI, buses, own []string) ([]string, error) {
	var found []string
	for _, bus := range buses {
		in := &eventbridge.ListRulesInput{EventBusName: &bus}
		for {
			out, err := api.ListRules(ctx, in)
			if err != nil {
				return nil, fmt.Errorf("eventbridge.ListRules: %w", err)
			}
			for _, r := range out.Rules {
				name := aws.ToString(r.Name)
				ours := slices.ContainsFunc(own, func(id string) bool { return id == name || strings.HasSuffix(id, "|"+name) })
				if !ours && r.ManagedBy == nil {
					found = append(found, fmt.Sprintf("the bus %s has the rule %s of another stack, and EventBridge deletes no bus with rules", bus, name))
				}
			}
			if in.NextToken = out.NextToken; in.NextToken == nil {
				break
			}
		}
	}
	return found, nil
}

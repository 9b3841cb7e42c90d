package awsdeploy

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
)

// fakeBus has one rule on each page.
type fakeBus []types.Rule

func (f fakeBus) ListRules(_ context.Context, in *eventbridge.ListRulesInput, _ ...func(*eventbridge.Options)) (*eventbridge.ListRulesOutput, error) {
	page := len(aws.ToString(in.NextToken))
	out := &eventbridge.ListRulesOutput{Rules: f[page : page+1]}
	if page+1 < len(f) {
		out.NextToken = aws.String(strings.Repeat("x", page+1))
	}
	return out, nil
}

func TestForeignRules(t *testing.T) {
	t.Parallel()
	bus := fakeBus{
		{Name: aws.String("ours")},
		{Name: aws.String("of-the-archive"), ManagedBy: aws.String("events.amazonaws.com")},
		{Name: aws.String("theirs")},
	}
	got, err := foreignRules(t.Context(), bus, []string{"gatehouse-dev"}, []string{"gatehouse-dev|ours", "not-theirs"})
	if err != nil || len(got) != 1 || !strings.Contains(got[0], "the bus gatehouse-dev has the rule theirs") {
		t.Errorf("got %q, %v, want one rule", got, err)
	}
}

package change

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"gatehouse.example/tools/dataloss"
)

// poll is how often CloudFormation is asked whether it is done.
const poll = 300 * time.Millisecond

// noChanges is how CloudFormation says that a change set is empty.
const noChanges = "didn't contain changes"

// Stack is the stack of an action.
type Stack struct {
	// CF has the rights of the action's role, Root those of CloudFormation itself.
	CF, Root  *cloudformation.Client
	Name, Set string
}

// Replace makes the change set, or anew, and says what it holds.
func (s Stack) Replace(ctx context.Context, p Plan) ([]types.Change, error) {
	status, err := s.status(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := s.CF.DeleteChangeSet(ctx, &cloudformation.DeleteChangeSetInput{StackName: &s.Name, ChangeSetName: &s.Set}); err != nil && !missing(err) {
		return nil, fmt.Errorf("cloudformation.DeleteChangeSet: %w", err)
	}
	in := &cloudformation.CreateChangeSetInput{
		StackName: &s.Name, ChangeSetName: &s.Set, TemplateBody: &p.Template, RoleARN: &p.Role, ChangeSetType: types.ChangeSetTypeUpdate,
	}
	if status == "" || status == types.StackStatusReviewInProgress {
		in.ChangeSetType = types.ChangeSetTypeCreate
	}
	for _, c := range p.Capabilities {
		in.Capabilities = append(in.Capabilities, types.Capability(c))
	}
	for name, value := range p.Parameters {
		in.Parameters = append(in.Parameters, types.Parameter{ParameterKey: aws.String(name), ParameterValue: aws.String(value)})
	}
	for key, value := range p.Tags {
		in.Tags = append(in.Tags, types.Tag{Key: aws.String(key), Value: aws.String(value)})
	}
	if _, err := s.CF.CreateChangeSet(ctx, in); err != nil {
		return nil, fmt.Errorf("cloudformation.CreateChangeSet: %w", err)
	}
	if p.Policy != "" {
		if _, err := s.CF.SetStackPolicy(ctx, &cloudformation.SetStackPolicyInput{StackName: &s.Name, StackPolicyBody: &p.Policy}); err != nil {
			return nil, fmt.Errorf("cloudformation.SetStackPolicy: %w", err)
		}
	}
	set, err := s.described(ctx, s.CF)
	if err != nil {
		return nil, err
	}
	if set.Status == types.ChangeSetStatusFailed && !strings.Contains(aws.ToString(set.StatusReason), noChanges) {
		return nil, fmt.Errorf("the change set failed: %s", aws.ToString(set.StatusReason))
	}
	return set.Changes, nil
}

// described waits until the change set is made.
func (s Stack) described(ctx context.Context, cf *cloudformation.Client) (*cloudformation.DescribeChangeSetOutput, error) {
	var all []types.Change
	in := &cloudformation.DescribeChangeSetInput{StackName: &s.Name, ChangeSetName: &s.Set}
	for {
		out, err := cf.DescribeChangeSet(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("cloudformation.DescribeChangeSet: %w", err)
		}
		switch {
		case strings.HasSuffix(string(out.Status), "_IN_PROGRESS") || strings.HasSuffix(string(out.Status), "_PENDING"):
			if err := wait(ctx); err != nil {
				return nil, err
			}
			continue
		case out.NextToken != nil:
			all, in.NextToken = append(all, out.Changes...), out.NextToken
			continue
		}
		out.Changes = append(all, out.Changes...)
		return out, nil
	}
}

// Execute executes the change set and returns the stack's outputs; one without
// changes is left alone.
func (s Stack) Execute(ctx context.Context) (outputs map[string]string, executed bool, err error) {
	set, err := s.described(ctx, s.CF)
	if err != nil {
		return nil, false, err
	}
	if len(set.Changes) > 0 || set.ExecutionStatus == types.ExecutionStatusAvailable {
		if err := s.allowed(ctx); err != nil {
			return nil, false, err
		}
		if err := s.execute(ctx); err != nil {
			return nil, false, err
		}
		executed = true
	}
	out, err := s.CF.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &s.Name})
	if err != nil {
		return nil, executed, fmt.Errorf("cloudformation.DescribeStacks: %w", err)
	}
	outputs = map[string]string{}
	for _, o := range out.Stacks[0].Outputs {
		outputs[aws.ToString(o.OutputKey)] = aws.ToString(o.OutputValue)
	}
	return outputs, executed, nil
}

// allowed refuses what the stack policy refuses on AWS; the emulator keeps a
// policy and asks nobody about it.
func (s Stack) allowed(ctx context.Context) error {
	report, err := dataloss.Finder{API: s.Root}.Find(ctx, s.Name, s.Set)
	if err != nil {
		return fmt.Errorf("dataloss.Finder.Find: %w", err)
	}
	if err := report.Err(s.Name); err != nil {
		return fmt.Errorf("simulated: %w", err)
	}
	return nil
}

func (s Stack) execute(ctx context.Context) error {
	started := time.Now().Add(-time.Second) // its times have whole seconds
	if _, err := s.CF.ExecuteChangeSet(ctx, &cloudformation.ExecuteChangeSetInput{StackName: &s.Name, ChangeSetName: &s.Set}); err != nil {
		return fmt.Errorf("cloudformation.ExecuteChangeSet: %w", err)
	}
	for {
		status, err := s.status(ctx)
		if err != nil {
			return err
		}
		if strings.HasSuffix(string(status), "_CLEANUP_IN_PROGRESS") || !strings.HasSuffix(string(status), "_IN_PROGRESS") {
			if status == types.StackStatusCreateComplete || strings.HasPrefix(string(status), "UPDATE_COMPLETE") {
				return nil
			}
			return fmt.Errorf("%s is %s. What failed first: %s", s.Name, status, s.reason(ctx, started))
		}
		if err := wait(ctx); err != nil {
			return err
		}
	}
}

// reason is the first failure since then, by the events that the action's role may read.
func (s Stack) reason(ctx context.Context, since time.Time) string {
	first := "CloudFormation does not say"
	for pages := cloudformation.NewDescribeStackEventsPaginator(s.CF, &cloudformation.DescribeStackEventsInput{StackName: &s.Name}); pages.HasMorePages(); {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Sprintf("not known, for cloudformation.DescribeStackEvents: %v", err)
		}
		for _, e := range out.StackEvents { // the newest first
			if aws.ToTime(e.Timestamp).Before(since) {
				return first
			}
			if why := aws.ToString(e.ResourceStatusReason); strings.HasSuffix(string(e.ResourceStatus), "_FAILED") && why != "" && !strings.Contains(why, "cancelled") {
				first = aws.ToString(e.LogicalResourceId) + ": " + why
			}
		}
	}
	return first
}

func (s Stack) status(ctx context.Context) (types.StackStatus, error) {
	out, err := s.CF.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &s.Name})
	if err != nil && missing(err) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("cloudformation.DescribeStacks: %w", err)
	}
	if len(out.Stacks) != 1 {
		return "", errors.New("cloudformation.DescribeStacks: not one stack")
	}
	return out.Stacks[0].StackStatus, nil
}

func missing(err error) bool {
	return strings.Contains(err.Error(), "does not exist") || strings.Contains(err.Error(), "NotFound")
}

func wait(ctx context.Context) error {
	t := time.NewTimer(poll)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

package runner

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"gatehouse.example/tools/cfn"
	"gatehouse.example/tools/dataloss"
)

// Stack makes and executes the change sets of one stack.
type Stack struct {
	// Client has the permissions of the action's role, Root those of CloudFormation.
	Client, Root *cloudformation.Client
	// Name is the name of the stack, SetName that of its change set.
	Name, SetName string
}

// Replace makes the change set, in place of an earlier one, and returns its changes.
func (s Stack) Replace(ctx context.Context, c ChangeSet) ([]types.Change, error) {
	status, err := cfn.Status(ctx, s.Client, s.Name)
	if err != nil {
		return nil, fmt.Errorf("cfn.Status: %w", err)
	}
	if _, err := s.Client.DeleteChangeSet(ctx, &cloudformation.DeleteChangeSetInput{StackName: &s.Name, ChangeSetName: &s.SetName}); err != nil && !cfn.Missing(err) {
		return nil, fmt.Errorf("cloudformation.DeleteChangeSet: %w", err)
	}
	set, err := cfn.CreateChangeSet(ctx, s.Client, c.input(s, status))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.Name, err)
	}
	if c.Policy != "" {
		if _, err := s.Client.SetStackPolicy(ctx, &cloudformation.SetStackPolicyInput{StackName: &s.Name, StackPolicyBody: &c.Policy}); err != nil {
			return nil, fmt.Errorf("cloudformation.SetStackPolicy: %w", err)
		}
	}
	return set.Changes, nil
}

func (c ChangeSet) input(s Stack, status types.StackStatus) cloudformation.CreateChangeSetInput {
	in := cloudformation.CreateChangeSetInput{
		StackName: &s.Name, ChangeSetName: &s.SetName, TemplateBody: &c.Template,
		Parameters: cfn.Parameters(c.Parameters), ChangeSetType: types.ChangeSetTypeUpdate,
	}
	if status == "" || status == types.StackStatusReviewInProgress {
		in.ChangeSetType = types.ChangeSetTypeCreate
	}
	if c.Role != "" {
		in.RoleARN = &c.Role
	}
	for _, name := range c.Capabilities {
		in.Capabilities = append(in.Capabilities, types.Capability(name))
	}
	for key, value := range c.Tags {
		in.Tags = append(in.Tags, types.Tag{Key: &key, Value: &value})
	}
	return in
}

// Execute executes the change set and returns the outputs of the stack. It does
// not execute a change set without changes.
func (s Stack) Execute(ctx context.Context) (outputs map[string]string, executed bool, err error) {
	set, err := cfn.DescribeChangeSet(ctx, s.Client, s.Name, s.SetName)
	if err != nil {
		return nil, false, fmt.Errorf("cfn.DescribeChangeSet: %w", err)
	}
	if len(set.Changes) > 0 || set.ExecutionStatus == types.ExecutionStatusAvailable {
		if err := s.checkPolicy(ctx); err != nil {
			return nil, false, err
		}
		if err := cfn.ExecuteChangeSet(ctx, s.Client, s.Name, s.SetName); err != nil {
			return nil, false, fmt.Errorf("%s: %w", s.Name, err)
		}
		executed = true
	}
	outputs, err = cfn.Outputs(ctx, s.Client, s.Name)
	if err != nil {
		return nil, executed, fmt.Errorf("cfn.Outputs: %w", err)
	}
	return outputs, executed, nil
}

// checkPolicy refuses what the stack policy denies on AWS. The emulator stores a
// stack policy and does not enforce it.
func (s Stack) checkPolicy(ctx context.Context) error {
	report, err := dataloss.Finder{API: s.Root}.Find(ctx, s.Name, s.SetName)
	if err != nil {
		return fmt.Errorf("dataloss.Finder.Find: %w", err)
	}
	if err := report.Err(s.Name); err != nil {
		return fmt.Errorf("simulated: %w", err)
	}
	return nil
}

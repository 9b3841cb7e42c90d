package awsdeploy

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"

	"gatehouse.example/tools/cfn"
	"gatehouse.example/tools/internal/terminal"
)

const (
	functionType = "AWS::Lambda::Function"
	poolType     = "AWS::Cognito::UserPool"
	apiType      = "AWS::ApiGateway::RestApi"
)

func (s *session) destroy(ctx context.Context, yes string) error {
	env := s.target.environment
	if yes != "" && yes != env {
		return fmt.Errorf("nothing was changed: --yes is %s, but the environment is %s", yes, env)
	}
	unlock, err := s.lock()
	if err != nil {
		return err
	}
	defer unlock()
	going, err := s.deployed(ctx)
	if err != nil {
		return err
	}
	certificates, err := s.certificates(ctx)
	if err != nil {
		return err
	}
	if len(going)+len(certificates) == 0 {
		fmt.Fprintln(s.out, "\nNone of these stacks exists; nothing to delete.")
		return nil
	}
	pools := cognitoidentityprovider.NewFromConfig(s.target.config)
	if err := s.refuse(ctx, pools, going); err != nil {
		return err
	}
	s.show(going, certificates)
	question := fmt.Sprintf("Delete %d stacks from account %s in %s?", len(going)+len(certificates), s.target.account, s.target.config.Region)
	if err := s.ask(question, env, yes == env, "--yes "+env+" (make: YES="+env+")"); err != nil {
		return err
	}
	fmt.Fprintln(s.out)
	if err := s.delete(ctx, pools, going); err != nil {
		return err
	}
	return errors.Join(s.leftovers(ctx, going), s.deleteCertificates(ctx, certificates))
}

// deployed reads the chosen stacks that exist, the last deployed first.
func (s *session) deployed(ctx context.Context) ([]*deployedStack, error) {
	var going []*deployedStack
	for _, one := range slices.Backward(s.stacks) {
		read, err := readDeployed(ctx, s.cf, one.Name, one.FullName)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", one.FullName, err)
		}
		if read != nil {
			going = append(going, read)
		}
	}
	return going, nil
}

// refuse returns an error if other resources need these stacks.
func (s *session) refuse(ctx context.Context, pools poolAPI, going []*deployedStack) error {
	attached, err := attachments(ctx, pools, physicalIDs(going, functionType))
	if err != nil {
		return fmt.Errorf("attachments: %w", err)
	}
	own := physicalIDs(going, poolType)
	var against []string
	for _, a := range attached {
		if !slices.Contains(own, a.Pool) {
			against = append(against, a.String())
		}
	}
	readers, err := s.readers(ctx, going)
	if err != nil {
		return err
	}
	rules, err := foreignRules(ctx, eventbridge.NewFromConfig(s.target.config), physicalIDs(going, busType), physicalIDs(going, ruleType))
	if err != nil {
		return err
	}
	against = append(append(against, readers...), rules...)
	if len(against) == 0 {
		return nil
	}
	return fmt.Errorf("nothing was changed, because these would fail:\n  %s\n"+
		"Delete the readers and rules too. To switch off a pool's trigger, set its stack's parameter, such as PreSignUpTrigger=off in platform/samconfig.toml",
		strings.Join(against, "\n  "))
}

// readers are the remaining stacks that read a name from a deleted one.
func (s *session) readers(ctx context.Context, going []*deployedStack) ([]string, error) {
	exist, err := s.existing(ctx)
	if err != nil {
		return nil, err
	}
	var found []string
	for _, reader := range s.all {
		if _, is := exist[reader.Name]; !is || slices.ContainsFunc(going, func(g *deployedStack) bool { return g.Name == reader.Name }) {
			continue
		}
		for _, g := range going {
			if slices.Contains(s.graph[reader.Name], g.Name) {
				found = append(found, fmt.Sprintf("%s reads names of %s", reader.FullName, g.FullName))
			}
		}
	}
	return found, nil
}

func (s *session) show(going []*deployedStack, certificates []certificate) {
	fmt.Fprintln(s.out, "\nTo be deleted, in this order")
	for i, g := range going {
		kept := 0
		for _, r := range g.Resources {
			if r.Kept {
				kept++
			}
		}
		first := ""
		if len(g.Switches) > 0 {
			first = "   first sets " + strings.Join(g.Switches, ", ") + " to off"
		}
		fmt.Fprintf(s.out, "  %d  %-14s  %d resources, %d of them retained%s\n", i+1, g.Name, len(g.Resources), kept, first)
	}
	for i, c := range certificates {
		fmt.Fprintf(s.out, "  %d  %-14s  %s in %s\n", len(going)+i+1, "certificate", c.FullName, c.Region)
	}
	fmt.Fprintln(s.out, "\nRetained on purpose: users, audit records and their keys")
	if !printKept(s.out, going, s.target.environment) {
		fmt.Fprintln(s.out, "  nothing")
	}
}

// delete switches the triggers off, checks that, and deletes the stacks.
func (s *session) delete(ctx context.Context, pools poolAPI, going []*deployedStack) error {
	board := terminal.NewBoard(os.Stdout)
	defer board.Close()
	for _, g := range going {
		if len(g.Switches) == 0 {
			continue
		}
		task := board.Start(g.Name, "switching its triggers off")
		if err := switchOff(ctx, s.cf, g); err != nil {
			task.Fail("triggers not switched off")
			return fmt.Errorf("nothing was deleted: %s: %w", g.FullName, err)
		}
		task.Done("triggers off")
	}
	attached, err := attachments(ctx, pools, physicalIDs(going, functionType))
	if err != nil {
		return fmt.Errorf("attachments: %w", err)
	}
	if len(attached) > 0 {
		return fmt.Errorf("nothing was deleted: the triggers are switched off, but %s", attached[0])
	}
	for i, g := range going {
		task := board.Start(g.Name, "deleting")
		if err := deleteStack(ctx, s.cf, g.FullName); err != nil {
			task.Fail("not deleted")
			return errors.Join(fmt.Errorf("%s was not deleted: %w", g.FullName, err),
				fmt.Errorf("%d stacks are deleted, %d are unchanged; fix the cause and run the same command again", i, len(going)-i-1))
		}
		task.Done("deleted")
	}
	return nil
}

// leftovers lists what no stack owned.
func (s *session) leftovers(ctx context.Context, went []*deployedStack) error {
	var prefixes []string
	for _, g := range went {
		name := s.target.environment + "/" + g.Name + "/"
		prefixes = append(prefixes, "/gatehouse/"+name, "/aws/lambda/gatehouse-"+strings.ReplaceAll(name, "/", "-"))
	}
	for _, id := range physicalIDs(went, apiType) {
		prefixes = append(prefixes, "API-Gateway-Execution-Logs_"+id+"/")
	}
	groups, err := logGroups(ctx, cloudwatchlogs.NewFromConfig(s.target.config), prefixes)
	if err != nil {
		return fmt.Errorf("the stacks are deleted, but the search for other resources failed: %w", err)
	}
	fmt.Fprintln(s.out, "\nLeft over, in addition to what is retained")
	for _, name := range groups {
		fmt.Fprintf(s.out, "  log group %s   aws logs delete-log-group --log-group-name %s\n", name, name)
	}
	fmt.Fprintln(s.out, "  the bucket with the functions' code, which all of SAM's stacks in the account share: stack aws-sam-cli-managed-default")
	return nil
}

// switchOff updates a stack so that its user pool no longer calls triggers.
func switchOff(ctx context.Context, api *cloudformation.Client, s *deployedStack) error {
	in := cloudformation.UpdateStackInput{
		StackName: &s.FullName, UsePreviousTemplate: aws.Bool(true),
		Capabilities: append(s.capabilities, types.CapabilityCapabilityAutoExpand),
	}
	for _, p := range s.parameters {
		next := types.Parameter{ParameterKey: p.ParameterKey, UsePreviousValue: aws.Bool(true)}
		if slices.Contains(s.Switches, aws.ToString(p.ParameterKey)) {
			next = types.Parameter{ParameterKey: p.ParameterKey, ParameterValue: aws.String("off")}
		}
		in.Parameters = append(in.Parameters, next)
	}
	return cfn.UpdateStack(ctx, api, in)
}

// deleteStack deletes a stack. If that fails, the stack is protected again.
func deleteStack(ctx context.Context, api *cloudformation.Client, stack string) error {
	if err := protectFromDeletion(ctx, api, stack, false); err != nil {
		return err
	}
	err := cfn.DeleteStack(ctx, api, stack)
	if err == nil || ctx.Err() != nil {
		return err
	}
	return errors.Join(err, protectFromDeletion(ctx, api, stack, true))
}

// logGroups finds the log groups that begin with one of the prefixes. AWS services
// create some outside the stack, and nothing deletes those.
func logGroups(ctx context.Context, api cloudwatchlogs.DescribeLogGroupsAPIClient, prefixes []string) ([]string, error) {
	var names []string
	for _, prefix := range prefixes {
		in := &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: &prefix}
		for pages := cloudwatchlogs.NewDescribeLogGroupsPaginator(api, in); pages.HasMorePages(); {
			out, err := pages.NextPage(ctx)
			if err != nil {
				return nil, fmt.Errorf("cloudwatchlogs.DescribeLogGroups: %w", err)
			}
			for _, g := range out.LogGroups {
				names = append(names, aws.ToString(g.LogGroupName))
			}
		}
	}
	return names, nil
}

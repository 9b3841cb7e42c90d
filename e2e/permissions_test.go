package e2e

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"gatehouse.example/tools/actors"
)

// unusedFile excuses what no test needs.
const unusedFile = "testdata/unused-permissions.txt"

// wholeRun reports whether every test ran: a part of them does not show what no test needs.
func wholeRun() bool {
	for _, name := range []string{"test.run", "test.skip", "test.list"} {
		if f := flag.Lookup(name); f != nil && f.Value.String() != "" {
			return false
		}
	}
	return true
}

// stackRole is one of the stacks' roles.
type stackRole struct {
	key, name string // of the file, and IAM's
	// people is set if tests try with it what it must not do.
	people bool
}

// roleReader reads the roles of the environment as they are deployed.
type roleReader struct {
	cloudformation *cloudformation.Client
	iam            *iam.Client
	// names are the physical ids that differ in every deployment.
	names map[string]string
}

// checkPermissions compares the roles of the environment with the calls of all tests.
func checkPermissions(ctx context.Context, s *system) error {
	text, err := os.ReadFile(unusedFile)
	if err != nil {
		return fmt.Errorf("os.ReadFile: %w", err)
	}
	list, err := parsePermissionList(string(text))
	if err != nil {
		return fmt.Errorf("%s: %w", unusedFile, err)
	}
	file, err := os.Open(filepath.Join(s.dir, "calls.jsonl"))
	if err != nil {
		return fmt.Errorf("os.Open: %w", err)
	}
	defer file.Close()
	calls, err := readCalls(file)
	if err != nil {
		return fmt.Errorf("readCalls: %w", err)
	}
	reader, err := newRoleReader(s)
	if err != nil {
		return err
	}
	roles, err := reader.roles(ctx)
	if err != nil {
		return err
	}
	var wrong []string
	var unused, held []permission
	for _, r := range roles {
		own := slices.DeleteFunc(slices.Clone(calls), func(c roleCall) bool { return c.Role != r.name })
		for _, c := range own {
			if c.Allowed || r.people {
				continue
			}
			refused := permission{Role: r.key, Action: "refused:" + c.Action, Resource: reader.readable(c.Resource)}
			if line, ok := list.find(refused); ok {
				unused = append(unused, line)
			} else {
				wrong = append(wrong, "something is missing in the template, or list it with its reason: "+refused.String())
			}
		}
		more, err := reader.unused(ctx, r, own)
		if err != nil {
			return fmt.Errorf("%s: %w", r.key, err)
		}
		all, err := reader.unused(ctx, r, nil)
		if err != nil {
			return fmt.Errorf("%s: %w", r.key, err)
		}
		unused, held = append(unused, more...), append(held, all...)
	}
	wrong = append(wrong, list.compare(unused, held)...)
	fmt.Fprintf(os.Stderr, "permissions: %d roles, %d calls of roles told apart, %d permissions excused\n", len(roles), len(calls), len(list))
	if len(roles) == 0 || len(calls) == 0 {
		wrong = append(wrong, "no role or no call was seen")
	}
	if len(wrong) > 0 {
		return errors.New("the permissions of roles and the calls of all tests (" + unusedFile + "):\n  " + strings.Join(wrong, "\n  "))
	}
	return nil
}

func newRoleReader(s *system) (*roleReader, error) {
	env, err := actors.ReadEnv(s.envFile())
	if err != nil {
		return nil, fmt.Errorf("actors.ReadEnv: %w", err)
	}
	cfg := env.Config()
	return &roleReader{cloudformation: cloudformation.NewFromConfig(cfg), iam: iam.NewFromConfig(cfg), names: map[string]string{}}, nil
}

// roles are those of the environment's stacks and of those that they nest.
func (r *roleReader) roles(ctx context.Context) ([]stackRole, error) {
	const prefix = "gatehouse-local-"
	var stacks []types.Stack
	for pages := cloudformation.NewDescribeStacksPaginator(r.cloudformation, &cloudformation.DescribeStacksInput{}); pages.HasMorePages(); {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("cloudformation.DescribeStacks: %w", err)
		}
		stacks = append(stacks, out.Stacks...)
	}
	var found []stackRole
	for _, stack := range stacks {
		short, own := strings.CutPrefix(aws.ToString(stack.StackName), prefix)
		if !own {
			continue
		}
		// A nested stack's name continues with its logical id, which begins with a capital.
		if nested := strings.IndexFunc(short, func(c rune) bool { return c >= 'A' && c <= 'Z' }); nested > 0 {
			short = strings.TrimSuffix(short[:nested], "-")
		}
		for pages := cloudformation.NewListStackResourcesPaginator(r.cloudformation, &cloudformation.ListStackResourcesInput{StackName: stack.StackId}); pages.HasMorePages(); {
			out, err := pages.NextPage(ctx)
			if err != nil {
				return nil, fmt.Errorf("cloudformation.ListStackResources: %w", err)
			}
			for _, resource := range out.StackResourceSummaries {
				key, id := short+"/"+aws.ToString(resource.LogicalResourceId), aws.ToString(resource.PhysicalResourceId)
				switch aws.ToString(resource.ResourceType) {
				case "AWS::IAM::Role":
					found = append(found, stackRole{key: key, name: id})
				case "AWS::KMS::Key", "AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::Cognito::UserPool", "AWS::ApiGateway::RestApi":
					r.names[id] = key
				}
			}
		}
	}
	for i, one := range found {
		out, err := r.iam.GetRole(ctx, &iam.GetRoleInput{RoleName: &one.name})
		if err != nil {
			return nil, fmt.Errorf("iam.GetRole: %w", err)
		}
		found[i].people = strings.Contains(aws.ToString(out.Role.AssumeRolePolicyDocument), "cognito-identity.amazonaws.com")
	}
	return found, nil
}

// unused are the permissions of a role that none of its calls needed, inline ones
// and those of managed policies. What AWS's own managed policies hold, AWS
// changes; they count as one permission each.
func (r *roleReader) unused(ctx context.Context, one stackRole, calls []roleCall) ([]permission, error) {
	var found []permission
	inline, err := r.iam.ListRolePolicies(ctx, &iam.ListRolePoliciesInput{RoleName: &one.name})
	if err != nil {
		return nil, fmt.Errorf("iam.ListRolePolicies: %w", err)
	}
	for _, name := range inline.PolicyNames {
		out, err := r.iam.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: &one.name, PolicyName: &name})
		if err != nil {
			return nil, fmt.Errorf("iam.GetRolePolicy: %w", err)
		}
		document, err := url.PathUnescape(aws.ToString(out.PolicyDocument))
		if err != nil {
			return nil, fmt.Errorf("url.PathUnescape: %w", err)
		}
		all, err := permissionsOfPolicy(document)
		if err != nil {
			return nil, fmt.Errorf("permissionsOfPolicy: %w", err)
		}
		for _, a := range all {
			if !a.used(calls) {
				found = append(found, permission{Role: one.key, Action: a.Action, Resource: r.readable(a.Resource)})
			}
		}
	}
	attached, err := r.iam.ListAttachedRolePolicies(ctx, &iam.ListAttachedRolePoliciesInput{RoleName: &one.name})
	if err != nil {
		return nil, fmt.Errorf("iam.ListAttachedRolePolicies: %w", err)
	}
	for _, p := range attached.AttachedPolicies {
		found = append(found, permission{Role: one.key, Action: "managed-policy", Resource: aws.ToString(p.PolicyArn)})
	}
	return found, nil
}

// readable puts logical ids where a deployment puts names of its own making, and
// leaves account and region out.
func (r *roleReader) readable(resource string) string {
	for id, key := range r.names {
		resource = strings.ReplaceAll(resource, id, key)
	}
	parts := strings.SplitN(resource, ":", 6)
	if len(parts) < 6 || parts[0] != "arn" {
		return resource
	}
	return parts[2] + ":" + parts[5]
}

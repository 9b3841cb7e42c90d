package drift

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// roleAPI reads roles and sets them back.
type roleAPI interface {
	iam.ListAttachedRolePoliciesAPIClient
	iam.ListRolePoliciesAPIClient
	AttachRolePolicy(context.Context, *iam.AttachRolePolicyInput, ...func(*iam.Options)) (*iam.AttachRolePolicyOutput, error)
	DeleteRolePolicy(context.Context, *iam.DeleteRolePolicyInput, ...func(*iam.Options)) (*iam.DeleteRolePolicyOutput, error)
	DetachRolePolicy(context.Context, *iam.DetachRolePolicyInput, ...func(*iam.Options)) (*iam.DetachRolePolicyOutput, error)
	GetRole(context.Context, *iam.GetRoleInput, ...func(*iam.Options)) (*iam.GetRoleOutput, error)
	GetRolePolicy(context.Context, *iam.GetRolePolicyInput, ...func(*iam.Options)) (*iam.GetRolePolicyOutput, error)
	PutRolePermissionsBoundary(context.Context, *iam.PutRolePermissionsBoundaryInput, ...func(*iam.Options)) (*iam.PutRolePermissionsBoundaryOutput, error)
	PutRolePolicy(context.Context, *iam.PutRolePolicyInput, ...func(*iam.Options)) (*iam.PutRolePolicyOutput, error)
	UpdateAssumeRolePolicy(context.Context, *iam.UpdateAssumeRolePolicyInput, ...func(*iam.Options)) (*iam.UpdateAssumeRolePolicyOutput, error)
}

// roles compares AWS::IAM::Role: its own policies, those attached to it, who may
// assume it, and its boundary.
type roles struct{ api roleAPI }

func (k roles) compare(ctx context.Context, r resource) ([]Finding, error) {
	out, err := k.api.GetRole(ctx, &iam.GetRoleInput{RoleName: &r.Physical})
	var missing *types.NoSuchEntityException
	if errors.As(err, &missing) {
		return r.missing(), nil
	}
	if err != nil {
		return nil, fmt.Errorf("iam.GetRole: %w", err)
	}
	var all []Finding
	for _, look := range []func() ([]Finding, error){
		func() ([]Finding, error) { return k.trust(r, aws.ToString(out.Role.AssumeRolePolicyDocument)) },
		func() ([]Finding, error) { return k.inline(ctx, r) },
		func() ([]Finding, error) { return k.attached(ctx, r) },
		func() ([]Finding, error) { return k.boundary(r, out.Role.PermissionsBoundary), nil },
	} {
		found, failed := look()
		all, err = append(all, found...), errors.Join(err, failed)
	}
	return all, err
}

// document decodes a policy, which IAM returns in the encoding of URLs.
func document(encoded string) string {
	if text, err := url.QueryUnescape(encoded); err == nil {
		return text
	}
	return encoded
}

func (k roles) trust(r resource, encoded string) ([]Finding, error) {
	if r.unresolved["AssumeRolePolicyDocument"] != nil {
		return nil, nil
	}
	want := r.props["AssumeRolePolicyDocument"]
	d, err := comparePolicies(want, document(encoded))
	if err != nil {
		return nil, err
	}
	return r.policyFinding(d, "trust", "iam.UpdateAssumeRolePolicy", func(ctx context.Context) error {
		text, err := attribute(want)
		if err != nil {
			return err
		}
		if _, err := k.api.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: &r.Physical, PolicyDocument: &text}); err != nil {
			return fmt.Errorf("iam.UpdateAssumeRolePolicy: %w", err)
		}
		return nil
	}), nil
}

// inline compares the role's own policies by their names.
func (k roles) inline(ctx context.Context, r resource) ([]Finding, error) {
	if r.unresolved["Policies"] != nil {
		return nil, nil
	}
	want := map[string]any{}
	for _, one := range list(r.props["Policies"]) {
		want[fmt.Sprint(object(one)["PolicyName"])] = object(one)["PolicyDocument"]
	}
	have := map[string]any{}
	for pages := iam.NewListRolePoliciesPaginator(k.api, &iam.ListRolePoliciesInput{RoleName: &r.Physical}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("iam.ListRolePolicies: %w", err)
		}
		for _, name := range page.PolicyNames {
			out, err := k.api.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: &r.Physical, PolicyName: &name})
			if err != nil {
				return nil, fmt.Errorf("iam.GetRolePolicy: %w", err)
			}
			have[name] = document(aws.ToString(out.PolicyDocument))
		}
	}
	var all []Finding
	for _, name := range set(slices.AppendSeq(slices.Collect(maps.Keys(want)), maps.Keys(have))) {
		d, err := comparePolicies(want[name], have[name])
		if err != nil {
			return nil, err
		}
		repair, fix := "iam.PutRolePolicy", func(ctx context.Context) error { return k.put(ctx, r, name, want[name]) }
		if _, is := want[name]; !is {
			repair, fix = "iam.DeleteRolePolicy", func(ctx context.Context) error { return k.delete(ctx, r, name) }
		}
		all = append(all, r.policyFinding(d, "policy "+name, repair, fix)...)
	}
	return all, nil
}

func (k roles) put(ctx context.Context, r resource, name string, document any) error {
	text, err := attribute(document)
	if err != nil {
		return err
	}
	if _, err := k.api.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: &r.Physical, PolicyName: &name, PolicyDocument: &text}); err != nil {
		return fmt.Errorf("iam.PutRolePolicy: %w", err)
	}
	return nil
}

func (k roles) delete(ctx context.Context, r resource, name string) error {
	if _, err := k.api.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: &r.Physical, PolicyName: &name}); err != nil {
		return fmt.Errorf("iam.DeleteRolePolicy: %w", err)
	}
	return nil
}

// attached compares the managed policies. What they say is not compared.
func (k roles) attached(ctx context.Context, r resource) ([]Finding, error) {
	if r.unresolved["ManagedPolicyArns"] != nil {
		return nil, nil
	}
	want, have := texts(r.props["ManagedPolicyArns"]), []string{}
	for pages := iam.NewListAttachedRolePoliciesPaginator(k.api, &iam.ListAttachedRolePoliciesInput{RoleName: &r.Physical}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("iam.ListAttachedRolePolicies: %w", err)
		}
		for _, one := range page.AttachedPolicies {
			have = append(have, aws.ToString(one.PolicyArn))
		}
	}
	var all []Finding
	for _, arn := range set(append(slices.Clone(want), have...)) {
		switch {
		case !slices.Contains(have, arn):
			all = append(all, Finding{Where: r.where(), Differences: []string{"policy " + arn + ": not attached"}, Repair: "iam.AttachRolePolicy", fix: func(ctx context.Context) error {
				if _, err := k.api.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: &r.Physical, PolicyArn: &arn}); err != nil {
					return fmt.Errorf("iam.AttachRolePolicy: %w", err)
				}
				return nil
			}})
		case !slices.Contains(want, arn):
			// It may deny something, such as AWS's own policy for keys that became known.
			all = append(all, Finding{Where: r.where(), Differences: []string{"policy " + arn + ": attached by hand"}, Repair: "iam.DetachRolePolicy", denies: true, fix: func(ctx context.Context) error {
				if _, err := k.api.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: &r.Physical, PolicyArn: &arn}); err != nil {
					return fmt.Errorf("iam.DetachRolePolicy: %w", err)
				}
				return nil
			}})
		}
	}
	return all, nil
}

// boundary compares the permissions boundary. One that was added by hand stays: without
// it the role could do more.
func (k roles) boundary(r resource, attached *types.AttachedPermissionsBoundary) []Finding {
	have := map[string]any{}
	if attached != nil {
		have["PermissionsBoundary"] = aws.ToString(attached.PermissionsBoundaryArn)
	}
	f, changed := r.finding(have, nil, "PermissionsBoundary")
	if len(changed) == 0 {
		return nil
	}
	want := r.text("PermissionsBoundary")
	if want == "" {
		f.Hint = "aws iam delete-role-permissions-boundary --role-name " + r.Physical
		return []Finding{f}
	}
	f.Repair = "iam.PutRolePermissionsBoundary"
	f.fix = func(ctx context.Context) error {
		if _, err := k.api.PutRolePermissionsBoundary(ctx, &iam.PutRolePermissionsBoundaryInput{RoleName: &r.Physical, PermissionsBoundary: &want}); err != nil {
			return fmt.Errorf("iam.PutRolePermissionsBoundary: %w", err)
		}
		return nil
	}
	return []Finding{f}
}

package drift

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

const permissionType = "AWS::Lambda::Permission"

// policyReader reads who may call a function.
type policyReader interface {
	GetPolicy(context.Context, *lambda.GetPolicyInput, ...func(*lambda.Options)) (*lambda.GetPolicyOutput, error)
}

// permissionAPI reads who may call a function and sets that back.
type permissionAPI interface {
	policyReader
	AddPermission(context.Context, *lambda.AddPermissionInput, ...func(*lambda.Options)) (*lambda.AddPermissionOutput, error)
	RemovePermission(context.Context, *lambda.RemovePermissionInput, ...func(*lambda.Options)) (*lambda.RemovePermissionOutput, error)
}

// callers are the statements of a function's or an alias's policy. Without one it has
// none.
func callers(ctx context.Context, api permissionAPI, function, qualifier string) ([]statement, error) {
	text, err := functionPolicy(ctx, api, function, qualifier)
	if err != nil || text == "" {
		return nil, err
	}
	return statements(text)
}

// optional is nil for an empty text, which AWS refuses.
func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// functionPolicy is the policy as JSON, or empty.
func functionPolicy(ctx context.Context, api policyReader, function, qualifier string) (string, error) {
	out, err := api.GetPolicy(ctx, &lambda.GetPolicyInput{FunctionName: &function, Qualifier: optional(qualifier)})
	if lacking(err) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("lambda.GetPolicy: %w", err)
	}
	return aws.ToString(out.Policy), nil
}

// permission is what one AWS::Lambda::Permission says.
type permission struct {
	function, qualifier string
	statement           statement
}

// newPermission makes the statement that Lambda makes of a permission's properties:
// https://docs.aws.amazon.com/lambda/latest/dg/permissions-function-services.html
func newPermission(r resource) (permission, error) {
	for name, err := range r.unresolved {
		return permission{}, fmt.Errorf("%s: %w", name, err)
	}
	p := permission{}
	p.function, p.qualifier = functionOf(r.text("FunctionName"))
	of := r.stack.id
	resource := strings.Join([]string{"arn", of.Partition, "lambda", of.Region, of.AccountID, "function", p.function}, ":")
	if p.qualifier != "" {
		resource += ":" + p.qualifier
	}
	by := any(map[string]any{"AWS": r.text("Principal")})
	if strings.Contains(r.text("Principal"), ".amazonaws.com") {
		by = map[string]any{"Service": r.text("Principal")}
	} else if r.text("Principal") == "*" {
		by = "*"
	}
	members := map[string]any{"Effect": "Allow", "Action": r.text("Action"), "Principal": by, "Resource": resource}
	conditions := map[string]any{}
	if source := r.text("SourceArn"); source != "" {
		conditions["ArnLike"] = map[string]any{"AWS:SourceArn": source}
	}
	if account, given := r.props["SourceAccount"]; given {
		conditions["StringEquals"] = map[string]any{"AWS:SourceAccount": fmt.Sprint(account)}
	}
	if len(conditions) > 0 {
		members["Condition"] = conditions
	}
	var err error
	p.statement, err = newStatement(members)
	return p, err
}

// functionOf splits a name or an ARN of a function and its qualifier.
func functionOf(name string) (function, qualifier string) {
	if strings.HasPrefix(name, "arn:") {
		parts := strings.Split(name, ":")
		name = strings.Join(parts[min(6, len(parts)):], ":")
	}
	function, qualifier, _ = strings.Cut(name, ":")
	return function, qualifier
}

// granted are the permissions of all templates of the environment, and the ids with
// which CloudFormation added them. One stack may grant a call of another's function.
type granted struct {
	statements map[string]bool // canonical
	sids       []string
}

func newGranted(stacks []*stack) granted {
	g := granted{statements: map[string]bool{}}
	for _, s := range stacks {
		for _, r := range s.resources {
			if r.Type != permissionType {
				continue
			}
			g.sids = append(g.sids, r.Physical)
			if p, err := newPermission(r); err == nil {
				g.statements[p.statement.text] = true
			}
		}
	}
	return g
}

// permissions compares AWS::Lambda::Permission.
type permissions struct{ api permissionAPI }

func (k permissions) compare(ctx context.Context, r resource) ([]Finding, error) {
	if len(r.unresolved) > 0 {
		return nil, nil // reported with the resource
	}
	want, err := newPermission(r)
	if err != nil {
		return nil, err
	}
	have, err := callers(ctx, k.api, want.function, want.qualifier)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(have, func(s statement) bool { return s.text == want.statement.text }) {
		return nil, nil
	}
	f := Finding{Where: r.where(), Repair: "lambda.AddPermission", Differences: []string{"permission: missing: " + want.statement.shown}}
	changed := slices.IndexFunc(have, func(s statement) bool { return s.sid == r.Physical })
	if changed >= 0 {
		f.Repair = "lambda.RemovePermission, lambda.AddPermission"
		f.Differences = []string{fmt.Sprintf("permission: expected %s, is %s", want.statement.shown, have[changed].shown)}
	}
	f.fix = func(ctx context.Context) error {
		if changed >= 0 {
			if err := removePermission(ctx, k.api, want.function, want.qualifier, r.Physical); err != nil {
				return err
			}
		}
		return k.add(ctx, r, want)
	}
	return []Finding{f}, nil
}

// add adds a permission with the id by which CloudFormation knows it.
func (k permissions) add(ctx context.Context, r resource, p permission) error {
	in := &lambda.AddPermissionInput{
		FunctionName: &p.function, StatementId: &r.Physical, Action: aws.String(r.text("Action")), Principal: aws.String(r.text("Principal")),
		FunctionUrlAuthType: types.FunctionUrlAuthType(r.text("FunctionUrlAuthType")),
		Qualifier:           optional(p.qualifier), SourceArn: optional(r.text("SourceArn")),
	}
	if account, given := r.props["SourceAccount"]; given {
		in.SourceAccount = aws.String(fmt.Sprint(account))
	}
	if _, err := k.api.AddPermission(ctx, in); err != nil {
		return fmt.Errorf("lambda.AddPermission: %w", err)
	}
	return nil
}

func removePermission(ctx context.Context, api permissionAPI, function, qualifier, sid string) error {
	in := &lambda.RemovePermissionInput{FunctionName: &function, StatementId: &sid, Qualifier: optional(qualifier)}
	if _, err := api.RemovePermission(ctx, in); err != nil {
		return fmt.Errorf("lambda.RemovePermission: %w", err)
	}
	return nil
}

// strangers are the permissions of a function or an alias that no template of the
// environment has.
func strangers(ctx context.Context, api permissionAPI, known granted, r resource, function, qualifier string) ([]Finding, error) {
	have, err := callers(ctx, api, function, qualifier)
	if err != nil {
		return nil, err
	}
	var all []Finding
	for _, s := range have {
		if known.statements[s.text] || slices.Contains(known.sids, s.sid) {
			continue
		}
		all = append(all, Finding{
			Where: r.where(), Differences: []string{"permission: added by hand: " + s.shown}, Repair: "lambda.RemovePermission",
			fix: func(ctx context.Context) error { return removePermission(ctx, api, function, qualifier, s.sid) },
		})
	}
	return all, nil
}

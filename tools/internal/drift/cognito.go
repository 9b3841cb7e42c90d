package drift

import (
	"context"
	"errors"
	"fmt"

	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"gatehouse.example/tools/actors"
)

const poolType = "AWS::Cognito::UserPool"

// poolAPI reads the user pool and sets its triggers back.
type poolAPI interface {
	DescribeUserPool(context.Context, *cognito.DescribeUserPoolInput, ...func(*cognito.Options)) (*cognito.DescribeUserPoolOutput, error)
	UpdateUserPool(context.Context, *cognito.UpdateUserPoolInput, ...func(*cognito.Options)) (*cognito.UpdateUserPoolOutput, error)
}

// pools compares the triggers of AWS::Cognito::UserPool.
type pools struct{ api poolAPI }

func (k pools) compare(ctx context.Context, r resource) ([]Finding, error) {
	out, err := k.api.DescribeUserPool(ctx, &cognito.DescribeUserPoolInput{UserPoolId: &r.Physical})
	var missing *types.ResourceNotFoundException
	if errors.As(err, &missing) {
		return r.missing(), nil
	}
	if err != nil {
		return nil, fmt.Errorf("cognitoidentityprovider.DescribeUserPool: %w", err)
	}
	if r.unresolved["LambdaConfig"] != nil {
		return nil, nil
	}
	want, have := object(r.props["LambdaConfig"]), map[string]any{}
	if out.UserPool.LambdaConfig != nil {
		if err := actors.Convert(out.UserPool.LambdaConfig, &have); err != nil {
			return nil, err
		}
	}
	f := Finding{Where: r.where(), Differences: triggerLines(want, have), last: true}
	if len(f.Differences) == 0 {
		return nil, nil
	}
	f.Repair = "cognitoidentityprovider.UpdateUserPool"
	f.fix = func(ctx context.Context) error { return k.repair(ctx, r, want) }
	return []Finding{f}, nil
}

// triggerLines has a line for each trigger that differs.
func triggerLines(want, have map[string]any) []string {
	names := []string{}
	for name := range want {
		names = append(names, name)
	}
	for name, value := range have {
		if !empty(value) {
			names = append(names, name)
		}
	}
	var out []string
	for _, name := range set(names) {
		if !same(want[name], have[name]) {
			out = append(out, fmt.Sprintf("trigger %s: expected %s, is %s", name, show(want[name]), show(have[name])))
		}
	}
	return out
}

// repair sets all triggers and leaves the pool's other settings as they are now.
func (k pools) repair(ctx context.Context, r resource, want map[string]any) error {
	out, err := k.api.DescribeUserPool(ctx, &cognito.DescribeUserPoolInput{UserPoolId: &r.Physical})
	if err != nil {
		return fmt.Errorf("cognitoidentityprovider.DescribeUserPool: %w", err)
	}
	in, err := actors.PoolUpdate(*out.UserPool)
	if err != nil {
		return err
	}
	in.LambdaConfig = &types.LambdaConfigType{}
	if err := actors.Convert(want, in.LambdaConfig); err != nil {
		return err
	}
	if _, err := k.api.UpdateUserPool(ctx, in); err != nil {
		return fmt.Errorf("cognitoidentityprovider.UpdateUserPool: %w", err)
	}
	return nil
}

package awsdeploy

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
)

type poolAPI interface {
	cognitoidentityprovider.ListUserPoolsAPIClient
	DescribeUserPool(context.Context, *cognitoidentityprovider.DescribeUserPoolInput, ...func(*cognitoidentityprovider.Options)) (*cognitoidentityprovider.DescribeUserPoolOutput, error)
}

type attachment struct {
	Pool, PoolName, Trigger, Function string
}

// String names the pool, the function and its trigger.
func (a attachment) String() string {
	return fmt.Sprintf("user pool %s (%s) calls %s as its %s trigger", a.Pool, a.PoolName, a.Function, a.Trigger)
}

// pageSize is the most that one call returns.
const pageSize = 60

// attachments finds every trigger in the account, in any team's pool, that calls one
// of the functions.
func attachments(ctx context.Context, api poolAPI, functions []string) ([]attachment, error) {
	var found []attachment
	in := &cognitoidentityprovider.ListUserPoolsInput{MaxResults: aws.Int32(pageSize)}
	for pages := cognitoidentityprovider.NewListUserPoolsPaginator(api, in); pages.HasMorePages(); {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("cognitoidentityprovider.ListUserPools: %w", err)
		}
		for _, pool := range out.UserPools {
			full, err := api.DescribeUserPool(ctx, &cognitoidentityprovider.DescribeUserPoolInput{UserPoolId: pool.Id})
			if err != nil {
				return nil, fmt.Errorf("cognitoidentityprovider.DescribeUserPool %s: %w", aws.ToString(pool.Id), err)
			}
			triggers, err := triggers(full.UserPool.LambdaConfig)
			if err != nil {
				return nil, err
			}
			for _, t := range triggers {
				if slices.Contains(functions, t.Function) {
					t.Pool, t.PoolName = aws.ToString(pool.Id), aws.ToString(pool.Name)
					found = append(found, t)
				}
			}
		}
	}
	return found, nil
}

// functionARN is the end of arn:aws:lambda:REGION:ACCOUNT:function:NAME, perhaps with :ALIAS.
var functionARN = regexp.MustCompile(`:function:([^:"]+)`)

// triggers finds the ARNs of functions at any depth of a configuration: newer
// triggers are objects, and later ones are not known here.
func triggers(config any) ([]attachment, error) {
	raw, err := json.Marshal(config)
	if err != nil {
		return nil, fmt.Errorf("json.Marshal: %w", err)
	}
	var tree map[string]json.RawMessage
	if err := json.Unmarshal(raw, &tree); err != nil {
		return nil, fmt.Errorf("json.Unmarshal: %w", err)
	}
	var found []attachment
	for name, value := range tree {
		for _, m := range functionARN.FindAllSubmatch(value, -1) {
			found = append(found, attachment{Trigger: name, Function: string(m[1])})
		}
	}
	slices.SortFunc(found, func(a, b attachment) int { return strings.Compare(a.Trigger, b.Trigger) })
	return found, nil
}

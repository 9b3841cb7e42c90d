package awsdeploy

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"

	"gatehouse.example/tools/cfn"
	"gatehouse.example/tools/internal/awsdeploy/check"
	"gatehouse.example/tools/template"
)

const (
	tableType    = "AWS::DynamoDB::Table"
	keyType      = "AWS::KMS::Key"
	logGroupType = "AWS::Logs::LogGroup"
)

// owned are the physical ids of everything in the environment's stacks.
func (s *session) owned(ctx context.Context) ([]string, error) {
	var ids []string
	for _, one := range s.all {
		below, err := resourceIDs(ctx, s.cf, one.FullName)
		if err != nil && !cfn.Missing(err) {
			return nil, err
		}
		ids = append(ids, below...)
	}
	return ids, nil
}

func resourceIDs(ctx context.Context, api cloudformation.ListStackResourcesAPIClient, stack string) ([]string, error) {
	all, err := resources(ctx, api, stack, func(context.Context, string) (map[string]string, error) { return nil, nil })
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, r := range all {
		ids = append(ids, r.Physical)
	}
	return ids, nil
}

// left are the pools, tables and keys of the environment that belong to no stack, in the
// order in which to delete them. They are found by the pool's name, by the name of the
// stack in the table's, and by the description of the key. find returns the physical ids
// of everything in the stacks.
func (s *session) left(ctx context.Context, find func(context.Context) ([]string, error)) ([]check.Left, error) {
	owned, err := find(ctx)
	if err != nil {
		return nil, err
	}
	cfg, prefix := s.target.config, "gatehouse-"+s.target.environment
	pools, err := poolsNamed(ctx, cognitoidentityprovider.NewFromConfig(cfg), prefix)
	if err != nil {
		return nil, err
	}
	tables, err := tablesNamed(ctx, dynamodb.NewFromConfig(cfg), prefix+"-")
	if err != nil {
		return nil, err
	}
	keys, err := keysDescribed(ctx, kms.NewFromConfig(cfg), "Gatehouse "+s.target.environment+" ")
	if err != nil {
		return nil, err
	}
	var found []check.Left
	for _, of := range []struct {
		typ string
		ids []string
	}{{poolType, pools}, {tableType, tables}, {keyType, keys}} {
		for _, id := range of.ids {
			if !slices.Contains(owned, id) {
				found = append(found, check.Left{Type: of.typ, ID: id, Delete: byHandOf(of.typ).text(id, s.target.environment)})
			}
		}
	}
	return found, nil
}

func poolsNamed(ctx context.Context, api cognitoidentityprovider.ListUserPoolsAPIClient, name string) ([]string, error) {
	var ids []string
	in := &cognitoidentityprovider.ListUserPoolsInput{MaxResults: aws.Int32(pageSize)}
	for pages := cognitoidentityprovider.NewListUserPoolsPaginator(api, in); pages.HasMorePages(); {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("cognitoidentityprovider.ListUserPools: %w", err)
		}
		for _, p := range out.UserPools {
			if aws.ToString(p.Name) == name {
				ids = append(ids, aws.ToString(p.Id))
			}
		}
	}
	return ids, nil
}

func tablesNamed(ctx context.Context, api dynamodb.ListTablesAPIClient, prefix string) ([]string, error) {
	var names []string
	for pages := dynamodb.NewListTablesPaginator(api, &dynamodb.ListTablesInput{}); pages.HasMorePages(); {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("dynamodb.ListTables: %w", err)
		}
		names = append(names, slices.DeleteFunc(out.TableNames, func(name string) bool { return !strings.HasPrefix(name, prefix) })...)
	}
	return names, nil
}

type keyAPI interface {
	kms.ListKeysAPIClient
	DescribeKey(context.Context, *kms.DescribeKeyInput, ...func(*kms.Options)) (*kms.DescribeKeyOutput, error)
}

// keysDescribed are the keys with a description that begins with a text, except those
// whose deletion is scheduled. Another team's key may deny to be described, and is
// omitted; if every key does, nothing is known.
func keysDescribed(ctx context.Context, api keyAPI, prefix string) ([]string, error) {
	var ids []string
	var denied error
	described := 0
	for pages := kms.NewListKeysPaginator(api, &kms.ListKeysInput{}); pages.HasMorePages(); {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("kms.ListKeys: %w", err)
		}
		for _, k := range out.Keys {
			key, err := api.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: k.KeyId})
			if err != nil {
				denied = fmt.Errorf("kms.DescribeKey: %w", err)
				continue
			}
			described++
			m := key.KeyMetadata
			if strings.HasPrefix(aws.ToString(m.Description), prefix) && m.KeyState != kmstypes.KeyStatePendingDeletion {
				ids = append(ids, aws.ToString(m.KeyId))
			}
		}
	}
	if described == 0 {
		return nil, denied
	}
	return ids, nil
}

// logGroupNames are the log groups that a template would create with these parameters,
// and the templates that it nests. It omits names that are only known on AWS.
func logGroupNames(ctx context.Context, file string, parameters map[string]string) ([]string, error) {
	t, err := template.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("template.ReadFile: %w", err)
	}
	values := t.Evaluator(parameters, nil)
	var names []string
	for _, r := range t.Resources("") {
		if condition := template.Text(template.Get(r.Node, "Condition")); condition != "" {
			if holds, err := values.Holds(ctx, condition); err == nil && !holds {
				continue
			}
		}
		switch r.Type {
		case logGroupType:
			if name, err := values.Value(ctx, r.Prop("LogGroupName")); err == nil && name != nil {
				names = append(names, fmt.Sprint(name))
			}
		case template.StackType:
			inner := map[string]string{}
			for key, value := range template.Pairs(r.Prop("Parameters")) {
				if v, err := values.Value(ctx, value); err == nil && v != nil {
					inner[key.Value] = fmt.Sprint(v)
				}
			}
			below, err := logGroupNames(ctx, filepath.Join(filepath.Dir(file), template.Text(r.Prop("TemplateURL"))), inner)
			if err != nil {
				return nil, err
			}
			names = append(names, below...)
		}
	}
	return names, nil
}

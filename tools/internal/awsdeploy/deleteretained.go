package awsdeploy

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"gatehouse.example/tools/actors"
	"gatehouse.example/tools/internal/awsdeploy/check"
)

const (
	tableTimeout = 5 * time.Minute
	// keyDays is how long a key can be recovered, the most that KMS allows.
	keyDays = 30
)

// deleteRetained deletes retained resources that belong to no stack.
func (s *session) deleteRetained(ctx context.Context, ids []string, yes string) error {
	env := s.target.environment
	if yes != "" && yes != env {
		return fmt.Errorf("nothing was changed: --yes is %s, but the environment is %s", yes, env)
	}
	left, err := s.left(ctx, s.owned)
	if err != nil {
		return err
	}
	chosen, err := choose(left, ids)
	if err != nil {
		return fmt.Errorf("nothing was changed: %w", err)
	}
	fmt.Fprintln(s.out, "\nTo be deleted, with all data")
	for _, one := range chosen {
		fmt.Fprintf(s.out, "  %s  %s\n", one.Type, one.ID)
	}
	question := fmt.Sprintf("Delete them from account %s in %s permanently?", s.target.account, s.target.config.Region)
	if err := s.ask(question, env, yes == env, "--yes "+env); err != nil {
		return err
	}
	cfg := s.target.config
	for _, one := range chosen {
		switch one.Type {
		case poolType:
			err = deletePool(ctx, cognitoidentityprovider.NewFromConfig(cfg), one.ID)
		case tableType:
			err = deleteTable(ctx, dynamodb.NewFromConfig(cfg), one.ID)
		default:
			err = deleteKey(ctx, kms.NewFromConfig(cfg), one.ID)
		}
		if err != nil {
			return fmt.Errorf("%s was not deleted: %w", one.ID, err)
		}
		fmt.Fprintf(s.out, "  deleted  %s\n", one.ID)
	}
	return nil
}

// choose returns the resources with these ids in the order of the list, which is the
// order of deletion: keys are last.
func choose(left []check.Left, ids []string) ([]check.Left, error) {
	for _, id := range ids {
		if !slices.ContainsFunc(left, func(l check.Left) bool { return l.ID == id }) {
			return nil, fmt.Errorf("%s is not a pool, table or key of the environment outside its stacks; 'gatehouse aws check' lists them", id)
		}
	}
	return slices.DeleteFunc(slices.Clone(left), func(l check.Left) bool { return !slices.Contains(ids, l.ID) }), nil
}

type poolDeleter interface {
	DescribeUserPool(context.Context, *cognitoidentityprovider.DescribeUserPoolInput, ...func(*cognitoidentityprovider.Options)) (*cognitoidentityprovider.DescribeUserPoolOutput, error)
	UpdateUserPool(context.Context, *cognitoidentityprovider.UpdateUserPoolInput, ...func(*cognitoidentityprovider.Options)) (*cognitoidentityprovider.UpdateUserPoolOutput, error)
	DeleteUserPool(context.Context, *cognitoidentityprovider.DeleteUserPoolInput, ...func(*cognitoidentityprovider.Options)) (*cognitoidentityprovider.DeleteUserPoolOutput, error)
}

// deletePool switches a pool's deletion protection off and deletes the pool.
func deletePool(ctx context.Context, api poolDeleter, id string) error {
	out, err := api.DescribeUserPool(ctx, &cognitoidentityprovider.DescribeUserPoolInput{UserPoolId: &id})
	if err != nil {
		return fmt.Errorf("cognitoidentityprovider.DescribeUserPool: %w", err)
	}
	if domain := aws.ToString(out.UserPool.Domain) + aws.ToString(out.UserPool.CustomDomain); domain != "" {
		return fmt.Errorf("it has the domain %s, and Cognito deletes no pool with a domain; first: aws cognito-idp delete-user-pool-domain --user-pool-id %s --domain %s", domain, id, domain)
	}
	if out.UserPool.DeletionProtection == cognito.DeletionProtectionTypeActive {
		in, err := unprotected(*out.UserPool)
		if err != nil {
			return err
		}
		if _, err := api.UpdateUserPool(ctx, in); err != nil {
			return fmt.Errorf("cognitoidentityprovider.UpdateUserPool: %w", err)
		}
	}
	if _, err := api.DeleteUserPool(ctx, &cognitoidentityprovider.DeleteUserPoolInput{UserPoolId: &id}); err != nil {
		return fmt.Errorf("cognitoidentityprovider.DeleteUserPool: %w", err)
	}
	return nil
}

// unprotected is the update that switches a pool's deletion protection off and changes
// nothing else.
func unprotected(pool cognito.UserPoolType) (*cognitoidentityprovider.UpdateUserPoolInput, error) {
	in, err := actors.PoolUpdate(pool)
	if err != nil {
		return nil, err
	}
	in.DeletionProtection = cognito.DeletionProtectionTypeInactive
	return in, nil
}

type tableDeleter interface {
	dynamodb.DescribeTableAPIClient
	UpdateTable(context.Context, *dynamodb.UpdateTableInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateTableOutput, error)
	DeleteTable(context.Context, *dynamodb.DeleteTableInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteTableOutput, error)
}

func deleteTable(ctx context.Context, api tableDeleter, name string) error {
	if _, err := api.UpdateTable(ctx, &dynamodb.UpdateTableInput{TableName: &name, DeletionProtectionEnabled: aws.Bool(false)}); err != nil {
		return fmt.Errorf("dynamodb.UpdateTable: %w", err)
	}
	// A table that is being updated cannot be deleted.
	active := dynamodb.NewTableExistsWaiter(api, func(o *dynamodb.TableExistsWaiterOptions) { o.MinDelay = time.Second })
	if err := active.Wait(ctx, &dynamodb.DescribeTableInput{TableName: &name}, tableTimeout); err != nil {
		return fmt.Errorf("dynamodb.TableExistsWaiter.Wait: %w", err)
	}
	if _, err := api.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &name}); err != nil {
		return fmt.Errorf("dynamodb.DeleteTable: %w", err)
	}
	return nil
}

func deleteKey(ctx context.Context, api *kms.Client, id string) error {
	if _, err := api.ScheduleKeyDeletion(ctx, &kms.ScheduleKeyDeletionInput{KeyId: &id, PendingWindowInDays: aws.Int32(keyDays)}); err != nil {
		return fmt.Errorf("kms.ScheduleKeyDeletion: %w", err)
	}
	return nil
}

// text is the command with a resource's id and the environment in it.
func (b byHand) text(id, environment string) string {
	return strings.NewReplacer("%[1]s", id, "%[2]s", environment).Replace(b.command)
}

func byHandOf(typ string) byHand {
	if i, known := deletion(typ); known {
		return deletions[i]
	}
	return byHand{costs: "unknown", command: "by hand"}
}

package events

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// tokens is what asOperator needs of STS.
type tokens interface {
	stscreds.AssumeRoleAPIClient
	GetCallerIdentity(context.Context, *sts.GetCallerIdentityInput, ...func(*sts.Options)) (*sts.GetCallerIdentityOutput, error)
}

// asOperator returns cfg with the credentials of the environment's operator role. The
// queues' policies deny everybody else to send what replay and recover send. A caller who
// is the operator already keeps its credentials, because a role need not trust itself.
func asOperator(ctx context.Context, cfg aws.Config, client tokens, environment string) (aws.Config, error) {
	out, err := client.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return aws.Config{}, fmt.Errorf("sts.GetCallerIdentity: %w", err)
	}
	caller, err := arn.Parse(aws.ToString(out.Arn))
	if err != nil {
		return aws.Config{}, fmt.Errorf("arn.Parse: %w", err)
	}
	name := "gatehouse-" + environment + "-user-events-operator"
	if strings.HasPrefix(caller.Resource, "assumed-role/"+name+"/") {
		return cfg, nil
	}
	role := "arn:" + caller.Partition + ":iam::" + caller.AccountID + ":role/gatehouse/" + environment + "/user-events/" + name
	cfg.Credentials = aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(client, role, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName = "gatehouse-events"
	}))
	if _, err := cfg.Credentials.Retrieve(ctx); err != nil {
		return aws.Config{}, fmt.Errorf("only the operator's role may send to the queues, and %s may not assume it; "+
			"allow it sts:AssumeRole on %s, and name it in user-events' parameter OperatorArns if that is set: %w", aws.ToString(out.Arn), role, err)
	}
	return cfg, nil
}

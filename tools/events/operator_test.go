package events

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
)

// issuer is an STS in memory.
type issuer struct {
	caller string
	fail   error
	asked  []string
}

func (i *issuer) GetCallerIdentity(context.Context, *sts.GetCallerIdentityInput, ...func(*sts.Options)) (*sts.GetCallerIdentityOutput, error) {
	if i.caller == "" {
		return nil, errors.New("expired")
	}
	return &sts.GetCallerIdentityOutput{Arn: &i.caller}, nil
}

func (i *issuer) AssumeRole(_ context.Context, in *sts.AssumeRoleInput, _ ...func(*sts.Options)) (*sts.AssumeRoleOutput, error) {
	if i.fail != nil {
		return nil, i.fail
	}
	i.asked = append(i.asked, *in.RoleArn)
	return &sts.AssumeRoleOutput{
		AssumedRoleUser: &types.AssumedRoleUser{Arn: in.RoleArn},
		Credentials: &types.Credentials{
			AccessKeyId: aws.String("operator"), SecretAccessKey: aws.String("s"), SessionToken: aws.String("t"), Expiration: aws.Time(time.Now().Add(time.Hour)),
		},
	}, nil
}

func TestAsOperator(t *testing.T) {
	t.Parallel()
	const role = "arn:aws:iam::111122223333:role/gatehouse/dev/user-events/gatehouse-dev-user-events-operator"
	for name, tc := range map[string]struct {
		sts               *issuer
		key, asked, wrong string
	}{
		"a_user":                {&issuer{caller: "arn:aws:iam::111122223333:user/ann"}, "operator", role, ""},
		"an_administrator":      {&issuer{caller: "arn:aws:sts::111122223333:assumed-role/administrator/ann"}, "operator", role, ""},
		"the_root_user":         {&issuer{caller: "arn:aws:iam::111122223333:root"}, "operator", role, ""},
		"the_operator":          {&issuer{caller: "arn:aws:sts::111122223333:assumed-role/gatehouse-dev-user-events-operator/ann"}, "own", "", ""},
		"operator_of_another":   {&issuer{caller: "arn:aws:sts::111122223333:assumed-role/gatehouse-test-user-events-operator/ann"}, "operator", role, ""},
		"operator_by_name_only": {&issuer{caller: "arn:aws:iam::111122223333:user/assumed-role/gatehouse-dev-user-events-operator/ann"}, "operator", role, ""},
		"denied":                {&issuer{caller: "arn:aws:iam::111122223333:user/ann", fail: errors.New("AccessDenied")}, "", "", "user/ann may not assume it; allow it sts:AssumeRole on " + role},
		"expired":               {&issuer{}, "", "", "sts.GetCallerIdentity: expired"},
		"caller_without_an_arn": {&issuer{caller: "ann"}, "", "", "arn.Parse: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			own := aws.Config{Credentials: credentials.NewStaticCredentialsProvider("own", "s", "")}
			cfg, err := asOperator(t.Context(), own, tc.sts, "dev")
			if tc.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), tc.wrong) {
					t.Errorf("error %v, want one with %q", err, tc.wrong)
				}
				return
			}
			if err != nil {
				t.Fatalf("asOperator: %v", err)
			}
			got, err := cfg.Credentials.Retrieve(t.Context())
			if err != nil || got.AccessKeyID != tc.key || strings.Join(tc.sts.asked, " ") != tc.asked {
				t.Errorf("key %q, %v; asked for %v, want %q", got.AccessKeyID, err, tc.sts.asked, tc.asked)
			}
		})
	}
}

// Package asrole runs a check of a deployed environment as another role.
//
// A profile with role_arn and credential_source would do in CodeBuild, whose keys
// come from its container, but not where keys are in the environment, as on a
// laptop: the SDKs and the aws CLI prefer those to AWS_PROFILE. The SDK's default
// chain knows both; what it is given for the role goes to the check by environment,
// which every client reads first.
package asrole

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// lifetime of the keys, in seconds: the longest that STS allows when a role takes another one.
const lifetime = 3600

// Assumer is the one call to STS.
type Assumer interface {
	AssumeRole(context.Context, *sts.AssumeRoleInput, ...func(*sts.Options)) (*sts.AssumeRoleOutput, error)
}

// Assume is the environment with the role's keys in place of those that were there.
func Assume(ctx context.Context, api Assumer, role string, environ []string) ([]string, error) {
	out, err := api.AssumeRole(ctx, &sts.AssumeRoleInput{
		RoleArn: &role, RoleSessionName: aws.String("gatehouse-check"), DurationSeconds: aws.Int32(lifetime),
	})
	if err != nil {
		return nil, fmt.Errorf("sts.AssumeRole %s: %w; does the role trust whoever calls, and may the caller assume it?", role, err)
	}
	kept := slices.DeleteFunc(slices.Clone(environ), func(e string) bool {
		name, _, _ := strings.Cut(e, "=")
		switch name {
		case "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE",
			"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI":
			return true
		}
		return false
	})
	return append(kept,
		"AWS_ACCESS_KEY_ID="+aws.ToString(out.Credentials.AccessKeyId),
		"AWS_SECRET_ACCESS_KEY="+aws.ToString(out.Credentials.SecretAccessKey),
		"AWS_SESSION_TOKEN="+aws.ToString(out.Credentials.SessionToken)), nil
}

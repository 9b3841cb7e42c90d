package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// lifetime of the keys in seconds: the longest that STS allows if a role assumes another.
const lifetime = 3600

type assumer interface {
	AssumeRole(context.Context, *sts.AssumeRoleInput, ...func(*sts.Options)) (*sts.AssumeRoleOutput, error)
}

// assume replaces the credentials in the environment by the role's.
func assume(ctx context.Context, api assumer, role string, environ []string) ([]string, error) {
	out, err := api.AssumeRole(ctx, &sts.AssumeRoleInput{
		RoleArn: &role, RoleSessionName: aws.String("gatehouse-check"), DurationSeconds: aws.Int32(lifetime),
	})
	if err != nil {
		return nil, fmt.Errorf("sts.AssumeRole %s: %w; does the role trust the caller, and may the caller assume it?", role, err)
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

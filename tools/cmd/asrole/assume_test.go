package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/google/go-cmp/cmp"
)

type fakeSTS struct {
	asked *sts.AssumeRoleInput
	err   error
}

func (f *fakeSTS) AssumeRole(_ context.Context, in *sts.AssumeRoleInput, _ ...func(*sts.Options)) (*sts.AssumeRoleOutput, error) {
	f.asked = in
	return &sts.AssumeRoleOutput{Credentials: &types.Credentials{
		AccessKeyId: aws.String("role-key"), SecretAccessKey: aws.String("role-secret"), SessionToken: aws.String("role-token"),
	}}, f.err
}

func TestAssumeReplacesEverySourceOfKeys(t *testing.T) {
	t.Parallel()
	api := &fakeSTS{}
	got, err := assume(t.Context(), api, "arn:aws:iam::123456789012:role/r", []string{
		"PATH=/bin", "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b", "AWS_SESSION_TOKEN=c", "AWS_PROFILE=me", "AWS_REGION=eu-central-1",
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/v2", "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1/", "AWS_ENDPOINT_URL=http://127.0.0.1:1",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"PATH=/bin", "AWS_REGION=eu-central-1", "AWS_ENDPOINT_URL=http://127.0.0.1:1",
		"AWS_ACCESS_KEY_ID=role-key", "AWS_SECRET_ACCESS_KEY=role-secret", "AWS_SESSION_TOKEN=role-token",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
	if *api.asked.RoleArn != "arn:aws:iam::123456789012:role/r" || *api.asked.DurationSeconds != 3600 {
		t.Errorf("asked for %s, %d seconds", *api.asked.RoleArn, *api.asked.DurationSeconds)
	}
	if _, err := assume(t.Context(), &fakeSTS{err: errors.New("no")}, "r", nil); err == nil || !strings.Contains(err.Error(), "does the role trust") {
		t.Errorf("got %v, want the question about trust", err)
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	environ := append(os.Environ(), "WORD=hello")
	if err := run(t.Context(), []string{"sh", "-c", "echo $WORD"}, environ, &out); err != nil || out.String() != "hello\n" {
		t.Errorf("got %q, %v", out.String(), err)
	}
	if err := run(t.Context(), []string{"sh", "-c", "exit 3"}, environ, &out); err == nil || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("got %v, want the command's status", err)
	}
}

func TestRunNeedsACommand(t *testing.T) {
	t.Parallel()
	if err := run(t.Context(), nil, nil, nil); err == nil {
		t.Error("no error without a command")
	}
}

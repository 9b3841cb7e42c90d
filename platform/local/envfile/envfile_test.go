package envfile

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/google/go-cmp/cmp"

	"gatehouse.example/platform/local/layout"
)

// pages answers one parameter a page.
type pages []types.Parameter

func (p pages) GetParametersByPath(_ context.Context, in *ssm.GetParametersByPathInput, _ ...func(*ssm.Options)) (*ssm.GetParametersByPathOutput, error) {
	n := len(aws.ToString(in.NextToken))
	out := &ssm.GetParametersByPathOutput{Parameters: p[n : n+1]}
	if n+1 < len(p) {
		out.NextToken = aws.String(strings.Repeat("x", n+1))
	}
	return out, nil
}

func TestWrite(t *testing.T) {
	t.Parallel()
	l := layout.Layout{Dir: t.TempDir(), Port: 4566, Environment: "dev", Region: "eu-west-1"}
	evil := `a'b"c $(touch x) ; \`
	client := pages{
		{Name: aws.String("/gatehouse/dev/user-events/topic-arn"), Value: aws.String("arn:aws:sns:eu-west-1:000000000000:t")},
		{Name: aws.String("/gatehouse/dev/platform/user-pool-id"), Value: &evil},
		{Name: aws.String("/gatehouse/dev/user-events/alarm-topic-arn"), Value: aws.String("not for clients")},
	}
	if err := Write(t.Context(), client, l); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(l.EnvFile())
	if err != nil {
		t.Fatal(err)
	}
	want := `export AWS_ACCESS_KEY_ID=test
export AWS_DEFAULT_REGION=eu-west-1
export AWS_ENDPOINT_URL=http://127.0.0.1:4566
export AWS_REGION=eu-west-1
export AWS_SECRET_ACCESS_KEY=test
export GATEHOUSE_ENVIRONMENT=dev
export TOPIC_ARN=arn:aws:sns:eu-west-1:000000000000:t
export USER_POOL_ID='a'\''b"c $(touch x) ; \'
`
	if diff := cmp.Diff(want, string(raw)); diff != "" {
		t.Errorf("env (-want +got):\n%s", diff)
	}
	cmd := exec.Command("sh", "-c", `. ./env && printf %s "$USER_POOL_ID"`)
	cmd.Dir = l.Dir
	if out, err := cmd.CombinedOutput(); err != nil || string(out) != evil {
		t.Errorf("a shell reads %q, %v, want %q", out, err, evil)
	}
	if left, _ := filepath.Glob(filepath.Join(l.Dir, "*")); len(left) != 1 {
		t.Errorf("files left: %v", left)
	}
}

package local

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	cognitotypes "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/google/go-cmp/cmp"

	"gatehouse.example/tools/internal/supervisor"
	"gatehouse.example/tools/stacks"
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

// clients has one client of one pool; without a secret it is a public one.
type clients struct{ pool, id, secret string }

func (c clients) DescribeUserPoolClient(_ context.Context, in *cognitoidentityprovider.DescribeUserPoolClientInput, _ ...func(*cognitoidentityprovider.Options)) (*cognitoidentityprovider.DescribeUserPoolClientOutput, error) {
	if *in.UserPoolId != c.pool || *in.ClientId != c.id {
		return nil, &cognitotypes.ResourceNotFoundException{}
	}
	client := &cognitotypes.UserPoolClientType{ClientId: in.ClientId}
	if c.secret != "" {
		client.ClientSecret = &c.secret
	}
	return &cognitoidentityprovider.DescribeUserPoolClientOutput{UserPoolClient: client}, nil
}

func TestWriteTheMachinesSecret(t *testing.T) {
	t.Parallel()
	names := pages{
		{Name: aws.String("/gatehouse/local/platform/user-pool-id"), Value: aws.String("pool")},
		{Name: aws.String("/gatehouse/local/platform/machine-client-id"), Value: aws.String("machine")},
	}
	for name, tc := range map[string]struct {
		clients clients
		want    string
	}{
		"secret":       {clients{"pool", "machine", "s3cret"}, ""},
		"no_secret":    {clients{"pool", "machine", ""}, "machine has no secret"},
		"other_pool":   {clients{"old", "machine", "s3cret"}, "DescribeUserPoolClient"},
		"other_client": {clients{"pool", "old", "s3cret"}, "DescribeUserPoolClient"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := supervisor.Layout{Workspace: stacks.Workspace{Dir: t.TempDir(), Environment: "local", Region: "eu-west-1"}, Port: 4566}
			err := writeEnvFile(t.Context(), names, tc.clients, l)
			if tc.want != "" {
				if err == nil || !strings.Contains(err.Error(), tc.want) {
					t.Fatalf("got %v, want %q", err, tc.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			info, err := os.Stat(l.EnvFile())
			if err != nil {
				t.Fatal(err)
			}
			if info.Mode().Perm() != 0o600 {
				t.Errorf("others may read the file: %v", info.Mode())
			}
			raw, err := os.ReadFile(l.EnvFile())
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(raw), "\nexport MACHINE_CLIENT_SECRET=s3cret\n") {
				t.Errorf("no secret in:\n%s", raw)
			}
		})
	}
}

// webClient is the platform's client for browsers.
type webClient struct{ clients }

func (w webClient) DescribeUserPoolClient(ctx context.Context, in *cognitoidentityprovider.DescribeUserPoolClientInput, options ...func(*cognitoidentityprovider.Options)) (*cognitoidentityprovider.DescribeUserPoolClientOutput, error) {
	out, err := w.clients.DescribeUserPoolClient(ctx, in, options...)
	if err == nil {
		out.UserPoolClient.CallbackURLs = []string{"http://127.0.0.1:8400/callback", "http://127.0.0.1:4566/app"}
		out.UserPoolClient.LogoutURLs = []string{"http://127.0.0.1:8400/"}
	}
	return out, err
}

func TestWriteWhatOpenIDConnectAsksFor(t *testing.T) {
	t.Parallel()
	names := pages{
		{Name: aws.String("/gatehouse/local/platform/user-pool-id"), Value: aws.String("eu-west-1_p")},
		{Name: aws.String("/gatehouse/local/platform/web-client-id"), Value: aws.String("web")},
	}
	for name, https := range map[string]bool{"http": false, "https": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := supervisor.Layout{Workspace: stacks.Workspace{Dir: t.TempDir(), Environment: "local", Region: "eu-west-1"}, Port: 4566, HTTPS: https}
			if err := writeEnvFile(t.Context(), names, webClient{clients{"eu-west-1_p", "web", ""}}, l); err != nil {
				t.Fatal(err)
			}
			raw, err := os.ReadFile(l.EnvFile())
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{
				"ISSUER=https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_p",
				"DISCOVERY_URL=http://127.0.0.1:4566/eu-west-1_p/.well-known/openid-configuration",
				"REDIRECT_URI=http://127.0.0.1:8400/callback", "LOGOUT_URI=http://127.0.0.1:8400/",
			} {
				if !strings.Contains(string(raw), "export "+want+"\n") {
					t.Errorf("no %s in:\n%s", want, raw)
				}
			}
			own := strings.Contains(string(raw), "export HTTPS_URL=https://127.0.0.1:4566\n") && strings.Contains(string(raw), "export HTTPS_CA_FILE="+l.Dir+"/tls/ca.pem\n")
			if own != https {
				t.Errorf("HTTPS in:\n%s", raw)
			}
		})
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	l := supervisor.Layout{Workspace: stacks.Workspace{Dir: t.TempDir(), Environment: "dev", Region: "eu-west-1"}, Port: 4566}
	evil := `a'b"c $(touch x) ; \`
	client := pages{
		{Name: aws.String("/gatehouse/dev/user-events/topic-arn"), Value: aws.String("arn:aws:sns:eu-west-1:000000000000:t")},
		{Name: aws.String("/gatehouse/dev/platform/user-pool-id"), Value: &evil},
		{Name: aws.String("/gatehouse/dev/user-events/client-events-guest-queue-url"), Value: aws.String("http://localhost:4567/000000000000/q")},
		{Name: aws.String("/gatehouse/dev/user-events/alarm-topic-arn"), Value: aws.String("not for clients")},
	}
	if err := writeEnvFile(t.Context(), client, clients{}, l); err != nil {
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
export CLIENT_EVENTS_GUEST_QUEUE_URL=http://127.0.0.1:4566/000000000000/q
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

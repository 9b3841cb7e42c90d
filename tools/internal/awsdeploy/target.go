package awsdeploy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"gatehouse.example/tools/actors"
	"gatehouse.example/tools/sam"
	"gatehouse.example/tools/stacks"
)

// target is one environment in one account and region. What the plan shows is
// what SAM gets, whatever else the shell or a profile sets.
type target struct {
	config      aws.Config
	environment string
	account     string
	caller      string
	// endpoint is the emulator's; empty on AWS.
	endpoint string
}

// attempts is how often a call is tried.
const attempts = 10

// openTarget finds the account and checks that the options are meant for it.
func openTarget(ctx context.Context, o options) (target, error) {
	if err := o.validate(os.Environ()); err != nil {
		return target{}, err
	}
	var more []func(*config.LoadOptions) error
	if os.Getenv("AWS_MAX_ATTEMPTS") == "" {
		// AWS throttles reads, such as those of every user pool of a large account.
		more = append(more, config.WithRetryMaxAttempts(attempts))
	}
	if o.region != "" {
		more = append(more, config.WithRegion(o.region))
	}
	cfg, err := actors.Connect(ctx, more...)
	if err != nil {
		return target{}, err
	}
	endpoint := aws.ToString(cfg.BaseEndpoint)
	if err := o.checkEndpoint(endpoint); err != nil {
		return target{}, err
	}
	who, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return target{}, actors.Hint(fmt.Errorf("sts.GetCallerIdentity: %w", err))
	}
	if err := checkPartition(aws.ToString(who.Arn)); err != nil {
		return target{}, err
	}
	return target{
		config: cfg, environment: o.environment, account: aws.ToString(who.Account),
		caller: aws.ToString(who.Arn), endpoint: endpoint,
	}, nil
}

// validate checks the options and the shell's variables, without a call.
func (o options) validate(environ []string) error {
	switch {
	case o.environment == "":
		return fmt.Errorf("no environment: give --environment %s", strings.Join(stacks.Environments, ", or "))
	case o.environment == "local":
		return errors.New("the environment local runs on this machine: 'make up' deploys it, 'make down' stops it")
	case !slices.Contains(stacks.Environments, o.environment):
		return fmt.Errorf("no environment %q; the environments are %s", o.environment, strings.Join(stacks.Environments, ", "))
	}
	for _, e := range environ {
		if name, value, _ := strings.Cut(e, "="); strings.HasPrefix(name, "AWS_ENDPOINT_URL_") && value != "" {
			return fmt.Errorf("%s is set: a deployment uses one endpoint, so unset it", name)
		}
	}
	return nil
}

// checkEndpoint refuses an emulator without --emulator, and AWS with it.
func (o options) checkEndpoint(endpoint string) error {
	switch {
	case endpoint != "" && !o.emulator:
		return fmt.Errorf("the endpoint is %s, which is not AWS. To deploy to AWS, use a shell without '. .local/env' (unset AWS_ENDPOINT_URL and "+
			"its AWS_ACCESS_KEY_ID); to rehearse on the emulator, add --emulator", endpoint)
	case endpoint == "" && o.emulator:
		return errors.New("--emulator is given, but the endpoint is AWS. Run '. .local/env' first, or omit --emulator")
	}
	return nil
}

// checkPartition refuses callers of partitions that the templates are not written for.
// China has no user pools, and GovCloud no domains of one's own for them:
// https://docs.amazonaws.cn/en_us/aws/latest/userguide/cognito.html
// https://docs.aws.amazon.com/govcloud-us/latest/UserGuide/govcloud-cog.html
func checkPartition(caller string) error {
	if strings.HasPrefix(caller, "arn:aws:") {
		return nil
	}
	return fmt.Errorf("%s is not in the partition aws. Gatehouse runs in AWS's commercial regions only, not in China or GovCloud: docs/limits.md has the reasons", caller)
}

// passed are the shell's variables that change neither account nor endpoint.
var passed = []string{"AWS_CA_BUNDLE", "AWS_MAX_ATTEMPTS", "AWS_RETRY_MODE", "AWS_USE_DUALSTACK_ENDPOINT", "AWS_USE_FIPS_ENDPOINT"}

// access returns the target as variables for another process. The keys may expire,
// so each process gets new ones.
func (t target) access(ctx context.Context) ([]string, error) {
	keys, err := t.config.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, fmt.Errorf("aws.CredentialsProvider.Retrieve: %w", err)
	}
	access := []string{"AWS_ACCESS_KEY_ID=" + keys.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + keys.SecretAccessKey}
	if keys.SessionToken != "" {
		access = append(access, "AWS_SESSION_TOKEN="+keys.SessionToken)
	}
	if t.endpoint != "" {
		access = append(access, "AWS_ENDPOINT_URL="+t.endpoint, "SAM_CLI_POLL_DELAY=1")
	}
	for _, name := range passed {
		if value := os.Getenv(name); value != "" {
			access = append(access, name+"="+value)
		}
	}
	return access, nil
}

// overrides are the parameters that have other values on an emulator.
func (t target) overrides() map[string]string {
	if t.endpoint == "" {
		return nil
	}
	return sam.EmulatorParameters(t.endpoint, t.environment)
}

func (t target) print(w io.Writer) {
	fmt.Fprintf(w, "Environment  %s\nAccount      %s\nRegion       %s\nAs           %s\n", t.environment, t.account, t.config.Region, t.caller)
	if t.endpoint != "" {
		fmt.Fprintf(w, "Endpoint     %s, an emulator and not AWS. For the emulator: Architecture is this machine's, OnAws=false omits what it refuses,\n"+
			"             GradualDeployment=false moves all traffic at once, and the URLs of the API and the hosted pages are the proxy's\n", t.endpoint)
	}
}

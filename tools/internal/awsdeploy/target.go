// Package target says where `gatehouse aws` works: in which account and region,
// as whom, in which environment, and whether it is AWS at all.
//
// It exists so that one answer holds for everything that follows: what the plan
// shows is what SAM gets, whatever else the shell or a profile says.
package target

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

	"gatehouse.example/tools/internal/account"
	"gatehouse.example/tools/internal/emulated"
)

// Options are what the person said.
type Options struct {
	Environment, Region string
	// Emulator says that the endpoint in the shell is meant to be none of AWS's.
	Emulator bool
}

// Target is one environment in one account and region.
type Target struct {
	Config      aws.Config
	Environment string
	Account     string
	Caller      string
	// Endpoint is the emulator's; empty on AWS.
	Endpoint string
}

// Environments are those that live in an account.
func Environments() []string { return []string{"dev", "test", "production"} }

// Open finds the account, or says why it must not be used.
func Open(ctx context.Context, o Options) (Target, error) {
	if err := o.check(os.Environ()); err != nil {
		return Target{}, err
	}
	var more []func(*config.LoadOptions) error
	if o.Region != "" {
		more = append(more, config.WithRegion(o.Region))
	}
	cfg, err := account.Connect(ctx, more...)
	if err != nil {
		return Target{}, err // it is advice to a person
	}
	endpoint := aws.ToString(cfg.BaseEndpoint)
	if err := o.meant(endpoint); err != nil {
		return Target{}, err
	}
	who, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return Target{}, account.Hint(fmt.Errorf("who are you? sts.GetCallerIdentity: %w", err))
	}
	return Target{
		Config: cfg, Environment: o.Environment, Account: aws.ToString(who.Account),
		Caller: aws.ToString(who.Arn), Endpoint: endpoint,
	}, nil
}

// check refuses what can be refused without asking anybody.
func (o Options) check(environ []string) error {
	switch {
	case o.Environment == "":
		return fmt.Errorf("which environment? Give --environment %s", strings.Join(Environments(), ", or "))
	case o.Environment == "local":
		return errors.New("the environment local lives on a laptop: 'make up' deploys it, 'make down' ends it")
	case !slices.Contains(Environments(), o.Environment):
		return fmt.Errorf("there is no environment %q; there are %s", o.Environment, strings.Join(Environments(), ", "))
	}
	for _, e := range environ {
		if name, value, _ := strings.Cut(e, "="); strings.HasPrefix(name, "AWS_ENDPOINT_URL_") && value != "" {
			return fmt.Errorf("%s is set: a deployment goes to one endpoint, so unset it", name)
		}
	}
	return nil
}

// meant refuses an emulator that was taken for AWS, and AWS taken for an emulator.
func (o Options) meant(endpoint string) error {
	switch {
	case endpoint != "" && !o.Emulator:
		return fmt.Errorf("the endpoint is %s, which is not AWS. To deploy to AWS, use a shell without '. .local/env' (unset AWS_ENDPOINT_URL and "+
			"the AWS_ACCESS_KEY_ID that came with it); to rehearse on the emulator, add --emulator", endpoint)
	case endpoint == "" && o.Emulator:
		return errors.New("--emulator is given, but no endpoint: it would be AWS. Run '. .local/env' first, or leave --emulator out")
	}
	return nil
}

// passed are the settings of the shell that change neither account nor endpoint.
func passed() []string {
	return []string{"AWS_CA_BUNDLE", "AWS_MAX_ATTEMPTS", "AWS_RETRY_MODE", "AWS_USE_DUALSTACK_ENDPOINT", "AWS_USE_FIPS_ENDPOINT"}
}

// Access is this target as variables for another process. The keys are those of
// now: whoever runs for long asks again.
func (t Target) Access(ctx context.Context) ([]string, error) {
	keys, err := t.Config.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, fmt.Errorf("aws.CredentialsProvider.Retrieve: %w", err)
	}
	access := []string{"AWS_ACCESS_KEY_ID=" + keys.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + keys.SecretAccessKey}
	if keys.SessionToken != "" {
		access = append(access, "AWS_SESSION_TOKEN="+keys.SessionToken)
	}
	if t.Endpoint != "" {
		access = append(access, "AWS_ENDPOINT_URL="+t.Endpoint, "SAM_CLI_POLL_DELAY=1")
	}
	for _, name := range passed() {
		if value := os.Getenv(name); value != "" {
			access = append(access, name+"="+value)
		}
	}
	return access, nil
}

// Overrides are the parameters that an emulator needs otherwise than AWS.
func (t Target) Overrides() map[string]string {
	if t.Endpoint == "" {
		return nil
	}
	return emulated.Parameters(t.Endpoint, t.Environment)
}

// Print says where everything that follows happens.
func (t Target) Print(w io.Writer) {
	fmt.Fprintf(w, "Environment  %s\nAccount      %s\nRegion       %s\nAs           %s\n", t.Environment, t.Account, t.Config.Region, t.Caller)
	if t.Endpoint != "" {
		fmt.Fprintf(w, "Endpoint     %s, an emulator and not AWS. For the emulator: Architecture is this machine's, OnAws=false leaves out what it refuses,\n"+
			"             GradualDeployment=false moves all traffic at once, and the addresses of the API and the sign-in pages are the edge's\n", t.Endpoint)
	}
}

package awsdeploy

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/acm"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"gatehouse.example/tools/cfn"
	"gatehouse.example/tools/internal/awsdeploy/check"
	"gatehouse.example/tools/internal/terminal"
)

const (
	// pagesRegion is the region of the certificate of the hosted pages, in whatever
	// region the pool is, because CloudFront serves them.
	pagesRegion = "us-east-1"
	// validation is how long to wait for a certificate. With a hosted zone ACM needs
	// minutes; without one a person makes a record meanwhile.
	validation = 30 * time.Minute
	// pending stands in a plan for the ARN of a certificate that does not exist yet.
	pending = "made-by-this-deployment"
)

// certificate is one that the command makes, for a stack with a domain and without an
// ARN of a certificate.
type certificate struct {
	// User is the name of the stack with the domain.
	User string
	// FullName is that of the certificate's own stack.
	FullName, Domain, Zone, Region string
	environment                    string
	// ARN is empty until it is issued.
	ARN string
	// timeout and delay are for the validation.
	timeout, delay time.Duration
}

// certificate returns the certificate that a stack needs, or nil.
func (s *session) certificate(one plannedStack) *certificate {
	p := one.Config.Parameters
	if p["DomainName"] == "" || p["CertificateArn"] != "" || !slices.Contains(one.Parameters, "CertificateArn") {
		return nil
	}
	c := s.ownCertificate(one)
	c.Domain, c.Zone = p["DomainName"], p["HostedZoneId"]
	return &c
}

// givenCertificate returns the check of a stack's certificate that somebody set, or nil.
func (s *session) givenCertificate(one plannedStack) *check.Certificate {
	p := one.Config.Parameters
	if p["DomainName"] == "" || p["CertificateArn"] == "" {
		return nil
	}
	region := s.ownCertificate(one).Region
	return &check.Certificate{
		API: acm.NewFromConfig(s.target.config, func(o *acm.Options) { o.Region = region }),
		ARN: p["CertificateArn"], Domain: p["DomainName"], Region: region,
	}
}

// ownCertificate names the stack of a stack's certificate, whether it exists or not.
func (s *session) ownCertificate(one plannedStack) certificate {
	c := certificate{
		User: one.Name, FullName: "gatehouse-" + s.target.environment + "-certificate", Region: pagesRegion,
		environment: s.target.environment, timeout: validation, delay: 2 * time.Second,
	}
	if one.Name != platform {
		c.FullName, c.Region = c.FullName+"-"+one.Name, s.target.config.Region
	}
	return c
}

func (s *session) inRegion(region string) *cloudformation.Client {
	return cloudformation.NewFromConfig(s.target.config, func(o *cloudformation.Options) { o.Region = region })
}

// planCertificate gives a stack the ARN of its certificate, or of a certificate to come.
func (s *session) planCertificate(ctx context.Context, one *plannedStack) error {
	c := s.certificate(*one)
	if c == nil {
		return nil
	}
	arn, err := c.existing(ctx, s.inRegion(c.Region))
	if err != nil {
		return err
	}
	c.ARN = arn
	if arn == "" {
		arn = fmt.Sprintf("arn:aws:acm:%s:%s:certificate/%s", c.Region, s.target.account, pending)
	}
	one.Certificate = c
	one.Config.Parameters["CertificateArn"] = arn
	return nil
}

// issueCertificate makes the certificate of a stack if it has none, before the stack.
func (s *session) issueCertificate(ctx context.Context, board *terminal.Board, one plannedStack) error {
	c := one.Certificate
	if c == nil || c.ARN != "" {
		return nil
	}
	template, err := os.ReadFile(filepath.Join(s.workspace.Root, platform, "certificate.yaml"))
	if err != nil {
		return fmt.Errorf("os.ReadFile: %w", err)
	}
	task := board.Start("certificate", "waiting until "+c.Domain+" is validated")
	api := s.inRegion(c.Region)
	c.ARN, err = c.issue(ctx, api, string(template), board.Print)
	if err == nil {
		err = protectFromDeletion(ctx, api, c.FullName, true)
	}
	if err != nil {
		task.Fail("not issued")
		return fmt.Errorf("the certificate of %s, stack %s in %s: %w", c.Domain, c.FullName, c.Region, err)
	}
	one.Config.Parameters["CertificateArn"] = c.ARN
	task.Done("issued for " + c.Domain)
	return nil
}

// plan is a line about the certificate.
func (c certificate) plan() string {
	how := "you make a DNS record, which the command shows"
	switch {
	case c.ARN != "":
		return fmt.Sprintf("certificate of %s in %s, issued", c.Domain, c.Region)
	case c.Zone != "":
		how = "validated in zone " + c.Zone
	}
	return fmt.Sprintf("before it, the certificate of %s in %s (stack %s): %s", c.Domain, c.Region, c.FullName, how)
}

// existing returns the ARN of the certificate if its stack is complete and has the
// same domain and zone.
func (c certificate) existing(ctx context.Context, api cloudformation.DescribeStacksAPIClient) (string, error) {
	stack, err := cfn.Describe(ctx, api, c.FullName)
	if err != nil || stack == nil {
		return "", err
	}
	switch stack.StackStatus {
	case types.StackStatusCreateComplete, types.StackStatusUpdateComplete, types.StackStatusUpdateRollbackComplete:
	default:
		return "", nil
	}
	for _, p := range stack.Parameters {
		name, value := aws.ToString(p.ParameterKey), aws.ToString(p.ParameterValue)
		if name == "DomainName" && value != c.Domain || name == "HostedZoneId" && value != c.Zone {
			return "", nil
		}
	}
	return c.arn(stack), nil
}

// arn is the certificate that its stack has now, or empty.
func (c certificate) arn(stack *types.Stack) string {
	for _, o := range stack.Outputs {
		if aws.ToString(o.OutputKey) == "CertificateArn" {
			return aws.ToString(o.OutputValue)
		}
	}
	return ""
}

// issue makes the certificate and waits until it is validated. An earlier run may have
// begun: then it continues to wait. It prints the record that a person has to make.
func (c certificate) issue(ctx context.Context, api cfn.Stacks, template string, show func(string)) (string, error) {
	limited, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	watching, stop := context.WithCancel(limited)
	defer stop()
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.watch(watching, api, show)
	}()
	err := c.bring(limited, api, template)
	stop()
	<-done
	switch {
	case ctx.Err() == nil && limited.Err() != nil:
		return "", fmt.Errorf("not validated within %s; CloudFormation continues to wait for it.%s Then run the same command again, which continues", c.timeout, c.hint())
	case err != nil:
		return "", err
	}
	arn, err := c.existing(ctx, api)
	if err == nil && arn == "" {
		err = errors.New("the stack is complete without the output CertificateArn")
	}
	return arn, err
}

func (c certificate) hint() string {
	if c.Zone == "" {
		return " Make the record above in the zone of " + c.Domain + "."
	}
	return " The zone " + c.Zone + " has the record, but names are only found there if the parent domain delegates to it: " +
		"'gatehouse aws check' compares the name servers."
}

// bring creates or updates the stack, and waits for it.
func (c certificate) bring(ctx context.Context, api cfn.Stacks, template string) error {
	status, err := cfn.Settle(ctx, api, c.FullName)
	if err != nil {
		return err
	}
	switch status {
	case types.StackStatusReviewInProgress, types.StackStatusRollbackComplete, types.StackStatusRollbackFailed, types.StackStatusCreateFailed:
		if err := cfn.DeleteStack(ctx, api, c.FullName); err != nil {
			return err
		}
		status = ""
	case types.StackStatusDeleteFailed, types.StackStatusUpdateRollbackFailed:
		return fmt.Errorf("it is in %s; the reason: aws cloudformation describe-stack-events --region %s --stack-name %s", status, c.Region, c.FullName)
	}
	parameters := cfn.Parameters(map[string]string{"DomainName": c.Domain, "Environment": c.environment, "HostedZoneId": c.Zone})
	if status == "" {
		return cfn.CreateStack(ctx, api, cloudformation.CreateStackInput{StackName: &c.FullName, TemplateBody: &template, Parameters: parameters})
	}
	if arn, err := c.existing(ctx, api); err != nil || arn != "" {
		return err // an earlier run began it
	}
	parameters = append(parameters, types.Parameter{ParameterKey: aws.String("AlternativeName"), UsePreviousValue: aws.Bool(true)})
	return cfn.UpdateStack(ctx, api, cloudformation.UpdateStackInput{StackName: &c.FullName, TemplateBody: &template, Parameters: parameters})
}

// watch shows the records that prove the domain, until its context ends. With a hosted
// zone CloudFormation makes them itself. Without one the stack waits, and the reason in
// its event is "Content of DNS Record is: {Name: _x.example.com.,Type: CNAME,Value: _y.acm-validations.aws.}":
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-certificatemanager-certificate.html
func (c certificate) watch(ctx context.Context, api cfn.Events, show func(string)) {
	shown := map[string]bool{}
	for c.Zone == "" {
		for _, record := range records(ctx, api, c.FullName) {
			if !shown[record] {
				shown[record] = true
				show("  create this DNS record, and keep it: ACM renews the certificate with it\n    " + record)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(c.delay):
		}
	}
}

// records finds the records that the events of a stack name, as lines of a zone file.
func records(ctx context.Context, api cfn.Events, stack string) []string {
	out, err := api.DescribeStackEvents(ctx, &cloudformation.DescribeStackEventsInput{StackName: &stack})
	if err != nil {
		return nil // it is not there yet
	}
	var found []string
	for _, e := range out.StackEvents {
		_, text, is := strings.Cut(aws.ToString(e.ResourceStatusReason), "Content of DNS Record is: {")
		if !is {
			continue
		}
		fields := map[string]string{}
		for field := range strings.SplitSeq(strings.TrimRight(text, "} "), ",") {
			name, value, _ := strings.Cut(field, ":")
			fields[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
		found = append(found, fields["Name"]+"  "+fields["Type"]+"  "+fields["Value"])
	}
	return found
}

// certificates are the stacks of certificates of the chosen stacks that exist. One that
// also has the name of a stack which stays is not among them.
func (s *session) certificates(ctx context.Context) ([]certificate, error) {
	var found []certificate
	for _, one := range s.stacks {
		if !slices.Contains(one.Parameters, "CertificateArn") {
			continue
		}
		c := s.ownCertificate(one)
		stack, err := cfn.Describe(ctx, s.inRegion(c.Region), c.FullName)
		if err != nil {
			return nil, err
		}
		if stack != nil && (len(s.stacks) == len(s.all) || !hasAlternative(stack)) {
			found = append(found, c)
		}
	}
	return found, nil
}

func hasAlternative(stack *types.Stack) bool {
	return slices.ContainsFunc(stack.Parameters, func(p types.Parameter) bool {
		return aws.ToString(p.ParameterKey) == "AlternativeName" && aws.ToString(p.ParameterValue) != ""
	})
}

// deleteCertificates deletes the certificates after the stacks that used them.
func (s *session) deleteCertificates(ctx context.Context, all []certificate) error {
	board := terminal.NewBoard(os.Stdout)
	defer board.Close()
	for _, c := range all {
		task := board.Start("certificate", "deleting "+c.FullName)
		if err := deleteStack(ctx, s.inRegion(c.Region), c.FullName); err != nil {
			task.Fail("not deleted")
			// https://docs.aws.amazon.com/acm/latest/APIReference/API_DeleteCertificate.html: ResourceInUseException
			return fmt.Errorf("%s in %s was not deleted: %w\nACM refuses it while CloudFront or API Gateway still uses the certificate, "+
				"which may take an hour after its domain is deleted. Run the same command again later", c.FullName, c.Region, err)
		}
		task.Done("deleted")
	}
	return nil
}

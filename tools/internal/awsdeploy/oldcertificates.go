package awsdeploy

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/acm"
	"github.com/aws/aws-sdk-go-v2/service/acm/types"

	"gatehouse.example/tools/cfn"
	"gatehouse.example/tools/internal/awsdeploy/check"
)

// stackTag is the tag with the name of the stack that made a certificate.
const stackTag = "gatehouse:stack"

type certificateLister interface {
	acm.ListCertificatesAPIClient
	ListTagsForCertificate(context.Context, *acm.ListTagsForCertificateInput, ...func(*acm.Options)) (*acm.ListTagsForCertificateOutput, error)
}

// oldCertificatesCheck looks for replaced certificates if a stack has a domain. With
// another domain CloudFormation makes another certificate and then deletes the old one.
// ACM refuses that while CloudFront or API Gateway uses it, and the update succeeds anyway:
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-update-behaviors.html
// https://docs.aws.amazon.com/acm/latest/APIReference/API_DeleteCertificate.html
func (s *session) oldCertificatesCheck() []check.Check {
	if !slices.ContainsFunc(s.stacks, func(one plannedStack) bool { return one.Config.Parameters["DomainName"] != "" }) {
		return nil
	}
	return []check.Check{check.Retained{
		What: "old certificates", None: "every certificate that this command made is used or belongs to a stack", Find: s.oldCertificates,
	}}
}

func (s *session) oldCertificates(ctx context.Context) ([]check.Left, error) {
	var found []check.Left
	for _, one := range s.all {
		if !slices.Contains(one.Parameters, "CertificateArn") {
			continue
		}
		c := s.ownCertificate(one)
		stack, err := cfn.Describe(ctx, s.inRegion(c.Region), c.FullName)
		if err != nil {
			return nil, err
		}
		now := ""
		if stack != nil {
			now = c.arn(stack)
		}
		api := acm.NewFromConfig(s.target.config, func(o *acm.Options) { o.Region = c.Region })
		unused, err := unusedCertificates(ctx, api, c.FullName)
		if err != nil {
			return nil, err
		}
		for _, arn := range unused {
			if arn != now {
				found = append(found, check.Left{
					Type: "AWS::CertificateManager::Certificate", ID: arn,
					Delete: "aws acm delete-certificate --region " + c.Region + " --certificate-arn " + arn,
				})
			}
		}
	}
	return found, nil
}

// unusedCertificates are the certificates that a stack made and that nothing uses.
func unusedCertificates(ctx context.Context, api certificateLister, stack string) ([]string, error) {
	var arns []string
	for pages := acm.NewListCertificatesPaginator(api, &acm.ListCertificatesInput{}); pages.HasMorePages(); {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("acm.ListCertificates: %w", err)
		}
		for _, one := range out.CertificateSummaryList {
			if aws.ToBool(one.InUse) || one.Type != "" && one.Type != types.CertificateTypeAmazonIssued {
				continue
			}
			tags, err := api.ListTagsForCertificate(ctx, &acm.ListTagsForCertificateInput{CertificateArn: one.CertificateArn})
			if err != nil {
				return nil, fmt.Errorf("acm.ListTagsForCertificate: %w", err)
			}
			if slices.ContainsFunc(tags.Tags, func(t types.Tag) bool { return aws.ToString(t.Key) == stackTag && aws.ToString(t.Value) == stack }) {
				arns = append(arns, aws.ToString(one.CertificateArn))
			}
		}
	}
	return arns, nil
}

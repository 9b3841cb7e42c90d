package check

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/acm"
	"github.com/aws/aws-sdk-go-v2/service/acm/types"
)

// Certificates is the call of ACM.
type Certificates interface {
	DescribeCertificate(context.Context, *acm.DescribeCertificateInput, ...func(*acm.Options)) (*acm.DescribeCertificateOutput, error)
}

// Certificate checks a certificate that somebody set. Cognito and API Gateway refuse one
// of another region, one that is not issued, and one that does not hold for the domain,
// and only when the stack is half deployed:
// https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-add-custom-domain.html
// https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-custom-domains-prerequisites.html
type Certificate struct {
	API Certificates
	// ARN is that of the certificate, Domain the name that it must hold for.
	ARN, Domain string
	// Region is where the certificate has to be.
	Region string
}

// Look implements Check.
func (c Certificate) Look(ctx context.Context) []Finding {
	what := "certificate of " + c.Domain
	const other = "set another CertificateArn, or none: then 'gatehouse aws deploy' makes one"
	if region := strings.Split(c.ARN+"::::", ":")[3]; region != c.Region {
		return []Finding{{Stop, what, fmt.Sprintf("CertificateArn is in %s, but it has to be in %s", region, c.Region), other}}
	}
	out, err := c.API.DescribeCertificate(ctx, &acm.DescribeCertificateInput{CertificateArn: &c.ARN})
	if missing := (*types.ResourceNotFoundException)(nil); errors.As(err, &missing) {
		return []Finding{{Stop, what, "no certificate " + c.ARN + " in this account", "aws acm list-certificates --region " + c.Region}}
	}
	if err != nil {
		return unknown(what, "acm.DescribeCertificate", err)
	}
	if out.Certificate == nil {
		return []Finding{{NotChecked, what, "acm.DescribeCertificate: no certificate in the answer", ""}}
	}
	names := append([]string{aws.ToString(out.Certificate.DomainName)}, out.Certificate.SubjectAlternativeNames...)
	switch {
	case out.Certificate.Status == types.CertificateStatusPendingValidation:
		return []Finding{{Stop, what, c.ARN + " is not validated yet",
			"the missing record: aws acm describe-certificate --region " + c.Region + " --certificate-arn " + c.ARN}}
	case out.Certificate.Status != types.CertificateStatusIssued:
		return []Finding{{Stop, what, fmt.Sprintf("%s is %s and not ISSUED", c.ARN, out.Certificate.Status), other}}
	case !slices.ContainsFunc(names, c.holds):
		return []Finding{{Stop, what, c.ARN + " holds for other names: " + strings.Join(slices.Compact(names), ", "), other}}
	}
	return []Finding{{OK, what, "issued in " + c.Region, ""}}
}

// holds reports whether a name in a certificate covers the domain. An asterisk stands for
// one label: https://docs.aws.amazon.com/acm/latest/userguide/acm-concepts.html
func (c Certificate) holds(name string) bool {
	if parent, wildcard := strings.CutPrefix(name, "*."); wildcard {
		_, below, _ := strings.Cut(c.Domain, ".")
		return strings.EqualFold(below, parent)
	}
	return strings.EqualFold(c.Domain, name)
}

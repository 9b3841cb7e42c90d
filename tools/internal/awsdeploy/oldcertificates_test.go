package awsdeploy

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/acm"
	"github.com/aws/aws-sdk-go-v2/service/acm/types"
	"github.com/google/go-cmp/cmp"

	"gatehouse.example/tools/sam"
	"gatehouse.example/tools/stacks"
)

// fakeACM has certificates on pages of one, with the value of the tag by ARN.
type fakeACM struct {
	all  []types.CertificateSummary
	tags map[string]string
}

func (f fakeACM) ListCertificates(_ context.Context, in *acm.ListCertificatesInput, _ ...func(*acm.Options)) (*acm.ListCertificatesOutput, error) {
	at := 0
	for i, one := range f.all {
		if in.NextToken != nil && *one.CertificateArn == *in.NextToken {
			at = i
		}
	}
	out := &acm.ListCertificatesOutput{CertificateSummaryList: f.all[at : at+1]}
	if at+1 < len(f.all) {
		out.NextToken = f.all[at+1].CertificateArn
	}
	return out, nil
}

func (f fakeACM) ListTagsForCertificate(_ context.Context, in *acm.ListTagsForCertificateInput, _ ...func(*acm.Options)) (*acm.ListTagsForCertificateOutput, error) {
	value, known := f.tags[*in.CertificateArn]
	if !known {
		return nil, errors.New("denied")
	}
	return &acm.ListTagsForCertificateOutput{Tags: []types.Tag{{Key: aws.String("Name"), Value: aws.String("x")}, {Key: aws.String(stackTag), Value: &value}}}, nil
}

func TestUnusedCertificates(t *testing.T) {
	t.Parallel()
	one := func(arn string, used bool, typ types.CertificateType) types.CertificateSummary {
		return types.CertificateSummary{CertificateArn: &arn, InUse: &used, Type: typ}
	}
	const issued = types.CertificateTypeAmazonIssued
	f := fakeACM{
		all:  []types.CertificateSummary{one("old", false, issued), one("used", true, issued), one("imported", false, types.CertificateTypeImported), one("others", false, issued), one("older", false, issued)},
		tags: map[string]string{"old": "c", "older": "c", "others": "c-api"},
	}
	got, err := unusedCertificates(t.Context(), f, "c")
	if diff := cmp.Diff([]string{"old", "older"}, got); diff != "" || err != nil {
		t.Errorf("%v, (-want +got):\n%s", err, diff)
	}
	f.all = append(f.all, one("unknown", false, issued))
	if _, err := unusedCertificates(t.Context(), f, "c"); err == nil {
		t.Error("no error, although the tags of a certificate are not known")
	}
}

func TestOldCertificatesCheck(t *testing.T) {
	t.Parallel()
	for domain, want := range map[string]int{"": 0, "api.example.com": 1} {
		s := &session{stacks: []plannedStack{{Stack: stacks.Stack{Name: "api"}, Config: sam.Config{Parameters: map[string]string{"DomainName": domain}}}}}
		if got := len(s.oldCertificatesCheck()); got != want {
			t.Errorf("with the domain %q: %d checks, want %d", domain, got, want)
		}
	}
}

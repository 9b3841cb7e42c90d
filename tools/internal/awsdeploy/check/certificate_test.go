package check

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/acm"
	"github.com/aws/aws-sdk-go-v2/service/acm/types"
)

// fakeCertificates is ACM with one certificate.
type fakeCertificates struct {
	status types.CertificateStatus
	names  []string
	err    error
}

func (f fakeCertificates) DescribeCertificate(context.Context, *acm.DescribeCertificateInput, ...func(*acm.Options)) (*acm.DescribeCertificateOutput, error) {
	if f.err != nil || len(f.names) == 0 {
		return &acm.DescribeCertificateOutput{}, f.err
	}
	return &acm.DescribeCertificateOutput{Certificate: &types.CertificateDetail{Status: f.status, DomainName: &f.names[0], SubjectAlternativeNames: f.names}}, nil
}

func TestCertificate(t *testing.T) {
	t.Parallel()
	const pages, api = "arn:aws:acm:us-east-1:111122223333:certificate/a", "arn:aws:acm:eu-central-1:111122223333:certificate/a"
	of := func(status types.CertificateStatus, names ...string) fakeCertificates {
		return fakeCertificates{status: status, names: names}
	}
	const issued = types.CertificateStatusIssued
	for name, tc := range map[string]struct {
		acm         Certificates
		arn, domain string
		want        string
	}{
		"issued":            {of(issued, "signin.example.com"), pages, "signin.example.com", "ok"},
		"alternative":       {of(issued, "example.com", "signin.example.com"), pages, "signin.example.com", "ok"},
		"wildcard":          {of(issued, "*.example.com"), pages, "signin.example.com", "ok"},
		"upper_case":        {of(issued, "SignIn.example.com"), pages, "signin.example.com", "ok"},
		"wildcard_is_1":     {of(issued, "*.example.com"), pages, "a.signin.example.com", "stop"},
		"wildcard_above":    {of(issued, "*.example.com"), pages, "example.com", "stop"},
		"other_name":        {of(issued, "login.example.com"), pages, "signin.example.com", "stop"},
		"longer_name":       {of(issued, "my-signin.example.com"), pages, "signin.example.com", "stop"},
		"pending":           {of(types.CertificateStatusPendingValidation, "signin.example.com"), pages, "signin.example.com", "stop"},
		"expired":           {of(types.CertificateStatusExpired, "signin.example.com"), pages, "signin.example.com", "stop"},
		"another_region":    {nil, api, "signin.example.com", "stop"},
		"not_an_arn":        {nil, "a", "signin.example.com", "stop"},
		"missing":           {fakeCertificates{err: &types.ResourceNotFoundException{}}, pages, "signin.example.com", "stop"},
		"denied":            {fakeCertificates{err: denied()}, pages, "signin.example.com", "not checked"},
		"nothing_in_answer": {of(issued), pages, "signin.example.com", "not checked"},
	} {
		if got := levels(Certificate{tc.acm, tc.arn, tc.domain, "us-east-1"}.Look(t.Context())); got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
}

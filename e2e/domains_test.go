package e2e

import (
	"strings"
	"testing"
)

// TestCustomDomains finds the custom domains of the sign-in pages and of the API, each
// with its certificate and its records in the zone, next to a parent that resolves.
func TestCustomDomains(t *testing.T) {
	t.Parallel()
	s := start(t)
	var zones []string
	s.awsJSON(t, &zones, "route53", "list-hosted-zones-by-name", "--dns-name", "gatehouse.test", "--query", "HostedZones[?Name=='gatehouse.test.'].Id")
	if len(zones) != 1 {
		t.Fatalf("zones %v, want one", zones)
	}
	var records [][]string
	s.awsJSON(t, &records, "route53", "list-resource-record-sets", "--hosted-zone-id", zones[0],
		"--query", "ResourceRecordSets[].[Name,Type,AliasTarget.DNSName || '']")
	targets := map[string]string{}
	for _, r := range records {
		targets[r[0]+" "+r[1]] = r[2]
	}
	var domain struct {
		CloudFrontDistribution, UserPoolID string
		CustomDomainConfig                 struct{ CertificateArn string }
	}
	s.awsJSON(t, &domain, "cognito-idp", "describe-user-pool-domain", "--domain", "signin.gatehouse.test", "--query", "DomainDescription")
	if domain.UserPoolID != s.env["USER_POOL_ID"] || !strings.HasPrefix(domain.CustomDomainConfig.CertificateArn, "arn:aws:acm:us-east-1:") {
		t.Errorf("the pages' domain is %+v", domain)
	}
	var api string
	s.awsJSON(t, &api, "apigateway", "get-domain-name", "--domain-name", "api.gatehouse.test", "--query", "regionalDomainName")
	for name, want := range map[string]string{
		"signin.gatehouse.test. A": domain.CloudFrontDistribution, "signin.gatehouse.test. AAAA": domain.CloudFrontDistribution,
		"api.gatehouse.test. A": api, "gatehouse.test. A": "",
	} {
		got, ok := targets[name]
		if !ok || strings.TrimSuffix(got, ".") != want {
			t.Errorf("%s points at %q (there: %v), want %q", name, got, ok, want)
		}
	}
	var certificate struct {
		DomainName, Status      string
		SubjectAlternativeNames []string
	}
	s.awsJSON(t, &certificate, "acm", "describe-certificate", "--region", "us-east-1", "--certificate-arn", domain.CustomDomainConfig.CertificateArn, "--query", "Certificate")
	if certificate.DomainName != "signin.gatehouse.test" || certificate.Status != "ISSUED" ||
		!strings.Contains(strings.Join(certificate.SubjectAlternativeNames, " "), "api.gatehouse.test") {
		t.Errorf("certificate %+v", certificate)
	}
	if name := s.parameter(t, "platform", "domain"); name != "signin.gatehouse.test" {
		t.Errorf("the SSM name says %q", name)
	}
}

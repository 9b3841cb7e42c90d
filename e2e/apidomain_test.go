package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/google/uuid"
)

// TestAPICustomDomain deploys the API's domain to an emulated zone: the
// record points at the domain, and the API answers under the name.
func TestAPICustomDomain(t *testing.T) {
	t.Parallel()
	s := start(t)
	c := s.clients(t).cloudformation
	zone := "z" + uuid.NewString()[:8] + ".example.net"
	name := "api." + zone
	var made struct {
		HostedZone     struct{ ID string }
		CertificateArn string
	}
	s.awsJSON(t, &made, "route53", "create-hosted-zone", "--name", zone, "--caller-reference", zone)
	s.awsJSON(t, &made, "acm", "request-certificate", "--domain-name", name, "--validation-method", "DNS")
	id := strings.TrimPrefix(made.HostedZone.ID, "/hostedzone/")

	template := must(os.ReadFile(filepath.Join(s.root, "services", "api", "domain.yaml")))(t)
	stack := "domain-" + zone[:9]
	in := &cloudformation.CreateStackInput{StackName: &stack, TemplateBody: aws.String(string(template))}
	for parameter, value := range map[string]string{
		"ApiId": s.parameter(t, "api", "api-id"), "CertificateArn": made.CertificateArn, "DomainName": name, "Environment": "local", "HostedZoneId": id, "Stage": "live",
	} {
		in.Parameters = append(in.Parameters, types.Parameter{ParameterKey: &parameter, ParameterValue: &value})
	}
	must(c.CreateStack(t.Context(), in))(t)
	described := &cloudformation.DescribeStacksInput{StackName: &stack}
	if err := cloudformation.NewStackCreateCompleteWaiter(c).Wait(t.Context(), described, limit); err != nil {
		t.Fatal(err)
	}
	target := aws.ToString(must(c.DescribeStacks(t.Context(), described))(t).Stacks[0].Outputs[0].OutputValue)

	var records struct {
		ResourceRecordSets []struct {
			Name, Type  string
			AliasTarget struct{ DNSName string }
		}
	}
	s.awsJSON(t, &records, "route53", "list-resource-record-sets", "--hosted-zone-id", id)
	found := false
	for _, r := range records.ResourceRecordSets {
		if strings.TrimSuffix(r.Name, ".") == name && r.Type == "A" {
			found = target != "" && strings.TrimSuffix(r.AliasTarget.DNSName, ".") == target
		}
	}
	if !found {
		t.Errorf("no record of %s for %q: %+v", name, target, records)
	}

	req := must(http.NewRequestWithContext(t.Context(), http.MethodGet, s.env["AWS_ENDPOINT_URL"]+"/guest", http.NoBody))(t)
	req.Host = name
	answer := must(http.DefaultClient.Do(req))(t)
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Errorf("under its name the API answers %s", answer.Status)
	}
	must(c.DeleteStack(t.Context(), &cloudformation.DeleteStackInput{StackName: &stack}))(t)
}

// awsJSON runs the command line and reads what it prints.
func (s *system) awsJSON(t *testing.T, into any, args ...string) {
	t.Helper()
	out, err := s.run(t, "aws", append(args, "--output", "json")...)
	if err != nil {
		t.Fatalf("aws %s: %v: %s", strings.Join(args, " "), err, out)
	}
	if err := json.Unmarshal([]byte(out), into); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
}

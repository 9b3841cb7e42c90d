package awsdeploy

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"gatehouse.example/tools/sam"
	"gatehouse.example/tools/stacks"
)

const certificateARN = "arn:aws:acm:us-east-1:111122223333:certificate/1"

// fakeCertificate is the stack of a certificate. It is in progress until validated.
type fakeCertificate struct {
	cfnUnused
	mu     sync.Mutex
	status types.StackStatus
	with   map[string]string
	// after is the status after the next operation; validated ends one that is in progress.
	after     types.StackStatus
	reason    string
	validated func(*fakeCertificate) bool
	calls     []string
}

// cfnUnused are calls that no certificate needs.
type cfnUnused struct{}

func (cfnUnused) ExecuteChangeSet(context.Context, *cloudformation.ExecuteChangeSetInput, ...func(*cloudformation.Options)) (*cloudformation.ExecuteChangeSetOutput, error) {
	return nil, errors.New("not expected")
}

func (f *fakeCertificate) DescribeStacks(context.Context, *cloudformation.DescribeStacksInput, ...func(*cloudformation.Options)) (*cloudformation.DescribeStacksOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if strings.HasSuffix(string(f.status), "_IN_PROGRESS") && f.status != types.StackStatusReviewInProgress && f.validated(f) {
		f.status = f.after
	}
	if f.status == "" {
		return nil, &smithy.GenericAPIError{Code: "ValidationError", Message: "Stack with id c does not exist"}
	}
	one := types.Stack{StackId: aws.String("c"), StackName: aws.String("c"), StackStatus: f.status}
	for name, value := range f.with {
		one.Parameters = append(one.Parameters, types.Parameter{ParameterKey: &name, ParameterValue: &value})
	}
	if strings.HasSuffix(string(f.status), "_COMPLETE") {
		one.Outputs = []types.Output{{OutputKey: aws.String("CertificateArn"), OutputValue: aws.String(certificateARN)}}
	}
	return &cloudformation.DescribeStacksOutput{Stacks: []types.Stack{one}}, nil
}

func (f *fakeCertificate) DescribeStackEvents(context.Context, *cloudformation.DescribeStackEventsInput, ...func(*cloudformation.Options)) (*cloudformation.DescribeStackEventsOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := &cloudformation.DescribeStackEventsOutput{}
	if f.reason != "" {
		out.StackEvents = []types.StackEvent{{EventId: aws.String("1"), ResourceStatus: types.ResourceStatusCreateInProgress, ResourceStatusReason: &f.reason}}
	}
	if f.status == types.StackStatusRollbackComplete && len(f.calls) > 0 {
		out.StackEvents = append(out.StackEvents, types.StackEvent{
			EventId: aws.String("2"), LogicalResourceId: aws.String("Certificate"), ResourceStatus: types.ResourceStatusCreateFailed,
			ResourceStatusReason: aws.String("Additional verification required"),
		})
	}
	return out, nil
}

func (f *fakeCertificate) begin(call string, status types.StackStatus, with []types.Parameter) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls, f.status = append(f.calls, call), status
	for _, p := range with {
		if p.ParameterValue != nil {
			f.with[*p.ParameterKey] = *p.ParameterValue
		}
	}
}

func (f *fakeCertificate) CreateStack(_ context.Context, in *cloudformation.CreateStackInput, _ ...func(*cloudformation.Options)) (*cloudformation.CreateStackOutput, error) {
	f.begin("create", types.StackStatusCreateInProgress, in.Parameters)
	return nil, nil
}

func (f *fakeCertificate) UpdateStack(_ context.Context, in *cloudformation.UpdateStackInput, _ ...func(*cloudformation.Options)) (*cloudformation.UpdateStackOutput, error) {
	f.begin("update", types.StackStatusUpdateInProgress, in.Parameters)
	return nil, nil
}

func (f *fakeCertificate) DeleteStack(context.Context, *cloudformation.DeleteStackInput, ...func(*cloudformation.Options)) (*cloudformation.DeleteStackOutput, error) {
	f.begin("delete", "", nil)
	return nil, nil
}

func TestIssueCertificate(t *testing.T) {
	t.Parallel()
	same := map[string]string{"DomainName": "signin.example.com", "HostedZoneId": "Z1"}
	for name, tc := range map[string]struct {
		status, after types.StackStatus
		with          map[string]string
		calls         []string
		err           string
	}{
		"new":             {after: types.StackStatusCreateComplete, calls: []string{"create"}},
		"not_executed":    {status: types.StackStatusReviewInProgress, after: types.StackStatusCreateComplete, calls: []string{"delete", "create"}},
		"failed_creation": {status: types.StackStatusRollbackComplete, with: same, after: types.StackStatusCreateComplete, calls: []string{"delete", "create"}},
		"waits_already":   {status: types.StackStatusCreateInProgress, with: same, after: types.StackStatusCreateComplete},
		"other_domain": {
			status: types.StackStatusCreateComplete, with: map[string]string{"DomainName": "old.example.com", "HostedZoneId": "Z1"},
			after: types.StackStatusUpdateComplete, calls: []string{"update"},
		},
		"in_use":     {status: types.StackStatusDeleteFailed, with: same, err: "DELETE_FAILED"},
		"refused":    {after: types.StackStatusRollbackComplete, calls: []string{"create"}, err: "Certificate: Additional verification required"},
		"not_proved": {calls: []string{"create"}, err: "not validated within 50ms"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fakeCertificate{status: tc.status, after: tc.after, with: map[string]string{}, validated: func(*fakeCertificate) bool { return tc.after != "" }}
			for k, v := range tc.with {
				f.with[k] = v
			}
			c := certificate{FullName: "c", Domain: "signin.example.com", Zone: "Z1", Region: pagesRegion, environment: "dev", timeout: time.Minute}
			if tc.after == "" {
				c.timeout = 50 * time.Millisecond
			}
			arn, err := c.issue(t.Context(), f, "template", func(string) {})
			if tc.err == "" && (err != nil || arn != certificateARN) {
				t.Errorf("%q, %v", arn, err)
			}
			if tc.err != "" && (err == nil || !strings.Contains(err.Error(), tc.err)) {
				t.Errorf("got %v, want %q", err, tc.err)
			}
			if diff := cmp.Diff(tc.calls, f.calls); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

// Without a hosted zone the command shows the record, and ends when it was made.
func TestCertificateWithoutZone(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var shown []string
	f := &fakeCertificate{
		with: map[string]string{}, after: types.StackStatusCreateComplete,
		reason: "Content of DNS Record is: {Name: _x1.signin.example.com.,Type: CNAME,Value: _x2.acm-validations.aws.}",
		validated: func(*fakeCertificate) bool {
			mu.Lock()
			defer mu.Unlock()
			return len(shown) > 0
		},
	}
	c := certificate{FullName: "c", Domain: "signin.example.com", environment: "dev", timeout: time.Minute, delay: time.Millisecond}
	arn, err := c.issue(t.Context(), f, "template", func(line string) {
		mu.Lock()
		defer mu.Unlock()
		shown = append(shown, line)
	})
	if err != nil || arn != certificateARN {
		t.Fatalf("%q, %v", arn, err)
	}
	want := "  create this DNS record, and keep it: ACM renews the certificate with it\n    _x1.signin.example.com.  CNAME  _x2.acm-validations.aws."
	if len(shown) != 1 || shown[0] != want {
		t.Errorf("shown %q, want %q once", shown, want)
	}
}

func TestWhichStacksNeedACertificate(t *testing.T) {
	t.Parallel()
	s := &session{target: target{environment: "test", config: aws.Config{Region: "eu-central-1"}}}
	declared := []string{"CertificateArn", "DomainName"}
	for name, tc := range map[string]struct {
		stack      string
		parameters map[string]string
		declared   []string
		want       string
	}{
		"pages":    {"platform", map[string]string{"DomainName": "signin.example.com"}, declared, "gatehouse-test-certificate us-east-1"},
		"api":      {"api", map[string]string{"DomainName": "api.example.com"}, declared, "gatehouse-test-certificate-api eu-central-1"},
		"given":    {"api", map[string]string{"DomainName": "api.example.com", "CertificateArn": certificateARN}, declared, ""},
		"no_name":  {"platform", map[string]string{"DomainName": ""}, declared, ""},
		"no_stack": {"signup-guard", map[string]string{"DomainName": "x.example.com"}, nil, ""},
	} {
		got := ""
		if c := s.certificate(plannedStack{Stack: stacks.Stack{Name: tc.stack, Parameters: tc.declared}, Config: sam.Config{Parameters: tc.parameters}}); c != nil {
			got = c.FullName + " " + c.Region
		}
		if got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
	for name, want := range map[string]string{"platform": "us-east-1", "api": "eu-central-1"} {
		given := plannedStack{Stack: stacks.Stack{Name: name}, Config: sam.Config{Parameters: map[string]string{"DomainName": "a.example.com", "CertificateArn": certificateARN}}}
		if c := s.givenCertificate(given); c == nil || c.Region != want || c.ARN != certificateARN || c.Domain != "a.example.com" {
			t.Errorf("%s: the check of the given certificate is %v, want one in %s", name, c, want)
		}
		given.Config.Parameters["CertificateArn"] = ""
		if s.givenCertificate(given) != nil {
			t.Errorf("%s: a certificate is checked, but none was given", name)
		}
	}
}

package check

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cftypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	quotatypes "github.com/aws/aws-sdk-go-v2/service/servicequotas/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
)

// denied is the answer of every service without permission.
func denied() error {
	return &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "not you"}
}

// one is a check with a fixed outcome.
type one Finding

func (o one) Look(context.Context) []Finding { return []Finding{Finding(o)} }

func TestRunAndPrint(t *testing.T) {
	t.Parallel()
	findings := Run(t.Context(), []Check{
		one{OK, "tools", "there", ""},
		one{Warning, "trail", "none", "make one"},
		one{NotChecked, "quotas", "unknown", ""},
		one{Stop, "stacks", "stuck", "delete it"},
	})
	var out strings.Builder
	Print(&out, findings)
	want := `
Checks
  ok           tools               there
  warning      trail               none
                                   -> make one
  not checked  quotas              unknown
  stop         stacks              stuck
                                   -> delete it
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}
	if err := Stops(findings); err == nil || !strings.Contains(err.Error(), "stacks") {
		t.Errorf("got %v, want a stop by the stacks", err)
	}
	if err := Stops(findings[:3]); err != nil {
		t.Errorf("got %v, but nothing stops", err)
	}
}

func TestUnknownIsNeverOK(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err  error
		want string
	}{
		"denied":   {denied(), "a.B: AccessDeniedException: not you"},
		"no_call":  {&smithy.GenericAPIError{Code: "UnknownError"}, "a.B: the endpoint does not know this call"},
		"too_late": {context.DeadlineExceeded, "a.B: no answer within 20s"},
		"long":     {errors.New(strings.Repeat("x", 200) + ": refused"), "a.B: refused"},
	} {
		want := []Finding{{NotChecked, "it", tc.want, ""}}
		if diff := cmp.Diff(want, unknown("it", "a.B", tc.err)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// levels are the outcomes alone.
func levels(findings []Finding) string {
	var out []string
	for _, f := range findings {
		out = append(out, string(f.Level))
	}
	return strings.Join(out, ",")
}

type fakeFunctions struct {
	out *lambda.GetAccountSettingsOutput
	err error
}

func (f fakeFunctions) GetAccountSettings(context.Context, *lambda.GetAccountSettingsInput, ...func(*lambda.Options)) (*lambda.GetAccountSettingsOutput, error) {
	return f.out, f.err
}

func TestConcurrency(t *testing.T) {
	t.Parallel()
	limit := func(n, free int32) *lambda.GetAccountSettingsOutput {
		return &lambda.GetAccountSettingsOutput{AccountLimit: &lambdatypes.AccountLimit{ConcurrentExecutions: n, UnreservedConcurrentExecutions: &free}}
	}
	for name, tc := range map[string]struct {
		api  fakeFunctions
		want string
	}{
		"usual":     {fakeFunctions{limit(1000, 900), nil}, "ok"},
		"new":       {fakeFunctions{limit(10, 10), nil}, "warning"},
		"reserved":  {fakeFunctions{limit(1000, 50), nil}, "warning"},
		"denied":    {fakeFunctions{nil, denied()}, "not checked"},
		"no_limits": {fakeFunctions{&lambda.GetAccountSettingsOutput{}, nil}, "not checked"},
	} {
		if got := levels(Concurrency{tc.api}.Look(t.Context())); got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
}

type fakeQuotas struct {
	quotas map[string]float64
	err    error
}

func (f fakeQuotas) ListServiceQuotas(context.Context, *servicequotas.ListServiceQuotasInput, ...func(*servicequotas.Options)) (*servicequotas.ListServiceQuotasOutput, error) {
	out := &servicequotas.ListServiceQuotasOutput{}
	for name, value := range f.quotas {
		out.Quotas = append(out.Quotas, quotatypes.ServiceQuota{QuotaName: &name, Value: &value})
	}
	return out, f.err
}

func TestSignIns(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		api  fakeQuotas
		want Level
		text string
	}{
		"rates":   {fakeQuotas{map[string]float64{"Rate of UserAuthentication requests": 120, "User pools per account": 1000}, nil}, OK, "UserAuthentication 120/s"},
		"renamed": {fakeQuotas{map[string]float64{"Something else": 1}, nil}, NotChecked, "no quota"},
		"denied":  {fakeQuotas{nil, denied()}, NotChecked, "AccessDenied"},
	} {
		got := SignIns{tc.api}.Look(t.Context())
		if len(got) != 1 || got[0].Level != tc.want || !strings.Contains(got[0].Text, tc.text) {
			t.Errorf("%s: %+v, want %s with %q", name, got, tc.want, tc.text)
		}
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	got := Settings{"platform", map[string]string{"CallbackUrls": "https://app.example.com/", "LogoutUrls": "https://app.acme.test/"}}.Look(t.Context())
	if len(got) != 1 || got[0].Level != Warning || !strings.Contains(got[0].Text, "CallbackUrls") {
		t.Errorf("got %+v, want a warning about CallbackUrls alone", got)
	}
	for role, want := range map[string]int{"": 1, "arn:aws:iam::111122223333:role/x": 0} {
		got := Settings{"api", map[string]string{"GradualDeployment": "true", "DeploymentRoleArn": role}}.Look(t.Context())
		if len(got) != want || want == 1 && got[0].Level != Stop {
			t.Errorf("role %q: got %+v, want %d stops", role, got, want)
		}
	}
	if got := (Settings{"api", map[string]string{"GradualDeployment": "false", "DeploymentRoleArn": ""}}).Look(t.Context()); len(got) != 0 {
		t.Errorf("all at once: got %+v, want none", got)
	}
}

type fakeGateways struct {
	role *string
	err  error
}

func (f fakeGateways) GetAccount(context.Context, *apigateway.GetAccountInput, ...func(*apigateway.Options)) (*apigateway.GetAccountOutput, error) {
	return &apigateway.GetAccountOutput{CloudwatchRoleArn: f.role}, f.err
}

func TestGateway(t *testing.T) {
	t.Parallel()
	role := aws.String("arn:aws:iam::111122223333:role/logs")
	for name, tc := range map[string]struct {
		api     fakeGateways
		managed bool
		want    string
	}{
		"has_one":      {fakeGateways{role, nil}, false, "ok"},
		"gets_one":     {fakeGateways{nil, nil}, true, "ok"},
		"gets_another": {fakeGateways{role, nil}, true, "warning"},
		"gets_its_own": {fakeGateways{aws.String("arn:aws:iam::111122223333:role/gatehouse/dev/api/logs"), nil}, true, "ok"},
		"of_another":   {fakeGateways{aws.String("arn:aws:iam::111122223333:role/gatehouse/test/api/logs"), nil}, true, "warning"},
		"none":         {fakeGateways{nil, nil}, false, "warning"},
		"denied":       {fakeGateways{nil, denied()}, true, "not checked"},
	} {
		if got := levels(Gateway{tc.api, tc.managed, "/gatehouse/dev/api/"}.Look(t.Context())); got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
}

// fakeStatuses are the stacks that are there.
type fakeStatuses map[string]cftypes.StackStatus

func (f fakeStatuses) DescribeStacks(_ context.Context, in *cloudformation.DescribeStacksInput, _ ...func(*cloudformation.Options)) (*cloudformation.DescribeStacksOutput, error) {
	status, ok := f[*in.StackName]
	if !ok {
		return nil, &smithy.GenericAPIError{Code: "ValidationError", Message: "Stack with id " + *in.StackName + " does not exist"}
	}
	return &cloudformation.DescribeStacksOutput{Stacks: []cftypes.Stack{{StackStatus: status}}}, nil
}

func TestStacks(t *testing.T) {
	t.Parallel()
	for status, want := range map[cftypes.StackStatus]string{
		"CREATE_COMPLETE":                              "",
		"UPDATE_COMPLETE":                              "",
		"UPDATE_ROLLBACK_COMPLETE":                     "",
		"REVIEW_IN_PROGRESS":                           "",
		"ROLLBACK_COMPLETE":                            "delete-stack --stack-name s",
		"CREATE_FAILED":                                "delete-stack",
		"UPDATE_ROLLBACK_FAILED":                       "continue-update-rollback --stack-name s",
		"DELETE_FAILED":                                "gatehouse aws destroy",
		"UPDATE_IN_PROGRESS":                           "it is being changed; wait",
		"UPDATE_COMPLETE_CLEANUP_IN_PROGRESS":          "it is being changed; wait",
		"UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS": "it is being changed; wait",
	} {
		got := Stacks{API: fakeStatuses{"s": status}, Names: []string{"s", "missing"}}.Look(t.Context())
		level := Stop
		if want == "" {
			level = OK
		}
		if len(got) != 1 || got[0].Level != level || !strings.Contains(got[0].Next, want) {
			t.Errorf("%s: %+v, want %s and %q", status, got, level, want)
		}
	}
}

func TestRefusedSettings(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, value, want string
	}{
		{"CallbackUrls", "http://localhost:8400/callback,https://app.acme.test/,myapp://callback", ""},
		{"LogoutUrls", "", ""},
		{"DomainPrefix", "acme-signin", ""},
		{"DomainName", "cognito.acme.test", ""},
		{"CallbackUrls", "https://app.acme.test/,http://127.0.0.1:8400/", "stop"},
		{"LogoutUrls", "http://app.acme.test/", "stop"},
		{"CallbackUrls", "https://app.acme.test/#done", "stop"},
		{"CallbackUrls", "https://app.acme.test:port/", "stop"},
		{"DomainPrefix", "acme-aws-login", "stop"},
	} {
		if got := levels(Settings{"platform", map[string]string{tc.name: tc.value}}.Look(t.Context())); got != tc.want {
			t.Errorf("%s=%s: %q, want %q", tc.name, tc.value, got, tc.want)
		}
	}
}

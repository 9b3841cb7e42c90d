package e2e

import (
	"archive/zip"
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cloudwatchtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logstypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/google/uuid"
)

// logKey is the key that log-encryptor's stack has as its output.
func (s *system) logKey(t *testing.T) string {
	t.Helper()
	return s.output(t, "gatehouse-local-log-encryptor", "KeyArn")
}

func (s *system) output(t *testing.T, stack, name string) string {
	t.Helper()
	out := must(s.clients(t).cloudformation.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: &stack}))(t)
	for _, o := range out.Stacks[0].Outputs {
		if *o.OutputKey == name {
			return *o.OutputValue
		}
	}
	t.Fatalf("stack %s has no output %s", stack, name)
	return ""
}

// logGroups are all groups with a prefix, by name.
func (s *system) logGroups(t *testing.T, prefix string) map[string]logstypes.LogGroup {
	t.Helper()
	groups := map[string]logstypes.LogGroup{}
	pages := cloudwatchlogs.NewDescribeLogGroupsPaginator(s.clients(t).logs, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: &prefix})
	for pages.HasMorePages() {
		for _, g := range must(pages.NextPage(t.Context()))(t).LogGroups {
			groups[*g.LogGroupName] = g
		}
	}
	return groups
}

// sweep lets log-encryptor look at every group now, as its schedule does.
func (s *system) sweep(t *testing.T) {
	t.Helper()
	out := must(s.clients(t).lambda.Invoke(t.Context(), &lambda.InvokeInput{
		FunctionName: aws.String("gatehouse-local-log-encryptor-encryptor:live"),
		Payload:      []byte(`{"source":"aws.events","detail-type":"Scheduled Event"}`),
	}))(t)
	if out.FunctionError != nil {
		t.Fatalf("the sweep failed: %s", out.Payload)
	}
}

// TestEveryLogGroupHasTheKey looks at all that the stacks and their functions log to.
func TestEveryLogGroupHasTheKey(t *testing.T) {
	t.Parallel()
	hold(t, &accounts) // the log-encryptor of another environment takes groups too
	s := start(t)
	key, groups := s.logKey(t), s.logGroups(t, "/gatehouse/local/")
	if len(groups) < 9 {
		t.Errorf("only %d log groups", len(groups))
	}
	for name, g := range groups {
		if aws.ToString(g.KmsKeyId) != key || aws.ToInt32(g.RetentionInDays) == 0 {
			t.Errorf("%s: key %q, retention %d", name, aws.ToString(g.KmsKeyId), aws.ToInt32(g.RetentionInDays))
		}
	}
}

// TestLogGroupsOfOtherServicesAreEncrypted makes groups with the aws CLI and by another
// service, and waits for their key.
func TestLogGroupsOfOtherServicesAreEncrypted(t *testing.T) {
	t.Parallel()
	hold(t, &accounts) // the log-encryptor of another environment takes groups too
	s := start(t)
	key, id := s.logKey(t), uuid.NewString()[:8]
	inside, build, outside := "/gatehouse/local/e2e/"+id, "/aws/codebuild/gatehouse-"+id, "/elsewhere/"+id
	for _, name := range []string{outside, inside, build} {
		s.awsCLI(t, "logs", "create-log-group", "--log-group-name", name)
	}
	ofFunction := s.functionWithoutLogGroup(t, "gatehouse-local-e2e-"+id)

	eventually(t, "the groups have the key and a retention", func() bool {
		for _, name := range []string{inside, build, ofFunction} {
			if g := s.logGroups(t, name)[name]; aws.ToString(g.KmsKeyId) != key || aws.ToInt32(g.RetentionInDays) == 0 {
				return false
			}
		}
		return true
	})
	s.awsCLI(t, "logs", "disassociate-kms-key", "--log-group-name", inside)
	if g := s.logGroups(t, inside)[inside]; g.KmsKeyId != nil {
		t.Fatalf("the key was not taken off: %q", *g.KmsKeyId)
	}
	s.sweep(t)
	if g := s.logGroups(t, inside)[inside]; aws.ToString(g.KmsKeyId) != key {
		t.Errorf("after a sweep the key is %q", aws.ToString(g.KmsKeyId))
	}
	if g := s.logGroups(t, outside)[outside]; g.KmsKeyId != nil || g.RetentionInDays != nil {
		t.Errorf("the group outside of the prefixes was touched: %q, %d", aws.ToString(g.KmsKeyId), aws.ToInt32(g.RetentionInDays))
	}
	eventually(t, "the sweep has counted no group without a key", func() bool {
		out := must(s.clients(t).cloudwatch.GetMetricStatistics(t.Context(), &cloudwatch.GetMetricStatisticsInput{
			Namespace: aws.String("Gatehouse"), MetricName: aws.String("LogGroupsUnencrypted"), Period: aws.Int32(3600),
			StartTime: aws.Time(time.Now().Add(-time.Hour)), EndTime: aws.Time(time.Now().Add(time.Hour)),
			Statistics: []cloudwatchtypes.Statistic{cloudwatchtypes.StatisticMaximum, cloudwatchtypes.StatisticSampleCount},
			Dimensions: []cloudwatchtypes.Dimension{{Name: aws.String("Environment"), Value: aws.String("local")}},
		}))(t).Datapoints
		return len(out) > 0 && *out[0].SampleCount >= 1 && *out[0].Maximum == 0
	})
}

// functionWithoutLogGroup makes and invokes a function whose group Lambda makes
// itself, when the first line is there, and returns the group's name.
func (s *system) functionWithoutLogGroup(t *testing.T, name string) string {
	t.Helper()
	client := s.clients(t).lambda
	var code bytes.Buffer
	archive := zip.NewWriter(&code)
	file := must(archive.Create("index.py"))(t)
	must(file.Write([]byte("def handler(event, context):\n    print('hello')\n")))(t)
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	another := must(client.GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{
		FunctionName: aws.String("gatehouse-local-log-encryptor-encryptor"), // any role will do
	}))(t)
	must(client.CreateFunction(t.Context(), &lambda.CreateFunctionInput{
		FunctionName: &name, Runtime: lambdatypes.RuntimePython312, Handler: aws.String("index.handler"), Role: another.Role,
		Code: &lambdatypes.FunctionCode{ZipFile: code.Bytes()},
	}))(t)
	t.Cleanup(func() {
		_, _ = client.DeleteFunction(context.Background(), &lambda.DeleteFunctionInput{FunctionName: &name}) // the system is deleted anyway
	})
	must(client.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: &name}))(t)
	return "/aws/lambda/" + name
}

// TestLogGroupCustomResource creates, updates and deletes the custom resource.
func TestLogGroupCustomResource(t *testing.T) {
	t.Parallel()
	hold(t, &accounts) // the log-encryptor of another environment takes groups too
	s := start(t)
	c, key, id := s.clients(t), s.logKey(t), uuid.NewString()[:8]
	stack, group := "e2e-log-group-"+id, "API-Gateway-Execution-Logs_"+id+"/live"
	state := func() (string, int32) {
		g, ok := s.logGroups(t, group)[group]
		if !ok {
			return "gone", 0
		}
		return aws.ToString(g.KmsKeyId), aws.ToInt32(g.RetentionInDays)
	}

	if status := s.deployLogGroup(t, stack, "CreateIfMissing=false", "LogGroupName="+group, "OnDelete=Keep", "RetentionInDays=7"); status != types.StackStatusRollbackComplete {
		t.Errorf("a group that is not there: %s", status)
	}
	if why := s.whyFailed(t, stack); !strings.Contains(why, "does not exist; create it first, or set CreateIfMissing to true") {
		t.Errorf("the stack's event says %q", why)
	}
	s.deleteStack(t, stack)

	if status := s.deployLogGroup(t, stack, "CreateIfMissing=true", "LogGroupName="+group, "OnDelete=Keep", "RetentionInDays=7"); status != types.StackStatusCreateComplete {
		t.Fatalf("create: %s %s", status, s.whyFailed(t, stack))
	}
	if k, days := state(); k != key || days != 7 || s.output(t, stack, "Name") != group || s.output(t, stack, "Key") != key {
		t.Errorf("created with key %q, %d days", k, days)
	}

	must(c.logs.DisassociateKmsKey(t.Context(), &cloudwatchlogs.DisassociateKmsKeyInput{LogGroupName: &group}))(t)
	must(c.logs.PutRetentionPolicy(t.Context(), &cloudwatchlogs.PutRetentionPolicyInput{LogGroupName: &group, RetentionInDays: aws.Int32(3653)}))(t)
	s.setParameter(t, stack, "OnDelete", "Disassociate")
	if k, days := state(); k != key || days != 7 {
		t.Errorf("after drift and an update: key %q, %d days", k, days)
	}

	s.deleteStack(t, stack)
	if k, days := state(); k != "" || days != 7 {
		t.Errorf("after the deletion, which has to remove the key: key %q, %d days", k, days)
	}
}

// TestLogGroupWithAnotherKeyIsLeftAlone fails to create, rolls back and touches nothing.
func TestLogGroupWithAnotherKeyIsLeftAlone(t *testing.T) {
	t.Parallel()
	hold(t, &accounts) // the log-encryptor of another environment takes groups too
	s := start(t)
	c, id := s.clients(t), uuid.NewString()[:8]
	theirs := s.env["TOPIC_KEY_ARN"]
	keyed, outside := "/gatehouse/local/e2e/"+id, "/elsewhere/"+id
	must(c.logs.CreateLogGroup(t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &keyed, KmsKeyId: &theirs}))(t)
	must(c.logs.CreateLogGroup(t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &outside}))(t)
	for name, want := range map[string]string{keyed: "is encrypted with another key, " + theirs, outside: "add its prefix to the stack's parameter IncludePrefixes"} {
		stack := "e2e-not-ours-" + uuid.NewString()[:8]
		status := s.deployLogGroup(t, stack, "CreateIfMissing=true", "LogGroupName="+name, "OnDelete=Disassociate", "RetentionInDays=7")
		if why := s.whyFailed(t, stack); status != types.StackStatusRollbackComplete || !strings.Contains(why, want) {
			t.Errorf("%s: %s, %q", name, status, why)
		}
		s.deleteStack(t, stack)
	}
	s.sweep(t)
	if g := s.logGroups(t, keyed)[keyed]; aws.ToString(g.KmsKeyId) != theirs {
		t.Errorf("the other key was replaced by %q", aws.ToString(g.KmsKeyId))
	}
	if g := s.logGroups(t, outside)[outside]; g.KmsKeyId != nil || g.RetentionInDays != nil {
		t.Errorf("the group outside was touched: %q, %d", aws.ToString(g.KmsKeyId), aws.ToInt32(g.RetentionInDays))
	}
	// The next test wants every group below the prefix to have the one key.
	must(c.logs.DeleteLogGroup(t.Context(), &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: &keyed}))(t)
}

// deployLogGroup creates a stack with the custom resource and gives its last status.
func (s *system) deployLogGroup(t *testing.T, stack string, parameters ...string) types.StackStatus {
	t.Helper()
	template := must(os.ReadFile("testdata/loggroup.yaml"))(t)
	client := s.clients(t).cloudformation
	in := &cloudformation.CreateStackInput{StackName: &stack, TemplateBody: aws.String(string(template))}
	for _, p := range parameters {
		name, value, _ := strings.Cut(p, "=")
		in.Parameters = append(in.Parameters, types.Parameter{ParameterKey: &name, ParameterValue: &value})
	}
	must(client.CreateStack(t.Context(), in))(t)
	var status types.StackStatus
	eventually(t, "the stack operation ends", func() bool {
		status = must(client.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: &stack}))(t).Stacks[0].StackStatus
		return !strings.HasSuffix(string(status), "_IN_PROGRESS")
	})
	return status
}

// whyFailed is what CloudFormation shows of resources that failed.
func (s *system) whyFailed(t *testing.T, stack string) string {
	t.Helper()
	var why []string
	events := must(s.clients(t).cloudformation.DescribeStackEvents(t.Context(), &cloudformation.DescribeStackEventsInput{StackName: &stack}))(t)
	for _, e := range events.StackEvents {
		if e.ResourceStatus == types.ResourceStatusCreateFailed {
			why = append(why, aws.ToString(e.ResourceStatusReason))
		}
	}
	return strings.Join(why, "\n")
}

func (s *system) deleteStack(t *testing.T, stack string) {
	t.Helper()
	client := s.clients(t).cloudformation
	must(client.DeleteStack(t.Context(), &cloudformation.DeleteStackInput{StackName: &stack}))(t)
	quick := func(o *cloudformation.StackDeleteCompleteWaiterOptions) {
		o.MinDelay, o.MaxDelay = 200*time.Millisecond, time.Second
	}
	err := cloudformation.NewStackDeleteCompleteWaiter(client, quick).Wait(t.Context(), &cloudformation.DescribeStacksInput{StackName: &stack}, limit)
	if err != nil {
		t.Fatalf("stack %s was not deleted: %v", stack, err)
	}
}

// awsCLI runs the command line, as a person would.
func (s *system) awsCLI(t *testing.T, args ...string) {
	t.Helper()
	if out, err := s.run(t, "aws", args...); err != nil {
		t.Fatalf("aws %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

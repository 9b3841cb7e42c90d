package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"gatehouse.example/tools/cfn"
	"gatehouse.example/tools/dataloss"
)

// lossy is a stack with one of each kind that a change must not cost, deployed to
// try changes on that nobody executes.
type lossy struct {
	*system
	name, bucket string
	client       *cloudformation.Client
}

// lossyReader reads one name of the stack.
const lossyReader = `
Parameters: {Name: {Type: String}}
Resources:
  Copy: {Type: AWS::SSM::Parameter, Properties: {Name: !Sub "/${Name}/copy", Type: String, Value: !Sub "{{resolve:ssm:/${Name}/topic}}"}}
`

// TestChangeSetWithDataLossIsRefused creates each kind of such a change set,
// and finds the data loss in what CloudFormation describes.
func TestChangeSetWithDataLossIsRefused(t *testing.T) {
	t.Parallel()
	l := deployLossy(t, start(t))
	keyProperties := "    Properties:\n      EnableKeyRotation: true"
	for name, tc := range map[string]struct {
		// old and new are pairs of texts in the template; below, in the nested one.
		change, below []string
		rows          string
		want          []string
	}{
		"harmless": {change: []string{
			"GroupName: people", "GroupName: people, Description: all of them", "EnableKeyRotation: true", "EnableKeyRotation: false",
			`Domain: !Sub "${Name}"`, `Domain: !Sub "${Name}", ManagedLoginVersion: 1`,
			"Value: x", "Value: y", "GenerateSecret: false", "GenerateSecret: false, ClientName: web",
			"-objects\"", "-objects\", Tags: [{Key: a, Value: b}]", "AllowUnauthenticatedIdentities: true", "AllowUnauthenticatedIdentities: false",
		}, below: []string{`"${Name}-inner"`, `"${Name}-inner", VisibilityTimeout: 60`}},
		"one_more":              {change: []string{"  Topic:\n", "  More: {Type: AWS::SQS::Queue}\n  Topic:\n"}},
		"name_nobody_reads":     {change: []string{"topic-that-nobody-reads", "another"}},
		"bucket_replaced":       {change: []string{"-objects", "-things"}, want: []string{"Bucket: replaced"}},
		"bus_replaced":          {change: []string{`{Name: !Sub "${Name}"}`, `{Name: !Sub "${Name}-b"}`}, want: []string{"Bus: replaced"}},
		"client_replaced":       {change: []string{"GenerateSecret: false", "GenerateSecret: true"}, want: []string{"Client: replaced"}},
		"domain_replaced":       {change: []string{`Domain: !Sub "${Name}"`, `Domain: !Sub "${Name}-b"`}, want: []string{"Domain: replaced"}},
		"group_replaced":        {change: []string{"GroupName: people", "GroupName: folk"}, want: []string{"Group: replaced"}},
		"queue_replaced":        {change: []string{"-queue", "-line"}, want: []string{"Queue: replaced"}},
		"table_replaced":        {change: []string{"-${Rows}", "-${Rows}-b"}, want: []string{"Table: replaced"}},
		"table_by_a_parameter":  {rows: "lines", want: []string{"Table: replaced"}},
		"topic_and_its_readers": {change: []string{"-topic", "-subject"}, want: []string{"ReadName: name", "Topic: replaced"}},
		"key_of_another_kind":   {change: []string{keyProperties, keyProperties + "\n      KeySpec: ECC_NIST_P256"}, want: []string{"Key: immutable"}},
		"pool_of_another_type": {change: []string{"AWS::Cognito::UserPool\n", "AWS::SSM::Parameter\n", "{UserPoolName: people}", `{Type: String, Value: x}`},
			want: []string{"Client: replaced", "Domain: replaced", "Group: replaced", "Pool: replaced"}},
		"table_perhaps_replaced": {change: []string{"[{AttributeName: id, KeyType: HASH}]", "[{AttributeName: name, KeyType: HASH}]", "[{AttributeName: id, AttributeType: S}]", "[{AttributeName: name, AttributeType: S}]"}, want: []string{"Table: perhaps"}},
		"table_depends":          {change: []string{`"${Name}-${Rows}"`, `"${Name}-${Queue.QueueName}"`, "-queue\"}", "-queue\", VisibilityTimeout: 99}"}, want: []string{"Table: perhaps"}},
		"bucket_removed":         {change: []string{"  Bucket:\n", "GONE"}, want: []string{"Bucket: orphaned"}},
		"bus_removed":            {change: []string{"  Bus:\n", "GONE"}, want: []string{"Bus: removed"}},
		"client_removed":         {change: []string{"  Client:\n", "GONE"}, want: []string{"Client: removed"}},
		"domain_removed":         {change: []string{"  Domain:\n", "GONE"}, want: []string{"Domain: removed"}},
		"group_removed":          {change: []string{"  Group:\n", "GONE"}, want: []string{"Group: removed"}},
		"identities_removed":     {change: []string{"  Identities:\n", "GONE"}, want: []string{"Identities: removed"}},
		"key_removed":            {change: []string{"  Key:\n", "GONE"}, want: []string{"Key: orphaned"}},
		"pool_removed": {change: []string{"  Pool:\n", "GONE", "!Ref Pool", "gone"},
			want: []string{"Client: replaced", "Domain: replaced", "Group: replaced", "Pool: orphaned"}},
		"queue_removed":         {change: []string{"  Queue:\n", "GONE"}, want: []string{"Queue: removed"}},
		"table_removed":         {change: []string{"  Table:\n", "GONE"}, want: []string{"Table: orphaned"}},
		"name_removed":          {change: []string{"  ReadName:\n", "GONE"}, want: []string{"ReadName: name"}},
		"name_renamed":          {change: []string{`"/${Name}/topic", T`, `"/${Name}/subject", T`}, want: []string{"ReadName: name"}},
		"topic_removed":         {change: []string{"  Topic:\n", "GONE", "!Ref Topic", "x"}, want: []string{"Topic: removed"}},
		"identities_renamed":    {change: []string{"  Identities:\n", "  IdentityPool:\n"}, want: []string{"Identities: renamed"}},
		"key_renamed":           {change: []string{"  Key:\n", "  OtherKey:\n"}, want: []string{"Key: renamed"}},
		"pool_less_protected":   {change: []string{"AWS::Cognito::UserPool\n    DeletionPolicy: Retain\n", "AWS::Cognito::UserPool\n"}, want: []string{"Pool: unprotected"}},
		"key_less_protected":    {change: []string{"AWS::KMS::Key\n    DeletionPolicy: RetainExceptOnCreate\n    UpdateReplacePolicy: Retain", "AWS::KMS::Key\n    DeletionPolicy: Delete"}, want: []string{"Key: unprotected", "Key: unprotected"}},
		"nested_removed":        {change: []string{"  Nested:\n", "GONE"}, want: []string{"Nested/InnerQueue: removed", "Nested/InnerTable: removed"}},
		"nested_queue_replaced": {below: []string{"-inner", "-within"}, want: []string{"Nested/InnerQueue: replaced"}},
		"nested_table_renamed":  {below: []string{"  InnerTable:\n", "  OtherTable:\n"}, want: []string{"Nested/InnerTable: renamed"}},
		"nested_by_a_parameter": {change: []string{"{Name: !Ref Name}}", "{Name: another}}"}, want: []string{"Nested/InnerQueue: replaced"}},
	} {
		t.Run(name, func(t *testing.T) {
			report := l.judge(t, edit(t, "dataloss.yaml", tc.change), edit(t, "dataloss-nested.yaml", tc.below), tc.rows)
			if diff := cmp.Diff(tc.want, inShort(report)); diff != "" || len(report.Unseen) > 0 {
				t.Errorf("data loss (-want +got):\n%s%+v", diff, report)
			}
			if refusal := report.Err(l.name); (refusal != nil) != (len(tc.want) > 0) {
				t.Errorf("refused: %v", refusal)
			} else if refusal != nil {
				t.Log(refusal)
			}
		})
	}
	l.leftNothing(t)
}

// inShort returns the findings without their advice.
func inShort(r dataloss.Report) []string {
	words := map[dataloss.What]string{
		dataloss.Replaced: "replaced", dataloss.PerhapsGone: "perhaps", dataloss.Immutable: "immutable", dataloss.Removed: "removed",
		dataloss.Orphaned: "orphaned", dataloss.Renamed: "renamed", dataloss.Unprotected: "unprotected", dataloss.NameGone: "name",
	}
	var out []string
	for _, l := range r.Findings {
		out = append(out, l.Path+": "+words[l.What])
	}
	return out
}

// edit puts pairs of texts into a template. GONE takes the resource out that the
// text begins.
func edit(t *testing.T, file string, pairs []string) string {
	t.Helper()
	text := string(must(os.ReadFile(filepath.Join("testdata", file)))(t))
	for i := 0; i+1 < len(pairs); i += 2 {
		before, after, found := strings.Cut(text, pairs[i])
		if !found {
			t.Fatalf("nothing to change at %q", pairs[i])
		}
		if pairs[i+1] != "GONE" {
			text = strings.ReplaceAll(text, pairs[i], pairs[i+1])
			continue
		}
		lines := strings.SplitAfter(after, "\n")
		for len(lines) > 0 && strings.HasPrefix(lines[0], "   ") {
			lines = lines[1:]
		}
		text = before + strings.Join(lines, "")
	}
	return text
}

// deployLossy deploys the stack, and one that reads a name of it.
func deployLossy(t *testing.T, s *system) *lossy {
	t.Helper()
	id := "e2e-dataloss-" + uuid.NewString()[:8]
	l := &lossy{system: s, name: id, bucket: id + "-templates", client: s.clients(t).cloudformation}
	s.awsCLI(t, "s3", "mb", "s3://"+l.bucket)
	below := l.upload(t, edit(t, "dataloss-nested.yaml", nil))
	t.Cleanup(func() { l.clean(t, "s3", "rb", "--force", "s3://"+l.bucket) })
	for _, one := range []struct{ name, body string }{{id, edit(t, "dataloss.yaml", nil)}, {id + "-reader", lossyReader}} {
		in := &cloudformation.CreateStackInput{StackName: &one.name, TemplateBody: &one.body, Parameters: l.parameters(below, "")}
		if one.body == lossyReader {
			in.Parameters = in.Parameters[1:2]
		}
		must(l.client.CreateStack(t.Context(), in))(t)
		t.Cleanup(func() { l.clean(t, "cloudformation", "delete-stack", "--stack-name", one.name) })
		quick := func(o *cloudformation.StackCreateCompleteWaiterOptions) {
			o.MinDelay, o.MaxDelay = 100*time.Millisecond, time.Second
		}
		waiter := cloudformation.NewStackCreateCompleteWaiter(l.client, quick)
		if err := waiter.Wait(t.Context(), &cloudformation.DescribeStacksInput{StackName: &one.name}, limit); err != nil {
			t.Fatalf("%s: %v", one.name, err)
		}
	}
	return l
}

// clean works when the test's context is over.
func (l *lossy) clean(t *testing.T, args ...string) {
	t.Helper()
	if output, err := l.exec(exec.Command(filepath.Join(l.root, ".local", "venv", "bin", "aws"), args...)); err != nil {
		t.Errorf("aws %v: %v\n%s", args, err, output)
	}
}

func (l *lossy) parameters(below, rows string) []types.Parameter {
	given := []types.Parameter{
		{ParameterKey: aws.String("Below"), ParameterValue: &below},
		{ParameterKey: aws.String("Name"), ParameterValue: &l.name},
	}
	if rows != "" {
		given = append(given, types.Parameter{ParameterKey: aws.String("Rows"), ParameterValue: &rows})
	}
	return given
}

// upload puts a nested template where CloudFormation reads it.
func (l *lossy) upload(t *testing.T, text string) string {
	t.Helper()
	name := uuid.NewString() + ".yaml"
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	l.awsCLI(t, "s3", "cp", file, "s3://"+l.bucket+"/"+name)
	return "https://s3.amazonaws.com/" + l.bucket + "/" + name
}

// judge makes a change set, has it judged, and deletes it.
func (l *lossy) judge(t *testing.T, text, below, rows string) dataloss.Report {
	t.Helper()
	url := l.now(t, "Below")
	if below != edit(t, "dataloss-nested.yaml", nil) {
		url = l.upload(t, below)
	}
	in := cloudformation.CreateChangeSetInput{
		StackName: &l.name, ChangeSetName: aws.String("try-" + uuid.NewString()), ChangeSetType: types.ChangeSetTypeUpdate,
		TemplateBody: &text, Parameters: l.parameters(url, rows),
	}
	t.Cleanup(func() {
		must(l.client.DeleteChangeSet(t.Context(), &cloudformation.DeleteChangeSetInput{StackName: in.StackName, ChangeSetName: in.ChangeSetName}))
	})
	if set := must(cfn.CreateChangeSet(t.Context(), l.client, in))(t); set.Status == types.ChangeSetStatusFailed {
		t.Fatalf("no change set: %s", aws.ToString(set.StatusReason))
	}
	return must(dataloss.Finder{API: l.client}.Find(t.Context(), l.name, *in.ChangeSetName))(t)
}

// now is the value that a parameter of the stack has.
func (l *lossy) now(t *testing.T, parameter string) string {
	t.Helper()
	out := must(l.client.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: &l.name}))(t)
	for _, p := range out.Stacks[0].Parameters {
		if *p.ParameterKey == parameter {
			return *p.ParameterValue
		}
	}
	t.Fatalf("no parameter %s", parameter)
	return ""
}

// leftNothing checks that no change set is left, in nested stacks either.
func (l *lossy) leftNothing(t *testing.T) {
	t.Helper()
	for _, stack := range must(l.client.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{}))(t).Stacks {
		if !strings.HasPrefix(*stack.StackName, l.name) {
			continue
		}
		if left := must(l.client.ListChangeSets(t.Context(), &cloudformation.ListChangeSetsInput{StackName: stack.StackId}))(t).Summaries; len(left) > 0 {
			t.Errorf("%s: %d change sets are left", *stack.StackName, len(left))
		}
	}
}

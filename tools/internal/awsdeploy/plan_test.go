package awsdeploy

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/google/go-cmp/cmp"

	"gatehouse.example/tools/dataloss"
	"gatehouse.example/tools/stacks"
)

func TestPrintPlan(t *testing.T) {
	t.Parallel()
	all := []plannedStack{
		{Stack: stacks.Stack{Name: "user-events", Functions: make([]stacks.Function, 5)}, Kind: added},
		{Stack: stacks.Stack{Name: "signin-audit"}, Kind: changed, Changes: []change{
			{Action: "Add", ID: "A", Type: "AWS::SQS::Queue"},
			{Action: "Modify", ID: "Monitoring", Type: "AWS::CloudFormation::Stack"},
			{Action: "Modify", ID: "Seen", Type: "AWS::CloudFormation::Stack"},
			{Action: "Modify", ID: "Table", Type: "AWS::DynamoDB::Table", Replaced: true},
			{Action: "Remove", ID: "Z", Type: "AWS::Lambda::Function"},
		}, Report: dataloss.Report{
			Findings: []dataloss.Finding{{Path: "Table", Type: "AWS::DynamoDB::Table", What: dataloss.Replaced, Because: "TableName changes", Instead: "do not"}},
			Unseen:   []string{"Monitoring"},
		}},
		{Stack: stacks.Stack{Name: "platform"}, Kind: unchanged},
		{Stack: stacks.Stack{Name: "api"}, Kind: changed},
		{Stack: stacks.Stack{Name: "late"}, Kind: later, Waits: []string{"api"}},
	}
	var out strings.Builder
	printPlan(&out, all)
	want := `
Plan, in this order
  1  user-events     new        5 functions
  2  signin-audit    changed    1 to add, 3 to change, 1 to remove
       changes   Monitoring, a nested stack; its changes are only known during the deployment, and the stack policy protects its data
       replaces  Table (AWS::DynamoDB::Table)
       removes   Z (AWS::Lambda::Function)
       loses     Table (AWS::DynamoDB::Table): would be replaced
  3  platform        unchanged
  4  api             changed    only its outputs
  5  late            later      planned when api is deployed, because it reads names that do not exist yet
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
	if err := checkDataLoss(all); err == nil || !strings.Contains(err.Error(), "signin-audit would lose") || !strings.Contains(err.Error(), "Instead: do not") {
		t.Errorf("got %v, want the table and the alternative", err)
	}
	all[1].Findings = nil
	if err := checkDataLoss(all); err != nil {
		t.Errorf("got %v, but nothing is lost", err)
	}
	if got := toDeploy(all); len(got) != 4 || got[0].Name != "user-events" || got[1].Name != "signin-audit" {
		t.Errorf("to deploy: %v", got)
	}
}

// fakeSets are the change sets of one stack; make adds to them.
type fakeSets struct {
	cloudformation.DescribeStacksAPIClient
	sets    map[string]types.ChangeSetStatus
	changes []types.Change
	deleted []string
	err     error
}

func (f *fakeSets) ListChangeSets(context.Context, *cloudformation.ListChangeSetsInput, ...func(*cloudformation.Options)) (*cloudformation.ListChangeSetsOutput, error) {
	out := &cloudformation.ListChangeSetsOutput{}
	for id, status := range f.sets {
		out.Summaries = append(out.Summaries, types.ChangeSetSummary{ChangeSetId: &id, Status: status})
	}
	return out, nil
}

func (f *fakeSets) DescribeChangeSet(context.Context, *cloudformation.DescribeChangeSetInput, ...func(*cloudformation.Options)) (*cloudformation.DescribeChangeSetOutput, error) {
	return &cloudformation.DescribeChangeSetOutput{Changes: f.changes}, f.err
}

func (f *fakeSets) DeleteChangeSet(_ context.Context, in *cloudformation.DeleteChangeSetInput, _ ...func(*cloudformation.Options)) (*cloudformation.DeleteChangeSetOutput, error) {
	f.deleted = append(f.deleted, *in.ChangeSetName)
	return nil, nil
}

func TestChanges(t *testing.T) {
	t.Parallel()
	sets := []types.Change{{ResourceChange: &types.ResourceChange{
		Action: types.ChangeActionModify, LogicalResourceId: aws.String("T"), ResourceType: aws.String("AWS::SNS::Topic"), Replacement: types.ReplacementTrue,
	}}}
	no := errors.New("no")
	for name, tc := range map[string]struct {
		status  types.ChangeSetStatus
		make    error
		read    error
		same    []string
		want    []change
		empty   bool
		deleted []string
		err     error
	}{
		"changed":  {status: types.ChangeSetStatusCreateComplete, want: []change{{Action: "Modify", ID: "T", Type: "AWS::SNS::Topic", Replaced: true}}, deleted: []string{"mine"}},
		"same":     {status: types.ChangeSetStatusCreateComplete, same: []string{"T"}, deleted: []string{"mine"}},
		"empty":    {status: types.ChangeSetStatusFailed, empty: true, deleted: []string{"mine"}},
		"not_made": {make: no, empty: true, err: no},
		"not_read": {status: types.ChangeSetStatusCreateComplete, read: no, deleted: []string{"mine"}, err: no},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fakeSets{sets: map[string]types.ChangeSetStatus{"old": types.ChangeSetStatusCreateComplete}, changes: sets, err: tc.read}
			look := func(_ context.Context, stack, changeSet string) (dataloss.Report, error) {
				return dataloss.Report{Unseen: []string{stack + " " + changeSet}, Same: tc.same}, nil
			}
			got, err := changes(t.Context(), f, look, "s", func() error {
				f.sets["mine"] = tc.status
				return tc.make
			})
			if looked := len(got.report.Unseen) == 1 && got.report.Unseen[0] == "s mine"; looked == tc.empty || got.empty != tc.empty {
				t.Errorf("got %+v", got)
			}
			if !errors.Is(err, tc.err) {
				t.Errorf("got %v, want %v", err, tc.err)
			}
			if diff := cmp.Diff(tc.want, got.changes); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.deleted, f.deleted); diff != "" {
				t.Errorf("deleted (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadSettings(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ block, err string }{
		"good":        {"[dev.deploy.parameters]\nstack_name = \"gatehouse-dev-guard\"\nparameter_overrides = \"Environment=dev OnAws=true\"\n", ""},
		"no_block":    {"[local.deploy.parameters]\nstack_name = \"gatehouse-local-guard\"\n", `stack_name = "gatehouse-dev-guard"`},
		"wrong_stack": {"[dev.deploy.parameters]\nstack_name = \"gatehouse-production-guard\"\n", `not "gatehouse-production-guard"`},
		"wrong_env":   {"[dev.deploy.parameters]\nstack_name = \"gatehouse-dev-guard\"\nparameter_overrides = \"Environment=production\"\n", "Environment=dev"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "samconfig.toml"), []byte(tc.block), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := readSettings([]stacks.Stack{{Name: "guard", Dir: dir, Parameters: []string{"Environment", "OnAws"}}}, "dev", map[string]string{"OnAws": "false", "Other": "x"})
			if tc.err != "" {
				if err == nil || !strings.Contains(err.Error(), tc.err) {
					t.Fatalf("got %v, want %q", err, tc.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]string{"Environment": "dev", "OnAws": "false"}
			if diff := cmp.Diff(want, got[0].Config.Parameters); diff != "" || got[0].FullName != "gatehouse-dev-guard" {
				t.Errorf("%s (-want +got):\n%s", got[0].FullName, diff)
			}
		})
	}
}

func TestMissing(t *testing.T) {
	t.Parallel()
	s := &session{target: target{environment: "dev"}, stacks: []plannedStack{
		{Stack: stacks.Stack{Name: "a", Writes: []string{"/gatehouse/${Environment}/a/x", "/gatehouse/${Environment}/a/y"}}},
		{Stack: stacks.Stack{Name: "b", Writes: []string{"/gatehouse/${Environment}/b/x"}}},
	}}
	const text = "An error occurred (ValidationError) when calling the CreateChangeSet operation: Parameters: [%] cannot be found."
	for names, want := range map[string][]string{
		"ssm:/gatehouse/dev/a/x":                             {"a"},
		"ssm:/gatehouse/dev/a/x, ssm:/gatehouse/dev/a/y":     {"a"},
		"ssm:/gatehouse/dev/b/x,ssm:/gatehouse/dev/a/x":      {"b", "a"},
		"ssm:/gatehouse/dev/b/x, ssm:/gatehouse/dev/other/x": nil,
		"ssm:/gatehouse/test/a/x":                            nil,
		"ParameterKey":                                       nil,
	} {
		if diff := cmp.Diff(want, s.missing(errors.New(strings.Replace(text, "%", names, 1)))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", names, diff)
		}
	}
	if got := s.missing(nil); got != nil {
		t.Errorf("got %v without an error", got)
	}
}

func TestCreated(t *testing.T) {
	t.Parallel()
	for _, status := range types.StackStatus("").Values() {
		text := string(status)
		want := strings.HasPrefix(text, "UPDATE_") || strings.HasPrefix(text, "IMPORT_") || text == "CREATE_COMPLETE"
		if created(status) != want {
			t.Errorf("%s: %v, want %v", status, !want, want)
		}
	}
}

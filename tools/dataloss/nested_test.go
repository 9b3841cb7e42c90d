package dataloss

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/google/go-cmp/cmp"
)

const parent = `
Resources:
  Below:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: https://bucket/below.yaml
      Parameters: {Literal: a, Ref: !Ref Environment, LongRef: {Ref: Environment}, Made: !GetAtt X.Arn, Named: !Sub '{{resolve:ssm:/x/${Environment}}}'}
`

func account(below fakeStack) *fake {
	return &fake{
		stacks: map[string]fakeStack{
			"s": {
				next: parent, parameters: map[string]string{"Environment": "dev"},
				resources: map[string][2]string{"Below": {nestedType, "below"}},
				changes:   []types.Change{change(modify, "Below", nestedType, no)},
			},
			"below": below,
		},
		summary: []types.ParameterDeclaration{
			{ParameterKey: aws.String("Literal")}, {ParameterKey: aws.String("Ref")}, {ParameterKey: aws.String("LongRef")},
			{ParameterKey: aws.String("Made")}, {ParameterKey: aws.String("Named")}, {ParameterKey: aws.String("Default"), DefaultValue: aws.String("d")},
		},
	}
}

func TestNestedStack(t *testing.T) {
	t.Parallel()
	f := account(fakeStack{root: "s", parameters: map[string]string{"Made": "arn", "Named": "v"}, changes: []types.Change{change(modify, "K", table, yes, detail("TableName", always, static, ""))}})
	got, err := Finder{API: f}.Find(t.Context(), "s", "set")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"Below/K would be replaced: TableName changes"}, brief(got)); diff != "" {
		t.Errorf("data loss (-want +got):\n%s", diff)
	}
	if len(f.made) != 1 || *f.made[0].StackName != "below" || *f.made[0].TemplateURL != "https://bucket/below.yaml" {
		t.Fatalf("change sets %+v", f.made)
	}
	var given []string
	for _, p := range f.made[0].Parameters {
		given = append(given, *p.ParameterKey+"="+aws.ToString(p.ParameterValue))
	}
	if diff := cmp.Diff([]string{"Literal=a", "Ref=dev", "LongRef=dev", "Made=", "Named="}, given); diff != "" {
		t.Errorf("parameters (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"below"}, f.deleted); diff != "" {
		t.Errorf("deleted (-want +got):\n%s", diff)
	}
}

func TestNestedStackWithItsOwnChangeSet(t *testing.T) {
	t.Parallel()
	f := account(fakeStack{changes: []types.Change{change(remove, "K", table, "")}})
	f.stacks["s"].changes[0].ResourceChange.ChangeSetId = aws.String("its-own")
	got, err := Finder{API: f}.Find(t.Context(), "s", "set")
	if err != nil || len(got.Findings) != 1 || len(f.made) != 0 {
		t.Errorf("%+v, %v, made %d", got, err, len(f.made))
	}
}

func TestNestedStackWithAnUnknownParameter(t *testing.T) {
	t.Parallel()
	f := account(fakeStack{}) // has no parameter Made yet, so its value is unknown
	got, err := Finder{API: f}.Find(t.Context(), "s", "set")
	if err != nil || len(f.made) != 0 {
		t.Fatalf("%v, made %d", err, len(f.made))
	}
	if diff := cmp.Diff(Report{Unseen: []string{"Below"}}, got); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
}

func TestAnEmptyOrRefusedProbe(t *testing.T) {
	t.Parallel()
	below := fakeStack{parameters: map[string]string{"Made": "arn", "Named": "v"}, status: types.ChangeSetStatusFailed, reason: "The submitted information didn't contain changes."}
	if got, err := (Finder{API: account(below)}).Find(t.Context(), "s", "set"); err != nil || len(got.Findings) != 0 {
		t.Errorf("empty: %+v, %v", got, err)
	}
	below.reason = "a template error"
	if _, err := (Finder{API: account(below)}).Find(t.Context(), "s", "set"); err == nil || !strings.Contains(err.Error(), "Below: the change set failed: a template error") {
		t.Errorf("refused: %v", err)
	}
}

func TestRemovedNestedStack(t *testing.T) {
	t.Parallel()
	f := account(fakeStack{resources: map[string][2]string{"F": {"AWS::Lambda::Function", "f"}, "K": {key, "k"}, "Deeper": {nestedType, "deeper"}}})
	f.stacks["deeper"] = fakeStack{resources: map[string][2]string{"Q": {queue, "q"}}}
	for _, c := range []types.Change{change(remove, "Below", nestedType, ""), change(modify, "Below", queue, yes)} {
		f.stacks["s"].changes[0] = c
		got, err := Finder{API: f}.Find(t.Context(), "s", "set")
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"Below/Deeper/Q would be removed: with its nested stack Below/Deeper", "Below/K would be removed: with its nested stack Below"}
		if diff := cmp.Diff(want, brief(got)); diff != "" {
			t.Errorf("data loss (-want +got):\n%s", diff)
		}
	}
}

package dataloss

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/google/go-cmp/cmp"
)

// unchangedParent nests a stack; a queue depends on its output and a topic on the queue.
const unchangedParent = `
Resources:
  Below:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: https://bucket/below.yaml}
  Queue: {Type: AWS::SQS::Queue, Properties: {QueueName: !Sub "${Below.Outputs.Name}-queue"}}
  Topic: {Type: AWS::SNS::Topic, Properties: {TopicName: !GetAtt Queue.QueueName}}
Outputs: {Name: {Value: !Ref Topic}}
`

// automatic is how CloudFormation describes a nested stack of which nothing changes:
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChangeDetail.html
func automatic() types.ResourceChangeDetail {
	return types.ResourceChangeDetail{
		Target:     &types.ResourceTargetDefinition{Attribute: types.ResourceAttributeProperties, RequiresRecreation: never},
		Evaluation: types.EvaluationTypeDynamic, ChangeSource: types.ChangeSourceAutomatic,
	}
}

// attribute is a property that depends on an attribute of another resource. The second
// detail has no cause: with it CloudFormation says that the property's value is a
// function, whose result it does not know.
func attribute(property, cause string) []types.ResourceChangeDetail {
	known := detail(property, always, dynamic, cause)
	known.ChangeSource = types.ChangeSourceResourceAttribute
	direct := detail(property, always, dynamic, "")
	direct.ChangeSource, direct.CausingEntity = types.ChangeSourceDirectModification, nil
	return []types.ResourceChangeDetail{known, direct}
}

// unchanged is an account with that stack as CloudFormation describes it when nothing
// changes.
func unchanged() *fake {
	f := account(fakeStack{
		root: "s", status: types.ChangeSetStatusFailed,
		reason: "The submitted information didn't contain changes. Submit different information to create a change set.",
	})
	f.summary = nil
	f.stacks["s"] = fakeStack{
		template: unchangedParent, next: unchangedParent, tags: []types.Tag{{Key: aws.String("Service"), Value: aws.String("s")}},
		resources: map[string][2]string{"Below": {nestedType, "below"}, "Queue": {queue, "q"}, "Topic": {"AWS::SNS::Topic", "t"}},
		changes: []types.Change{
			change(modify, "Topic", "AWS::SNS::Topic", perhap, attribute("TopicName", "Queue.QueueName")...),
			change(modify, "Queue", queue, perhap, attribute("QueueName", "Below.Outputs.Name")...),
			change(modify, "Below", nestedType, no, automatic()),
		},
	}
	return f
}

func TestNothingChanges(t *testing.T) {
	t.Parallel()
	f := unchanged()
	got, err := Finder{API: f}.Find(t.Context(), "s", "set")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Report{Same: []string{"Below", "Queue", "Topic"}, Nothing: true}, got); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	if len(f.made) != 1 || len(f.made[0].Tags) != 1 || *f.made[0].Tags[0].Key != "Service" {
		t.Errorf("the nested stack's change set has not the tags of its parent: %+v", f.made)
	}
}

// Each case changes one thing of the account above.
func TestSomethingChanges(t *testing.T) {
	t.Parallel()
	both := []string{"Queue may be replaced: QueueName depends on Below.Outputs.Name", "Topic may be replaced: TopicName depends on Queue.QueueName"}
	for name, tc := range map[string]struct {
		edit func(f *fake, s *fakeStack)
		same []string
		want []string
	}{
		"nested_stack": {
			edit: func(f *fake, _ *fakeStack) {
				f.stacks["below"] = fakeStack{root: "s", changes: []types.Change{change(modify, "Role", "AWS::IAM::Role", no)}}
			},
			want: both,
		},
		"outputs_of_nested_stack": {
			edit: func(f *fake, _ *fakeStack) {
				f.stacks["below"] = fakeStack{root: "s", template: "Outputs: {Name: {Value: a}}", next: "Outputs: {Name: {Value: b}}"}
			},
			want: both,
		},
		"policy_of_nested_stack": {
			edit: func(_ *fake, s *fakeStack) {
				policy := automatic()
				policy.Target = &types.ResourceTargetDefinition{Attribute: types.ResourceAttributeDeletionPolicy}
				s.changes[2] = change(modify, "Below", nestedType, no, automatic(), policy)
			},
			want: both,
		},
		"text_of_the_queue": {
			edit: func(_ *fake, s *fakeStack) { s.next = strings.Replace(s.next, "-queue", "-line", 1) },
			same: []string{"Below"},
			want: both,
		},
		"tags_of_the_queue": {
			edit: func(_ *fake, s *fakeStack) {
				tags := detail("", "", static, "")
				tags.Target.Attribute = types.ResourceAttributeTags
				s.changes[1].ResourceChange.Details = append(s.changes[1].ResourceChange.Details, tags)
			},
			same: []string{"Below"},
			want: both,
		},
		"parameter": {
			edit: func(_ *fake, s *fakeStack) {
				parameter := detail("Name", never, static, "Environment")
				parameter.ChangeSource = types.ChangeSourceParameterReference
				s.changes = append(s.changes, change(modify, "Other", "AWS::Logs::LogGroup", no, parameter))
			},
			same: []string{"Below", "Queue", "Topic"},
		},
		"outputs": {
			edit: func(_ *fake, s *fakeStack) { s.next = strings.Replace(s.next, "Value: !Ref Topic", "Value: x", 1) },
			same: []string{"Below", "Queue", "Topic"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := unchanged()
			s := f.stacks["s"]
			tc.edit(f, &s)
			f.stacks["s"] = s
			got, err := Finder{API: f}.Find(t.Context(), "s", "set")
			if err != nil {
				t.Fatal(err)
			}
			if got.Nothing {
				t.Error("nothing changes")
			}
			if diff := cmp.Diff(tc.same, got.Same); diff != "" {
				t.Errorf("same (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.want, brief(got)); diff != "" {
				t.Errorf("data loss (-want +got):\n%s", diff)
			}
		})
	}
}

package pipeline

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

const gradual = `
Parameters:
  Gradual: {Type: String, Default: 'false'}
  Way: {Type: String, Default: Linear}
  Environment: {Type: String}
Globals: {Function: {DeploymentPreference: {Enabled: !Ref Gradual, Type: !Ref Way, Role: !Cidr [x]}}}
Resources:
  A: {Type: AWS::Serverless::Function, Properties: {AutoPublishAlias: live, DeploymentPreference: {Alarms: [!Ref Errors, !Ref Named]}}}
  B: {Type: AWS::Serverless::Function, Properties: {AutoPublishAlias: live, DeploymentPreference: {Enabled: false}}}
  C: {Type: AWS::SQS::Queue}
  Errors: {Type: AWS::CloudWatch::Alarm, Properties: {AlarmName: !Sub 'gatehouse-${Environment}-errors'}}
  Named: {Type: AWS::CloudWatch::Alarm, Properties: {}}
`

func TestRollouts(t *testing.T) {
	t.Parallel()
	got, err := Rollouts(t.Context(), gradual, map[string]string{"Gradual": "true", "Environment": "test"})
	if err != nil {
		t.Fatal(err)
	}
	want := []Rollout{{Function: "A", Alias: "live", Type: "Linear", Alarms: []string{"gatehouse-test-errors", "Named"}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rollouts (-want +got):\n%s", diff)
	}
	if got, err := Rollouts(t.Context(), gradual, map[string]string{"Environment": "test"}); len(got) != 0 || err != nil {
		t.Errorf("got %v, %v; the default is false", got, err)
	}
}

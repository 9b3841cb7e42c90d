package dataloss

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/google/go-cmp/cmp"
)

func TestNamesThatOthersRead(t *testing.T) {
	t.Parallel()
	const reader = "Resources: {R: {Properties: {V: '{{resolve:ssm:/${Environment}/name}}'}}}"
	for name, tc := range map[string]struct {
		changes []types.Change
		others  map[string]fakeStack
		want    []string
	}{
		"removed":       {[]types.Change{change(remove, "dev/name", parameterType, "")}, map[string]fakeStack{"r": {template: reader, parameters: map[string]string{"Environment": "dev"}}}, []string{"dev/name would be removed, but other stacks read it: removed"}},
		"renamed":       {[]types.Change{change(modify, "dev/name", parameterType, yes, detail("Name", always, static, ""))}, map[string]fakeStack{"r": {template: reader, parameters: map[string]string{"Environment": "dev"}}}, []string{"dev/name would be removed, but other stacks read it: Name changes"}},
		"other_env":     {[]types.Change{change(remove, "dev/name", parameterType, "")}, map[string]fakeStack{"r": {template: reader, parameters: map[string]string{"Environment": "test"}}}, nil},
		"longer_name":   {[]types.Change{change(remove, "dev/nam", parameterType, "")}, map[string]fakeStack{"r": {template: reader, parameters: map[string]string{"Environment": "dev"}}}, nil},
		"own_nested":    {[]types.Change{change(remove, "dev/name", parameterType, "")}, map[string]fakeStack{"r": {root: "s", template: reader, parameters: map[string]string{"Environment": "dev"}}}, nil},
		"nobody":        {[]types.Change{change(remove, "dev/name", parameterType, "")}, nil, nil},
		"value_changes": {[]types.Change{change(modify, "dev/name", parameterType, no, detail("Value", never, static, ""))}, map[string]fakeStack{"r": {template: reader, parameters: map[string]string{"Environment": "dev"}}}, nil},
		"what_it_names": {[]types.Change{
			change(modify, "F", "AWS::Lambda::Function", yes), change(modify, "dev/name", parameterType, no, detail("Value", never, static, "F.Arn")),
		}, map[string]fakeStack{"r": {template: reader, parameters: map[string]string{"Environment": "dev"}}}, []string{"dev/name would be removed, but other stacks read it: F, whose name it holds, would be replaced"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fake{stacks: map[string]fakeStack{"s": {changes: tc.changes, template: reader, parameters: map[string]string{"Environment": "dev"}}}}
			for n, s := range tc.others {
				f.stacks[n] = s
			}
			got, err := Finder{API: f}.Find(t.Context(), "s", "set")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, brief(got)); diff != "" {
				t.Errorf("data loss (-want +got):\n%s", diff)
			}
		})
	}
}

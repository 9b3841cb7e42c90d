package check

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
)

// fakeTrail is a CloudTrail with one trail.
type fakeTrail struct {
	trail                       *types.Trail
	logging                     bool
	basic                       []types.EventSelector
	advanced                    []types.AdvancedEventSelector
	listed, statused, selecting error
}

func (f fakeTrail) DescribeTrails(context.Context, *cloudtrail.DescribeTrailsInput, ...func(*cloudtrail.Options)) (*cloudtrail.DescribeTrailsOutput, error) {
	out := &cloudtrail.DescribeTrailsOutput{}
	if f.trail != nil {
		out.TrailList = []types.Trail{*f.trail}
	}
	return out, f.listed
}

func (f fakeTrail) GetTrailStatus(context.Context, *cloudtrail.GetTrailStatusInput, ...func(*cloudtrail.Options)) (*cloudtrail.GetTrailStatusOutput, error) {
	return &cloudtrail.GetTrailStatusOutput{IsLogging: &f.logging}, f.statused
}

func (f fakeTrail) GetEventSelectors(context.Context, *cloudtrail.GetEventSelectorsInput, ...func(*cloudtrail.Options)) (*cloudtrail.GetEventSelectorsOutput, error) {
	return &cloudtrail.GetEventSelectorsOutput{EventSelectors: f.basic, AdvancedEventSelectors: f.advanced}, f.selecting
}

func TestTrail(t *testing.T) {
	t.Parallel()
	here := &types.Trail{Name: aws.String("main"), HomeRegion: aws.String("eu-central-1")}
	away := &types.Trail{Name: aws.String("main"), HomeRegion: aws.String("us-east-1")}
	everywhere := &types.Trail{Name: aws.String("main"), HomeRegion: aws.String("us-east-1"), IsMultiRegionTrail: aws.Bool(true)}
	basic := func(management bool, kind types.ReadWriteType) []types.EventSelector {
		return []types.EventSelector{{IncludeManagementEvents: &management, ReadWriteType: kind}}
	}
	advanced := func(pairs ...string) []types.AdvancedEventSelector {
		var s types.AdvancedEventSelector
		for i := 0; i < len(pairs); i += 2 {
			s.FieldSelectors = append(s.FieldSelectors, types.AdvancedFieldSelector{Field: &pairs[i], Equals: []string{pairs[i+1]}})
		}
		return []types.AdvancedEventSelector{s}
	}
	no := errors.New("no")
	for name, tc := range map[string]struct {
		api  fakeTrail
		want string
	}{
		"all":                {fakeTrail{trail: here, logging: true, basic: basic(true, types.ReadWriteTypeAll)}, "ok"},
		"write_only":         {fakeTrail{trail: everywhere, logging: true, basic: basic(true, types.ReadWriteTypeWriteOnly)}, "ok"},
		"advanced":           {fakeTrail{trail: here, logging: true, advanced: advanced("eventCategory", "Management")}, "ok"},
		"advanced_writes":    {fakeTrail{trail: here, logging: true, advanced: advanced("eventCategory", "Management", "readOnly", "false")}, "ok"},
		"none":               {fakeTrail{}, "warning"},
		"elsewhere":          {fakeTrail{trail: away, logging: true, basic: basic(true, types.ReadWriteTypeAll)}, "warning"},
		"stopped":            {fakeTrail{trail: here, basic: basic(true, types.ReadWriteTypeAll)}, "warning"},
		"reads_only":         {fakeTrail{trail: here, logging: true, basic: basic(true, types.ReadWriteTypeReadOnly)}, "warning"},
		"data_only":          {fakeTrail{trail: here, logging: true, basic: basic(false, types.ReadWriteTypeAll)}, "warning"},
		"advanced_data":      {fakeTrail{trail: here, logging: true, advanced: advanced("eventCategory", "Data")}, "warning"},
		"advanced_reads":     {fakeTrail{trail: here, logging: true, advanced: advanced("eventCategory", "Management", "readOnly", "true")}, "warning"},
		"not_listed":         {fakeTrail{listed: no}, "not checked"},
		"no_status":          {fakeTrail{trail: here, statused: no}, "not checked"},
		"selectors_unlisted": {fakeTrail{trail: here, logging: true, selecting: no}, "not checked"},
	} {
		if got := levels(Trail{tc.api, "eu-central-1"}.Look(t.Context())); got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
}

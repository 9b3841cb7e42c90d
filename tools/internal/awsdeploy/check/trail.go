package check

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
)

// Trails are the calls of CloudTrail.
type Trails interface {
	DescribeTrails(context.Context, *cloudtrail.DescribeTrailsInput, ...func(*cloudtrail.Options)) (*cloudtrail.DescribeTrailsOutput, error)
	GetTrailStatus(context.Context, *cloudtrail.GetTrailStatusInput, ...func(*cloudtrail.Options)) (*cloudtrail.GetTrailStatusOutput, error)
	GetEventSelectors(context.Context, *cloudtrail.GetEventSelectorsInput, ...func(*cloudtrail.Options)) (*cloudtrail.GetEventSelectorsOutput, error)
}

// Trail checks for a trail that logs management events. Without one, CloudTrail's
// records do not reach EventBridge, and changes of accounts and pools after sign-up
// produce no events.
type Trail struct {
	API    Trails
	Region string
}

// Look implements Check.
func (c Trail) Look(ctx context.Context) []Finding {
	const what = "trail"
	out, err := c.API.DescribeTrails(ctx, &cloudtrail.DescribeTrailsInput{})
	if err != nil {
		return unknown(what, "cloudtrail.DescribeTrails", err)
	}
	var refused []Finding
	for _, t := range out.TrailList {
		if !aws.ToBool(t.IsMultiRegionTrail) && aws.ToString(t.HomeRegion) != c.Region {
			continue
		}
		logs, call, err := c.logs(ctx, t)
		if err != nil {
			refused = unknown(what, call, fmt.Errorf("%s: %w", aws.ToString(t.Name), err))
			continue
		}
		if logs {
			return []Finding{{OK, what, fmt.Sprintf("%s logs management events", aws.ToString(t.Name)), ""}}
		}
	}
	if refused != nil {
		return refused
	}
	return []Finding{{
		Warning, what, fmt.Sprintf("no trail logs writing management events in %s, so no event is made from CloudTrail's records", c.Region),
		"create one (the first copy of management events is free, its bucket is not), or ask the owner of the organization's trail",
	}}
}

func (c Trail) logs(ctx context.Context, t types.Trail) (yes bool, call string, err error) {
	status, err := c.API.GetTrailStatus(ctx, &cloudtrail.GetTrailStatusInput{Name: t.TrailARN})
	if err != nil {
		return false, "cloudtrail.GetTrailStatus", err
	}
	if !aws.ToBool(status.IsLogging) {
		return false, "", nil
	}
	out, err := c.API.GetEventSelectors(ctx, &cloudtrail.GetEventSelectorsInput{TrailName: t.TrailARN})
	if err != nil {
		return false, "cloudtrail.GetEventSelectors", err
	}
	basic := func(s types.EventSelector) bool {
		return aws.ToBool(s.IncludeManagementEvents) && s.ReadWriteType != types.ReadWriteTypeReadOnly
	}
	return slices.ContainsFunc(out.EventSelectors, basic) || slices.ContainsFunc(out.AdvancedEventSelectors, management), "", nil
}

func management(s types.AdvancedEventSelector) bool {
	takes := false
	for _, f := range s.FieldSelectors {
		switch aws.ToString(f.Field) {
		case "eventCategory":
			takes = slices.Contains(f.Equals, "Management")
		case "readOnly":
			if slices.Contains(f.Equals, "true") {
				return false
			}
		}
	}
	return takes
}

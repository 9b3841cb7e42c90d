package drift

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"gatehouse.example/tools/actors"
)

const (
	alarmType     = "AWS::CloudWatch::Alarm"
	compositeType = "AWS::CloudWatch::CompositeAlarm"
)

// alarmAPI reads alarms and sets them back.
type alarmAPI interface {
	cloudwatch.DescribeAlarmsAPIClient
	PutCompositeAlarm(context.Context, *cloudwatch.PutCompositeAlarmInput, ...func(*cloudwatch.Options)) (*cloudwatch.PutCompositeAlarmOutput, error)
	PutMetricAlarm(context.Context, *cloudwatch.PutMetricAlarmInput, ...func(*cloudwatch.Options)) (*cloudwatch.PutMetricAlarmOutput, error)
}

// alarms compares AWS::CloudWatch::Alarm and CompositeAlarm. Put sets everything that the
// template says and nothing else, and also makes an alarm again that was deleted.
type alarms struct{ api alarmAPI }

func (k alarms) compare(ctx context.Context, r resource) ([]Finding, error) {
	for name, err := range r.unresolved {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	have, err := k.read(ctx, r)
	if err != nil {
		return nil, err
	}
	repair := "cloudwatch.PutMetricAlarm"
	if r.Type == compositeType {
		repair = "cloudwatch.PutCompositeAlarm"
	}
	fix := func(ctx context.Context) error { return k.put(ctx, r) }
	if have == nil {
		return []Finding{{Where: r.where(), Differences: []string{"it does not exist"}, Repair: repair, fix: fix}}, nil
	}
	names := []string{"ActionsEnabled", "AlarmActions"}
	for name := range r.props {
		if !slices.Contains(names, name) && name != "Tags" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	f, changed := r.finding(have, map[string]any{"ActionsEnabled": true}, names...)
	if len(changed) == 0 {
		return nil, nil
	}
	f.Repair, f.fix = repair, fix
	return []Finding{f}, nil
}

// read is the alarm with the names of the template, or nil.
func (k alarms) read(ctx context.Context, r resource) (map[string]any, error) {
	out, err := k.api.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{
		AlarmNames: []string{r.Physical}, AlarmTypes: []types.AlarmType{types.AlarmTypeMetricAlarm, types.AlarmTypeCompositeAlarm},
	})
	if err != nil {
		return nil, fmt.Errorf("cloudwatch.DescribeAlarms: %w", err)
	}
	var have map[string]any
	for _, one := range out.MetricAlarms {
		if err := actors.Convert(one, &have); err != nil {
			return nil, err
		}
	}
	for _, one := range out.CompositeAlarms {
		if err := actors.Convert(one, &have); err != nil {
			return nil, err
		}
	}
	if rule, is := have["AlarmRule"].(string); is { // the template has it on several lines
		have["AlarmRule"] = strings.Join(strings.Fields(rule), " ")
	}
	return have, nil
}

func (k alarms) put(ctx context.Context, r resource) error {
	if r.Type == compositeType {
		in := &cloudwatch.PutCompositeAlarmInput{}
		if err := actors.Convert(r.props, in); err != nil {
			return err
		}
		in.AlarmName = &r.Physical
		if _, err := k.api.PutCompositeAlarm(ctx, in); err != nil {
			return fmt.Errorf("cloudwatch.PutCompositeAlarm: %w", err)
		}
		return nil
	}
	in := &cloudwatch.PutMetricAlarmInput{}
	if err := actors.Convert(r.props, in); err != nil {
		return err
	}
	in.AlarmName = &r.Physical
	if _, err := k.api.PutMetricAlarm(ctx, in); err != nil {
		return fmt.Errorf("cloudwatch.PutMetricAlarm: %w", err)
	}
	return nil
}

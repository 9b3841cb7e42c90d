package upstream

import "context"

// LogsTarget begins the X-Amz-Target of every call of CloudWatch Logs.
const LogsTarget = "Logs_20140328."

// LogGroup is a log group as the emulator lists it.
type LogGroup struct {
	Name    string `json:"logGroupName"`
	ARN     string `json:"arn"` // ends in :*
	Bytes   int64  `json:"storedBytes"`
	Created int64  `json:"creationTime"`
	KeyARN  string `json:"kmsKeyId"`
}

// LogGroups lists the groups whose names begin with prefix, or all.
func (c *Client) LogGroups(ctx context.Context, prefix string) ([]LogGroup, error) {
	type page struct {
		LogGroups []LogGroup `json:"logGroups"`
		NextToken string     `json:"nextToken"`
	}
	in := map[string]any{}
	if prefix != "" {
		in["logGroupNamePrefix"] = prefix
	}
	var all []LogGroup
	err := Pages(ctx, c, "logs", LogsTarget+"DescribeLogGroups", in, func(out page) (string, error) {
		all = append(all, out.LogGroups...)
		return out.NextToken, nil
	})
	return all, err
}

package upstream

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"gatehouse.example/tools/policy"
)

// Invoke calls a Lambda function; kind is RequestResponse or Event.
func (c *Client) Invoke(ctx context.Context, arn, kind, trace string, payload []byte) (*Answer, error) {
	header := http.Header{"X-Amz-Invocation-Type": {kind}, "Content-Type": {"application/json"}}
	if trace != "" {
		header.Set(TraceHeader, trace)
	}
	return c.Send(ctx, "lambda", http.MethodPost, "/2015-03-31/functions/"+url.PathEscape(arn)+"/invocations", header, payload)
}

// MayInvoke asks the policy of a function whether a service may call it on behalf of
// the resource with this ARN.
func MayInvoke(document, service, function, source string) bool {
	return policy.Request{
		Service: service, Action: "lambda:InvokeFunction", Resource: function,
		Keys: map[string]string{"aws:sourcearn": source, "aws:sourceaccount": Account(source)},
	}.AllowedBy(document)
}

// Account is the account in an ARN.
func Account(arn string) string {
	if parts := strings.Split(arn, ":"); len(parts) > 5 {
		return parts[4]
	}
	return ""
}

// FunctionPolicy reads the resource policy of the function, or of the alias that arn names.
func (c *Client) FunctionPolicy(ctx context.Context, arn string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	name, qualifier := arn, ""
	if parts := strings.Split(arn, ":"); len(parts) == 8 {
		name, qualifier = strings.Join(parts[:7], ":"), "?Qualifier="+url.QueryEscape(parts[7])
	}
	res, err := c.Send(ctx, "lambda", http.MethodGet,
		"/2015-03-31/functions/"+url.PathEscape(name)+"/policy"+qualifier, nil, nil)
	if err != nil {
		return "", fmt.Errorf("GetPolicy: %w", err)
	}
	if res.Status != http.StatusOK {
		return "", res.Err()
	}
	var out struct{ Policy string }
	if err := json.Unmarshal(res.Body, &out); err != nil {
		return "", fmt.Errorf("GetPolicy: %w", err)
	}
	return out.Policy, nil
}

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

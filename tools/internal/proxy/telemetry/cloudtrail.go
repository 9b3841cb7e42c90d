package telemetry

// Gap: nothing that happens in the emulator reaches EventBridge as a record of
// CloudTrail, and PutEvents refuses sources that begin with aws., as on AWS. So the
// proxy asks for the rules that match and delivers to their targets itself. It sees new
// log groups in the list that it reads for tail.go anyway. Delete this file when the
// emulator delivers records.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"gatehouse.example/tools/internal/proxy/upstream"
)

const eventsTarget = "AWSEvents."

// cloudTrail delivers records to the rules of the default bus, as CloudTrail and
// EventBridge do on AWS. It delivers at once; AWS takes minutes.
type cloudTrail struct {
	up  *upstream.Client
	log *slog.Logger
}

// trailRecord is a record of CloudTrail as a target of EventBridge gets it.
type trailRecord struct {
	Version    string         `json:"version"`
	ID         string         `json:"id"`
	DetailType string         `json:"detail-type"`
	Source     string         `json:"source"` // such as aws.logs
	Account    string         `json:"account"`
	Time       string         `json:"time"`
	Region     string         `json:"region"`
	Resources  []string       `json:"resources"`
	Detail     map[string]any `json:"detail"`
}

// trailStates are the states of rules that get records of calls that change something.
var trailStates = []string{"ENABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"}

type trailRule struct {
	Name         string
	ARN          string `json:"Arn"`
	State        string
	EventPattern string
}

type trailTarget struct {
	ID  string `json:"Id"`
	ARN string `json:"Arn"`
	// Any of these changes what the target gets; the proxy supports none of them.
	Input, InputPath string
	InputTransformer map[string]any
}

// deliver sends the record to every target of every rule that matches. If one fails, the
// others get it all the same.
func (c *cloudTrail) deliver(ctx context.Context, r trailRecord) error {
	event, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("json.Marshal: %w", err)
	}
	type page struct {
		Rules     []trailRule
		NextToken string
	}
	var failures []error
	err = upstream.Pages(ctx, c.up, "events", eventsTarget+"ListRules", map[string]any{}, func(out page) (string, error) {
		for _, rule := range out.Rules {
			if rule.EventPattern != "" && slices.Contains(trailStates, rule.State) {
				failures = append(failures, c.offer(ctx, rule, event))
			}
		}
		return out.NextToken, nil
	})
	return errors.Join(append(failures, err)...)
}

// offer lets the emulator match the rule's pattern, so that the proxy needs no
// interpretation of patterns of its own.
func (c *cloudTrail) offer(ctx context.Context, rule trailRule, event []byte) error {
	var match struct{ Result bool }
	in := map[string]any{"EventPattern": rule.EventPattern, "Event": string(event)}
	if err := c.up.JSON(ctx, "events", eventsTarget+"TestEventPattern", in, &match); err != nil || !match.Result {
		return err
	}
	var out struct{ Targets []trailTarget }
	if err := c.up.JSON(ctx, "events", eventsTarget+"ListTargetsByRule", map[string]any{"Rule": rule.Name}, &out); err != nil {
		return err
	}
	var failures []error
	for _, target := range out.Targets {
		if err := c.invoke(ctx, rule, target, event); err != nil {
			failures = append(failures, fmt.Errorf("rule %s, target %s: %w", rule.Name, target.ID, err))
		}
	}
	return errors.Join(failures...)
}

// invoke calls a function as EventBridge does: without waiting for it, and only if
// its policy allows this rule.
func (c *cloudTrail) invoke(ctx context.Context, rule trailRule, target trailTarget, event []byte) error {
	if !strings.Contains(target.ARN, ":lambda:") || target.Input+target.InputPath != "" || len(target.InputTransformer) > 0 {
		return errors.New("the proxy delivers records to functions only, and whole")
	}
	policy, err := c.up.FunctionPolicy(ctx, target.ARN)
	if err != nil {
		return err
	}
	if !upstream.MayInvoke(policy, "events.amazonaws.com", target.ARN, rule.ARN) {
		return errors.New("the function's policy does not allow the rule to call it")
	}
	ctx, cancel := context.WithTimeout(ctx, upstream.Timeout)
	defer cancel()
	res, err := c.up.Invoke(ctx, target.ARN, "Event", "", event)
	if err != nil {
		return fmt.Errorf("lambda.Invoke: %w", err)
	}
	if res.Status != http.StatusAccepted {
		return fmt.Errorf("lambda.Invoke: %w", res.Err())
	}
	return nil
}

// createdBuffer holds the groups of several deployments at once.
const createdBuffer = 1000

// groupWatch notices new log groups and reports each as CloudTrail would report the
// CreateLogGroup that made it.
type groupWatch struct {
	trail *cloudTrail
	start int64
	known map[string]int64 // name to time of creation: a group that was made again is new
	added chan upstream.LogGroup
}

func newGroupWatch(trail *cloudTrail) *groupWatch {
	return &groupWatch{trail: trail, start: time.Now().UnixMilli(), known: map[string]int64{}, added: make(chan upstream.LogGroup, createdBuffer)}
}

// see takes the list of all groups and never waits, because the lines and metrics of
// functions come from the same loop.
func (g *groupWatch) see(groups []upstream.LogGroup) {
	now := make(map[string]int64, len(groups))
	for _, group := range groups {
		now[group.Name] = group.Created
		if group.Created < g.start || g.known[group.Name] == group.Created {
			continue
		}
		select {
		case g.added <- group:
		default:
			delete(now, group.Name) // full: it is new again next time
		}
	}
	g.known = now
}

// run delivers the records until ctx is done.
func (g *groupWatch) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case group := <-g.added:
			if err := g.trail.deliver(ctx, g.record(group)); err != nil && ctx.Err() == nil {
				g.trail.log.Warn("record not delivered", "event", "CreateLogGroup", "logGroup", group.Name, "error", err.Error())
			}
		}
	}
}

// record has the shape that CloudTrail's documentation and records in public
// repositories show. Who made the group is not known here, so the identity is that
// of a service; a target must not rely on more.
func (g *groupWatch) record(group upstream.LogGroup) trailRecord {
	account, made := upstream.Account(group.ARN), time.UnixMilli(group.Created).UTC().Format(time.RFC3339)
	parameters := map[string]any{"logGroupName": group.Name}
	if group.KeyARN != "" {
		parameters["kmsKeyId"] = group.KeyARN
	}
	return trailRecord{
		Version: "0", ID: uuid.NewString(), DetailType: "AWS API Call via CloudTrail", Source: "aws.logs",
		Account: account, Time: made, Region: g.trail.up.Region, Resources: []string{},
		Detail: map[string]any{
			"eventVersion": "1.10", "eventID": uuid.NewString(), "requestID": uuid.NewString(), "eventTime": made,
			"eventSource": "logs.amazonaws.com", "eventName": "CreateLogGroup", "eventType": "AwsApiCall", "apiVersion": "20140328",
			"eventCategory": "Management", "managementEvent": true, "readOnly": false, "awsRegion": g.trail.up.Region, "recipientAccountId": account,
			"userIdentity":    map[string]any{"type": "AWSService", "invokedBy": "AWS Internal"},
			"sourceIPAddress": "AWS Internal", "userAgent": "AWS Internal",
			"requestParameters": parameters, "responseElements": nil,
		},
	}
}

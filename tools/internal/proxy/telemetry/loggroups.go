package telemetry

// Gap: when a service of the emulator makes a log group, no call passes the proxy and
// no record is written. The proxy sees new groups in the list that it reads for tail.go
// anyway. Delete this file with cloudtrail.go.

import (
	"context"
	"time"

	"github.com/google/uuid"

	"gatehouse.example/tools/internal/proxy/upstream"
)

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

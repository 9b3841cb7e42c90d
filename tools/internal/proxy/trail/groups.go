package trail

import (
	"time"

	"github.com/google/uuid"

	"gatehouse.example/tools/internal/proxy/upstream"
)

// groupWatch notices new log groups and reports each as CloudTrail would report the
// CreateLogGroup that made it.
type groupWatch struct {
	trail *Trail
	start int64
	known map[string]int64 // name to time of creation: a group that was made again is new
}

// Groups takes the list of all log groups, each time that somebody reads it. It never
// waits, because the lines and metrics of functions come from the same loop.
func (t *Trail) Groups(groups []upstream.LogGroup) { t.groups.see(groups) }

func (g *groupWatch) see(groups []upstream.LogGroup) {
	now := make(map[string]int64, len(groups))
	for _, group := range groups {
		now[group.Name] = group.Created
		if group.Created < g.start || g.known[group.Name] == group.Created {
			continue
		}
		if !g.trail.offer(entry{record: g.record(group)}) {
			delete(now, group.Name) // full: it is new again next time
		}
	}
	g.known = now
}

// record has the shape that CloudTrail's documentation and records in public
// repositories show. Who made the group is not known here, so the identity is that
// of a service; a target must not rely on more.
func (g *groupWatch) record(group upstream.LogGroup) record {
	parameters := map[string]any{"logGroupName": group.Name}
	if group.KeyARN != "" {
		parameters["kmsKeyId"] = group.KeyARN
	}
	return newRecord(apiCall, "logs", upstream.Account(group.ARN), g.trail.up.Region, time.UnixMilli(group.Created), map[string]any{
		"eventVersion": "1.10", "requestID": uuid.NewString(), "eventName": "CreateLogGroup",
		"eventType": "AwsApiCall", "apiVersion": "20140328", "readOnly": false,
		"userIdentity":    map[string]any{"type": "AWSService", "invokedBy": "AWS Internal"},
		"sourceIPAddress": "AWS Internal", "userAgent": "AWS Internal",
		"requestParameters": parameters, "responseElements": nil,
	})
}

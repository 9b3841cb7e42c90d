// Package trail makes the records of CloudTrail that the services need, and delivers them
// to the rules of the default bus.
//
// Gap: nothing that happens in the emulator reaches EventBridge as a record of CloudTrail,
// and PutEvents refuses sources that begin with aws., as on AWS. So the proxy records what
// passes it, asks for the rules that match, and delivers to their targets itself. Delete
// this package when the emulator delivers records.
package trail

import (
	"context"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"gatehouse.example/tools/internal/proxy/upstream"
)

// capacity is how many records wait for their delivery. It holds the log groups of several
// deployments at once, and some seconds of sign-ins.
const capacity = 1000

// Trail delivers records to the rules of the default bus, as CloudTrail and EventBridge do
// on AWS. It delivers at once; AWS takes minutes.
type Trail struct {
	up      *upstream.Client
	log     *slog.Logger
	pool    string // the parameter with the id of the pool whose pages these are
	waiting chan entry
	bus     bus
	groups  groupWatch
}

// New makes a trail of the calls that pass the proxy of an environment. Run delivers what it
// records.
func New(up *upstream.Client, environment string, log *slog.Logger) *Trail {
	t := &Trail{up: up, log: log, pool: "/gatehouse/" + environment + "/platform/user-pool-id", waiting: make(chan entry, capacity), bus: bus{up: up}}
	t.groups = groupWatch{trail: t, start: time.Now().UnixMilli(), known: map[string]int64{}}
	return t
}

// record is a record of CloudTrail as a target of EventBridge gets it.
type record struct {
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

// The detail-types of records.
const (
	apiCall      = "AWS API Call via CloudTrail"
	serviceEvent = "AWS Service Event via CloudTrail"
)

// newRecord puts a record's detail into the envelope, and adds what every record has.
func newRecord(kind, service, account, region string, at time.Time, detail map[string]any) record {
	moment := at.UTC().Format(time.RFC3339)
	detail["eventID"] = uuid.NewString()
	detail["eventTime"] = moment
	detail["eventSource"] = service + ".amazonaws.com"
	detail["awsRegion"] = region
	detail["recipientAccountId"] = account
	detail["eventCategory"] = "Management"
	detail["managementEvent"] = true
	return record{
		Version: "0", ID: uuid.NewString(), DetailType: kind, Source: "aws." + service,
		Account: account, Time: moment, Region: region, Resources: []string{}, Detail: detail,
	}
}

// name is the eventName.
func (r record) name() string { name, _ := r.Detail["eventName"].(string); return name }

// readOnly reports a record that only some rules get.
func (r record) readOnly() bool { reads, _ := r.Detail["readOnly"].(bool); return reads }

// entry is a record that waits.
type entry struct {
	record record
	// completed, unless it is nil, gives the record with what takes longer to find than the
	// caller should wait, or nil if there is none after all.
	completed <-chan *record
}

// offer puts an entry at the end of the queue; it reports false if the queue is full.
func (t *Trail) offer(e entry) bool {
	select {
	case t.waiting <- e:
		return true
	default:
		return false
	}
}

// Run delivers records in the order of their arrival until ctx is done.
func (t *Trail) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-t.waiting:
			whole := e.whole(ctx)
			if whole == nil {
				continue
			}
			if err := t.bus.deliver(ctx, *whole); err != nil && ctx.Err() == nil {
				t.log.Warn("record not delivered", "event", whole.name(), "error", err.Error())
			}
		}
	}
}

func (e entry) whole(ctx context.Context) *record {
	if e.completed == nil {
		return &e.record
	}
	select {
	case whole := <-e.completed:
		return whole
	case <-ctx.Done():
		return nil
	}
}

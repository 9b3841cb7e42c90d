package recorder

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
)

const (
	pool = "arn:aws:cognito-idp:us-east-1:000000000000:userpool/us-east-1_AbCdEfGhI"
	sub  = "b1e7c2a0-5a2f-4f0e-9f58-1c2d3e4f5a6b"
)

var act = time.Date(2026, 11, 22, 16, 0, 0, 123000000, time.UTC)

// database is a DynamoDB in memory that knows the one condition in use.
type database struct {
	mu    sync.Mutex
	items map[string]map[string]types.AttributeValue
	// fail answers a put of this pk with an error.
	fail string
	// takes is how long a put takes.
	takes time.Duration
}

func (d *database) PutItem(_ context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	<-time.After(d.takes)
	d.mu.Lock()
	defer d.mu.Unlock()
	pk, sk := str(in.Item, "pk"), str(in.Item, "sk")
	if pk == d.fail {
		return nil, errors.New("throttled")
	}
	old, exists := d.items[pk+"\n"+sk]
	if exists && in.ConditionExpression != nil && *in.ConditionExpression == "attribute_not_exists(pk)" {
		e := &types.ConditionalCheckFailedException{}
		if in.ReturnValuesOnConditionCheckFailure == types.ReturnValuesOnConditionCheckFailureAllOld {
			e.Item = old
		}
		return nil, e
	}
	d.items[pk+"\n"+sk] = in.Item
	return &dynamodb.PutItemOutput{}, nil
}

// rows returns the items that are not claims.
func (d *database) rows() []map[string]types.AttributeValue {
	var rows []map[string]types.AttributeValue
	for _, item := range d.items {
		if str(item, "id") != "" {
			rows = append(rows, item)
		}
	}
	return rows
}

func str(item map[string]types.AttributeValue, name string) string {
	if v, ok := item[name].(*types.AttributeValueMemberS); ok {
		return v.Value
	}
	return ""
}

// newRecorder returns a recorder over an empty table, its table, log and output.
func newRecorder() (r *Recorder, db *database, log, out *bytes.Buffer) {
	db, log, out = &database{items: map[string]map[string]types.AttributeValue{}}, &bytes.Buffer{}, &bytes.Buffer{}
	return &Recorder{
		Store: &Table{Client: db, Name: "audit"}, Environment: "test", Retention: 24 * time.Hour,
		Log: slog.New(slog.NewJSONHandler(log, nil)), Out: out,
		Now: func() time.Time { return act.Add(2 * time.Second) },
	}, db, log, out
}

func message(t *testing.T, id string, ev event.Event, err error) events.SQSMessage {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	body, err := contracts.Encode(ev)
	if err != nil {
		t.Fatal(err)
	}
	return events.SQSMessage{MessageId: id, Body: string(body)}
}

func handle(t *testing.T, r *Recorder, messages ...events.SQSMessage) []string {
	t.Helper()
	out, err := r.Handle(t.Context(), events.SQSEvent{Records: messages})
	if err != nil {
		t.Fatal(err)
	}
	failed := []string{}
	for _, f := range out.BatchItemFailures {
		failed = append(failed, f.ItemIdentifier)
	}
	return failed
}
